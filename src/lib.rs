//! sse-sim: a simulator of the place where cloud storage meets key management.
//!
//! The root package composes the services and puts them on a socket; it is the only code that reads the wall
//! clock and the operating system's randomness. Tests embed a server through [`testkit`].
//!
//! ```text
//! main → flags → serve → compose        the server            os      clock and randomness
//!               mount, scenario          its clients           state   the folder, its lock and secrets
//!               control                  the /_sim API         remote  a KMS in another process
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod commands;
pub mod compose;
pub mod control;
pub mod credentials;
pub mod exit;
pub mod flags;
pub mod mount;
pub mod object;
pub mod os;
pub mod remote;
pub mod scenario;
pub mod serve;
pub mod state;
pub mod testkit;
