//! Key material: the bytes behind a KMS key, of which this model only ever holds the wrapped form.

use std::fmt;

use aws_core::time::Timestamp;

/// Names one generation of key material. 32 bytes that also stand in every ciphertext blob made with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaterialId(pub [u8; 32]);

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a generation of key material was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// With the key.
    Creation,
    /// By the rotation schedule.
    Automatic,
    /// By RotateKeyOnDemand.
    OnDemand,
}

impl Origin {
    /// AWS's `RotationType`; the first generation has none.
    pub fn rotation_type(self) -> Option<&'static str> {
        match self {
            Self::Creation => None,
            Self::Automatic => Some("AUTOMATIC"),
            Self::OnDemand => Some("ON_DEMAND"),
        }
    }

    /// Reads what `rotation_type` wrote.
    pub fn from_rotation_type(name: Option<&str>) -> Self {
        match name {
            Some("AUTOMATIC") => Self::Automatic,
            Some("ON_DEMAND") => Self::OnDemand,
            Some(_) | None => Self::Creation,
        }
    }
}

/// One generation of key material, wrapped under the HSM's root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackingKey {
    /// Its name.
    pub id: MaterialId,
    /// Openable only inside the HSM boundary. `None` while imported material is away: deleted, expired, or not yet
    /// imported in this region. Its name stays, so that the same bytes can come back.
    pub wrapped: Option<Vec<u8>>,
    /// The public key of a pair, as SubjectPublicKeyInfo.
    pub public: Option<Vec<u8>>,
    /// Since when it is, or was, current.
    pub since: Timestamp,
    /// Why it was made.
    pub origin: Origin,
    /// In the words of whoever imported it.
    pub description: Option<String>,
    /// When imported material ends; `None` for never.
    pub valid_to: Option<Timestamp>,
}

impl BackingKey {
    /// Whether its bytes are there.
    pub fn is_present(&self) -> bool {
        self.wrapped.is_some()
    }

    /// Lets the bytes go; the name stays.
    pub fn remove_bytes(&mut self) {
        (self.wrapped, self.valid_to) = (None, None);
    }

    /// The same generation in a region that has not imported it.
    pub fn without_bytes(&self) -> Self {
        Self { wrapped: None, valid_to: None, description: None, ..self.clone() }
    }
}
