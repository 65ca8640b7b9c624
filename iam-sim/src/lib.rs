//! The IAM and STS that storage and keys need.
//!
//! ```text
//! service     the two doors; every call opens a notebook, runs, closes it
//! ops         one AWS action per file (one file where users, groups and roles differ in nothing but the word)
//! call        one call in the hands of an operation: form, caller, permission
//! args        parameters, read and judged          rules    what a policy document must be, by where it will stand
//! directory   who exists, with which policies and keys: the port that all other services ask
//! shelves     the read model in memory; drafts of changes            principals   what the shelves say of a caller
//! records     users, groups, roles, policies, keys                   managed      AWS's own policies
//! vault       secrets at rest                      answer   XML for the caller, JSON for the trail
//! page        lists in pages                       fault    AWS's codes and sentences
//! ```
//!
//! Deliberately absent: passwords and console logins, MFA devices, federation, organizations, instance profiles,
//! service-linked roles.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod args;
mod call;
mod directory;
mod fault;
mod managed;
mod ops;
mod page;
mod principals;
mod records;
mod rules;
mod service;
mod shelves;
mod vault;

#[cfg(test)]
mod tests;

pub use directory::Directory;
pub use service::{IamService, StsService};
