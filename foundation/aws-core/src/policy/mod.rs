//! Policies: what they say (`document`), when they speak (`condition`), who wins (`evaluate`), and why (`explain`).
//!
//! ```text
//! document    JSON text -> statements             strict_json   JSON in which no key stands twice
//! pattern     wildcards and policy variables        operator   names of condition operators, taken apart
//! whom        how a Principal element speaks of a caller
//! condition   facts of a request; whether a condition holds
//! globals     the aws: keys that follow from the call
//! statement   whether one statement speaks about one question
//! evaluate    all voices heard, and the verdict     explain    the verdict with its grounds, and AWS's sentence for it
//! remedy      what would turn a refusal, tried
//! ```
//!
//! Deliberately absent: service and resource control policies, VPC endpoint policies: no organization, no endpoint here.

pub mod condition;
#[cfg(test)]
mod decisions;
pub mod document;
pub mod evaluate;
pub mod explain;
mod globals;
pub mod operator;
pub mod pattern;
pub mod remedy;
mod statement;
mod strict_json;
pub mod whom;
