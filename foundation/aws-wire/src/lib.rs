//! AWS's protocols on one port.
//!
//! ```text
//! service   the traits that a service implements to be reachable
//! query     form parameters          xml   answers
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod query;
pub mod service;
pub mod xml;
