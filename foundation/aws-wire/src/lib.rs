//! AWS's protocols on one port.
//!
//! ```text
//! service   the traits that a service implements to be reachable
//! ```

pub mod query;
pub mod service;
pub mod xml;
