//! When a key last did cryptographic work, for GetKeyLastUsage.
//!
//! Every use is noted in memory, beside the key; a durable write per use would cost more than the use. What changed is
//! written when the clock is next attended to (`KmsSim::tick`), so that a crash forgets the uses of about a second.

use std::sync::{Mutex, MutexGuard};

use aws_core::time::Timestamp;

/// The operations that count, as AWS's model lists them.
pub const TRACKED: &[&str] = &[
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
    "Encapsulate",
    "Decapsulate",
];

/// One successful use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// When the call began.
    pub at: Timestamp,
    /// Its record in the trail.
    pub event_id: String,
    /// As the caller was told.
    pub request_id: String,
}

/// The newest use of a key.
#[derive(Debug, Default)]
pub struct LastUsage(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    last: Option<LastUse>,
    unsaved: bool,
}

impl LastUsage {
    /// As it was stored.
    pub fn restored(last: LastUse) -> Self {
        Self(Mutex::new(Noted { last: Some(last), unsaved: false }))
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().expect("no holder of a key's usage panics")
    }

    /// Notes a use. Of two that overlap, the one that began later counts.
    pub fn note(&self, used: LastUse) {
        let mut noted = self.noted();
        if noted.last.as_ref().is_none_or(|last| last.at <= used.at) {
            *noted = Noted { last: Some(used), unsaved: true };
        }
    }

    /// The newest use.
    pub fn last(&self) -> Option<LastUse> {
        self.noted().last.clone()
    }

    /// The newest use, if it is not stored yet. From now on it counts as stored.
    pub fn take_unsaved(&self) -> Option<LastUse> {
        let mut noted = self.noted();
        std::mem::take(&mut noted.unsaved).then(|| noted.last.clone()).flatten()
    }
}

/// The name as the model spells it, for one that was read from disk.
pub fn tracked(name: &str) -> Option<&'static str> {
    TRACKED.iter().copied().find(|tracked| *tracked == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(seconds: i64) -> LastUse {
        let at = Timestamp::from_second(seconds).unwrap();
        LastUse { operation: "Encrypt", at, event_id: "e".into(), request_id: "r".into() }
    }

    #[test]
    fn the_later_use_counts_whichever_ends_first_and_is_saved_once() {
        let usage = LastUsage::default();
        assert_eq!((usage.last(), usage.take_unsaved()), (None, None));
        usage.note(used(2));
        usage.note(used(1));
        assert_eq!(usage.take_unsaved(), Some(used(2)));
        assert_eq!((usage.last(), usage.take_unsaved()), (Some(used(2)), None));
    }
}
