//! A plaintext data key: no clone, no serialisation, no honest `Debug`, wiped on drop, and never made or
//! dropped without its witness hearing of it.

use std::fmt;

use crate::secret::Secret;

/// Hears of one key's life in one place. The ledger listens through it.
pub trait Witness: Send + Sync {
    /// The key is now here, in plaintext.
    fn born(&self);
    /// The key has been wiped from here.
    fn dropped(&self);
}

/// A data key in plaintext, in somebody's custody.
pub struct PlaintextDataKey {
    bytes: Secret,
    /// `None` only after [`Self::into_witness`], when the announcement has become somebody else's duty.
    witness: Option<Box<dyn Witness>>,
}

impl PlaintextDataKey {
    /// Puts key bytes into custody; the witness hears of the birth.
    pub fn born(bytes: Secret, witness: Box<dyn Witness>) -> Self {
        witness.born();
        Self { bytes, witness: Some(witness) }
    }

    /// The one door to the bytes.
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Wipes the bytes and hands the witness on **without** telling it: for one who has expanded the key into a cipher's
    /// schedules, where the key lives on, and who says `dropped` when those are wiped.
    pub fn into_witness(mut self) -> Box<dyn Witness> {
        self.witness.take().expect("only this method takes the witness, and it consumes the key")
    }

    /// Length in bytes: 64 for a volume, 32 for an object.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Drop for PlaintextDataKey {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        // Wiped first, announced second: the ledger never says "absent" while the bytes still stand.
        self.bytes.zeroize();
        if let Some(witness) = &self.witness {
            witness.dropped();
        }
    }
}

impl fmt::Debug for PlaintextDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlaintextDataKey({} bytes withheld)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Diary(Arc<Mutex<Vec<&'static str>>>);

    impl Witness for Diary {
        fn born(&self) {
            self.0.lock().unwrap().push("born");
        }
        fn dropped(&self) {
            self.0.lock().unwrap().push("dropped");
        }
    }

    #[test]
    fn a_key_is_announced_when_it_comes_and_when_it_goes() {
        let diary = Diary::default();
        let key = PlaintextDataKey::born(Secret::copied(&[1; 64]), Box::new(diary.clone()));
        assert_eq!(*diary.0.lock().unwrap(), ["born"]);
        assert_eq!(format!("{key:?}"), "PlaintextDataKey(64 bytes withheld)");
        drop(key);
        assert_eq!(*diary.0.lock().unwrap(), ["born", "dropped"]);
    }

    #[test]
    fn a_witness_that_was_handed_on_is_told_by_its_new_holder() {
        let diary = Diary::default();
        let key = PlaintextDataKey::born(Secret::copied(&[1; 64]), Box::new(diary.clone()));
        let witness = key.into_witness();
        assert_eq!(*diary.0.lock().unwrap(), ["born"]);
        witness.dropped();
        assert_eq!(*diary.0.lock().unwrap(), ["born", "dropped"]);
    }
}
