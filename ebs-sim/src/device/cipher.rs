//! A volume's cipher together with its announcement: as long as the key schedules stand in memory, the ledger says so.

use std::fmt;

use envelope::data_key::{PlaintextDataKey, Witness};
use envelope::xts::{Backend, CipherError, VolumeCipher};

/// Which implementation serves volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CipherChoice {
    /// The hot path: many data units at once.
    #[default]
    Batched,
    /// The `xts-mode` crate, unit by unit: slow, and nobody's code but its authors'.
    Reference,
    /// **No encryption**, whatever the volume says: the control of a benchmark.
    Null,
}

/// A cipher, keyed for one attachment. Fields drop in order: the schedules are wiped first, announced second.
pub struct KeyedCipher {
    cipher: VolumeCipher,
    _announcement: Option<Announcement>,
}

struct Announcement(Box<dyn Witness>);

impl Drop for Announcement {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

impl KeyedCipher {
    /// Expands the 64 bytes of `key` into schedules, wipes them, and keeps their announcement alive with the cipher.
    ///
    /// # Errors
    /// When the key is not 64 bytes, its halves are equal, or no memory can be locked for it.
    pub fn expand(key: PlaintextDataKey, choice: CipherChoice) -> Result<Self, CipherError> {
        let cipher = match choice {
            CipherChoice::Batched => VolumeCipher::new(&key)?,
            CipherChoice::Reference => VolumeCipher::with_backend(&key, Backend::Reference)?,
            CipherChoice::Null => VolumeCipher::null(),
        };
        Ok(Self { cipher, _announcement: Some(Announcement(key.into_witness())) })
    }

    /// The cipher of a volume that is not encrypted.
    pub fn unencrypted() -> Self {
        Self { cipher: VolumeCipher::null(), _announcement: None }
    }

    /// A cipher under key bytes of which no ledger need know.
    #[cfg(test)]
    pub fn unwitnessed(key: &[u8]) -> Self {
        struct Nobody;
        impl Witness for Nobody {
            fn born(&self) {}
            fn dropped(&self) {}
        }
        let key = PlaintextDataKey::born(envelope::secret::Secret::copied(key), Box::new(Nobody));
        Self::expand(key, CipherChoice::Batched).unwrap()
    }

    /// The cipher itself.
    pub fn get(&self) -> &VolumeCipher {
        &self.cipher
    }
}

impl fmt::Debug for KeyedCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedCipher(key withheld)")
    }
}
