//! AWS's protocols on one port.
//!
//! ```text
//! serve      sockets      unread  bodies left behind   limits  how much, how slowly, how many
//! route      one port, many services            place     where a request belongs         host   what a Host header says
//! auth       who is asking: the gate            peer      identity between two of our processes
//! buffered   the way of a JSON, Query, REST request       control  the guard of the control plane
//! s3_door    the way of an S3 request           body      S3 bodies, decoded and verified while they stream
//! chunked    aws-chunked                        service   the traits that a service implements to be reachable
//! json query xml   how requests are read and answers built    answer fault   how outcomes are printed
//! ```
//!
//! Deliberately absent: any operation of any service, authorization, and every clock and random source: they are handed in.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod answer;
pub mod auth;
pub mod body;
mod buffered;
pub mod chunked;
mod control;
pub mod fault;
pub mod host;
pub mod json;
pub mod limits;
pub mod peer;
mod place;
pub mod query;
pub mod route;
mod s3_door;
pub mod serve;
pub mod service;
mod unread;
pub mod xml;
