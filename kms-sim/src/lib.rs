//! A KMS whose encryption is real.
//!
//! ```text
//! wire        JsonService: X-Amz-Target and JSON in, JSON out     client      the same operations, in process
//! operation   the gesture all share: decode, run, one event       constraints what the model allows, as tables
//! ops         one AWS action per file: decode → authorize → do → answer
//! resolve     from what a caller said to the key that is meant    authorize   who may; the only maker of proofs
//! model       keys, states, aliases, grants, policies, rotation   hsm         the wall around the key material
//! registry    what is durable, in memory for reading              store       how it lies on disk
//! change      how anything comes to be different                  passage     what the clock brings about
//! token       grant tokens                                        page        lists in pages
//! keepers     who tampers with the HSMs, and who restores them
//! ```
//!
//! Deliberately absent: SM2, which AWS offers in China only, and keys shared through RAM. What has no room yet is refused
//! by name, never ignored.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod authorize;
mod call;
mod change;
mod client;
mod constraints;
pub mod error;
pub mod hsm;
pub mod keepers;
pub mod model;
mod operation;
mod ops;
mod page;
mod passage;
mod registry;
mod resolve;
mod store;
mod token;
mod wire;

#[cfg(test)]
mod stories;

use std::fmt;
use std::sync::{Arc, Weak};

use envelope::secret::Secret;
use kms_api::world::World;

use crate::error::Broken;
use crate::hsm::boundary::Boundary;
use crate::registry::{Registry, Turns};

/// One KMS, for all accounts and regions.
pub struct KmsSim {
    /// Changes run detached from the connection that asked for them, and so need a handle of their own.
    me: Weak<Self>,
    store: ::store::Store,
    world: World,
    hsm: Boundary,
    registry: Registry,
    turns: Turns,
}

impl KmsSim {
    /// Opens the KMS kept in `store`. `hsm_root` is the 32-byte root key under which all key material is wrapped.
    /// Tells the ledger of every key there is.
    pub fn open(store: ::store::Store, world: World, hsm_root: Secret) -> Result<Arc<Self>, Broken> {
        let everything = crate::store::load(&store)?;
        let hsm = Boundary::new(hsm_root, crate::store::fleet::load(&store)?, world.entropy.clone())?;
        let registry = Registry::new(everything);
        let kms = Arc::new_cyclic(|me| Self { me: me.clone(), store, world, hsm, registry, turns: Turns::default() });
        kms.announce_hsms();
        kms.registry.all_keys().iter().for_each(|key| kms.announce(key));
        Ok(kms)
    }

    pub(crate) fn handle(&self) -> Arc<Self> {
        self.me.upgrade().expect("KmsSim is only made inside an Arc, and somebody holds it while calling")
    }
}

impl fmt::Debug for KmsSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KmsSim")
    }
}
