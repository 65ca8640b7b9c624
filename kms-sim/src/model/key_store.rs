//! Custom key stores: places outside of KMS's own HSMs where an account keeps its key material.
//!
//! ```text
//! AWS_CLOUDHSM         a CloudHSM cluster holds the material and does the work
//! EXTERNAL_KEY_STORE   KMS encrypts, then an external key manager behind a proxy encrypts once more
//! ```
//!
//! A key in a store is unavailable while the store is not connected. Its own state goes on beneath: enabling, disabling
//! and deleting work all the same, and the state shows again once the store is back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where the material of a key in a custom key store is.
#[derive(Clone, Debug)]
pub struct Lodging {
    /// `cks-…`
    pub store: String,
    /// What keeps the material there.
    pub backing: Backing,
    /// Whether the store is connected right now; shared with the store.
    pub link: Link,
}

/// What keeps the material of a key in a custom key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A cluster of HSMs; holds its id, `cluster-…`.
    CloudHsm(String),
    /// An external key manager; holds its name for the key.
    External(String),
}

/// The connection between KMS and a store, as all keys in it see it at once.
#[derive(Clone, Default)]
pub struct Link(Arc<AtomicU8>);

const DOWN: u8 = 0;
const UP: u8 = 1;
const MOVING: u8 = 2;

impl Link {
    /// Whether keys can be used.
    pub fn is_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == UP
    }

    /// Whether somebody asked to connect or disconnect, and nobody has looked since.
    pub fn is_moving(&self) -> bool {
        self.0.load(Ordering::Acquire) == MOVING
    }

    /// Follows the store's connection state.
    pub fn follow(&self, is_up: bool, is_moving: bool) {
        let state = if is_moving {
            MOVING
        } else if is_up {
            UP
        } else {
            DOWN
        };
        self.0.store(state, Ordering::Release);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_up() { "up" } else { "down" })
    }
}
