//! An EBS whose attached volumes are real files.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod device;
pub mod fuse;
