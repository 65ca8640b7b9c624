//! The HSMs of KMS: each holds the domain key (the HSM root key), any of them serves any call.
//!
//! ```text
//!   call ──▶ HSM 1   HSM 2   HSM 3        whichever is next and not wiped
//!              └───────┴───────┴── tamper: that one wipes itself, the others go on
//!                      backup ───▶ restore: all that are wiped get the domain key again
//! ```
//!
//! When the last one is wiped, no domain key is left in the process: keys are unavailable until somebody brings the
//! backup. A backup is known by the fingerprint of its key. Deliberately absent: quorums, and HSMs that disagree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_core::time::Timestamp;
use envelope::secret::Secret;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::module::{Closed, Module};

/// How many HSMs there are.
pub const HSMS: u32 = 3;

/// What may be known of a domain key: enough to recognise it, and nothing more.
pub type Fingerprint = [u8; 32];

/// Which HSMs were wiped, and of which domain they were: what outlives the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scars {
    /// Of the domain key that they held.
    pub fingerprint: Fingerprint,
    /// By number, from 1.
    pub wiped: BTreeMap<u32, Timestamp>,
}

/// One HSM, as its keepers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HsmView {
    /// From 1.
    pub number: u32,
    /// `ACTIVE` or `WIPED`.
    pub state: &'static str,
    /// Since when it is wiped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wiped_since: Option<Timestamp>,
}

/// The HSMs.
pub(super) struct Fleet {
    modules: Vec<Module>,
    turn: AtomicUsize,
    fingerprint: Fingerprint,
}

impl Fleet {
    /// The HSMs as they were left: those without a scar still hold the domain key.
    pub(super) fn new(root: Secret, scars: Option<Scars>) -> Self {
        let scars = scars.unwrap_or_else(|| Scars { fingerprint: fingerprint(&root), wiped: BTreeMap::new() });
        let root = Arc::new(root);
        let module = |number| match scars.wiped.get(&number) {
            None => Module::loaded(root.clone()),
            Some(since) => Module::wiped(*since),
        };
        let modules = (1..=HSMS).map(module).collect();
        Self { modules, turn: AtomicUsize::new(0), fingerprint: scars.fingerprint }
    }

    /// Lets the next HSM that is not wiped do something.
    pub(super) fn serve<T>(&self, job: impl Fn(&Module) -> Result<T, Closed>) -> Result<T, Closed> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        for step in 0..self.modules.len() {
            match job(&self.modules[first.wrapping_add(step) % self.modules.len()]) {
                Err(Closed::Wiped) => {}
                done => return done,
            }
        }
        Err(Closed::Wiped)
    }

    /// All of them, for what concerns each.
    pub(super) fn each(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter()
    }

    /// Tampers with one: whether it was still holding its key, or `None` where there is no such HSM.
    pub(super) fn tamper(&self, number: u32, now: Timestamp) -> Option<bool> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.modules.get(index).map(|module| module.wipe(now))
    }

    /// Gives all wiped ones the domain key of a backup again: their numbers, or `None` if it is another domain's.
    pub(super) fn restore(&self, backup: Secret) -> Option<Vec<u32>> {
        if fingerprint(&backup) != self.fingerprint {
            return None;
        }
        let root = Arc::new(backup);
        Some((1..).zip(&self.modules).filter(|(_, module)| module.load(&root)).map(|(number, _)| number).collect())
    }

    /// What outlives the process.
    pub(super) fn scars(&self) -> Scars {
        let numbered = (1..).zip(&self.modules);
        let wiped = numbered.filter_map(|(number, module)| Some((number, module.wiped_since()?))).collect();
        Scars { fingerprint: self.fingerprint, wiped }
    }

    pub(super) fn view(&self) -> Vec<HsmView> {
        let view = |(number, module): (u32, &Module)| {
            let wiped_since = module.wiped_since();
            HsmView { number, state: if wiped_since.is_none() { "ACTIVE" } else { "WIPED" }, wiped_since }
        };
        (1..).zip(&self.modules).map(view).collect()
    }
}

fn fingerprint(root: &Secret) -> Fingerprint {
    Sha256::new().chain_update(b"sse-sim domain key").chain_update(root.expose()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(byte: u8) -> Secret {
        Secret::copied(&[byte; 32])
    }

    fn served(fleet: &Fleet) -> Option<u8> {
        fleet.serve(Module::root).ok().map(|root| root.expose()[0])
    }

    #[test]
    fn one_hsm_is_enough_and_none_is_too_few() {
        let (fleet, now) = (Fleet::new(root(7), None), Timestamp::UNIX_EPOCH);
        assert_eq!(
            [fleet.tamper(1, now), fleet.tamper(1, now), fleet.tamper(3, now)],
            [Some(true), Some(false), Some(true)]
        );
        assert!((0..7).all(|_| served(&fleet) == Some(7)));
        fleet.tamper(2, now);
        assert_eq!(served(&fleet), None);
        assert_eq!([fleet.tamper(0, now), fleet.tamper(4, now)], [None, None]);
    }

    #[test]
    fn a_backup_of_another_domain_restores_nothing() {
        let fleet = Fleet::new(root(7), None);
        assert!((1..=HSMS).all(|number| fleet.tamper(number, Timestamp::UNIX_EPOCH) == Some(true)));
        assert_eq!(fleet.restore(root(8)), None);
        assert_eq!(served(&fleet), None);
        assert_eq!(fleet.restore(root(7)), Some(vec![1, 2, 3]));
        assert_eq!((served(&fleet), fleet.restore(root(7))), (Some(7), Some(vec![])));
    }

    #[test]
    fn scars_are_kept() {
        let fleet = Fleet::new(root(7), None);
        fleet.tamper(2, Timestamp::UNIX_EPOCH);
        let again = Fleet::new(root(7), Some(fleet.scars()));
        let states: Vec<&str> = again.view().iter().map(|hsm| hsm.state).collect();
        assert_eq!(states, ["ACTIVE", "WIPED", "ACTIVE"]);
        assert_eq!(again.restore(root(7)), Some(vec![2]));
    }
}
