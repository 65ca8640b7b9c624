//! The lessons: strict YAML, real command lines, checked expectations.
//!
//! ```text
//! script    the language of a lesson, and reading it strictly
//! stage     a private server or a given one, the account's people, the folder where commands run
//! planes    what is true after a step: result, trail, keys, grants, disk
//! runner    one lesson from the first step to the last clean-up
//! report    what a class sees, or a program reads
//! ```
//!
//! The genuine aws-cli runs every command; the server is seen only as any client sees it, over HTTP.
//! Deliberately absent: any knowledge of the services' insides, and printing anywhere but in `report`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod planes;
pub mod script;
pub mod stage;
