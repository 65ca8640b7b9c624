//! What KMS knows, as plain values: neither the shapes of the wire (`ops`) nor the shapes of the disk (`store`).

pub mod address;
pub mod alias;
pub mod backing_key;
pub mod grant;
pub mod import;
pub mod key;
pub mod key_policy;
pub mod key_ref;
pub mod key_state;
pub mod key_store;
pub mod last_usage;
pub mod managed;
pub mod purpose;
pub mod replica;
pub mod rotation;
pub mod tags;
