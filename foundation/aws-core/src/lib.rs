//! AWS's words, pure: what a caller, a request, a policy and an event are, without sockets, files or clocks.
//!
//! ```text
//! id arn principal        names of things
//! time                    Clock: time arrives from outside
//! call                    CallContext: who asks, through whom, under which request id
//! policy                  documents, conditions, the evaluator and its explanation
//! identity                the port through which IAM is asked
//! event audit             what happened, declared once; the readers are elsewhere
//! ledger                  a fold of events: where every key is, and in which form
//! peer                    identity between two processes: its claims and form
//! fault                   an API error before a protocol dresses it
//! ```
//!
//! Deliberately absent: I/O of any kind, randomness, the wall clock, threads.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod arn;
pub mod audit;
pub mod call;
pub mod event;
pub mod fault;
pub mod id;
pub mod identity;
pub mod ledger;
pub mod peer;
pub mod policy;
pub mod principal;
pub mod time;
