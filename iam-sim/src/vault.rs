//! Where secrets of keys rest: wrapped under one key, each bound to its purpose and its access key id, so that no
//! row's secret can be moved to another row. A secret is unwrapped for one signature check and then dropped.

use aws_core::id::iam_id;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use envelope::wrap::{unwrap, wrap};
use zeroize::Zeroizing;

/// What a wrapped secret is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    SecretAccessKey,
    SessionToken,
}

/// Wraps and unwraps.
pub(crate) struct Vault {
    kek: Secret,
}

impl Vault {
    /// `kek` is 32 bytes.
    pub fn new(kek: Secret) -> Self {
        Self { kek }
    }

    /// Wraps a secret text for the row of `access_key_id`.
    pub fn seal(&self, purpose: Purpose, access_key_id: &str, text: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        wrap(&self.kek, &aad(purpose, access_key_id), text, entropy)
    }

    /// The text; `None` when the row was tampered with or wrapped under another key.
    pub fn open(&self, purpose: Purpose, access_key_id: &str, wrapped: &[u8]) -> Option<String> {
        let secret = unwrap(&self.kek, &aad(purpose, access_key_id), wrapped).ok()?;
        std::str::from_utf8(secret.expose()).ok().map(str::to_owned)
    }
}

fn aad(purpose: Purpose, access_key_id: &str) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::SecretAccessKey => "secret access key",
        Purpose::SessionToken => "session token",
    };
    format!("iam {purpose} {access_key_id}").into_bytes()
}

/// `AKIA…` or `ASIA…`: 20 characters, one less than other unique ids.
pub(crate) fn new_access_key_id(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut id = iam_id(prefix, entropy.array());
    id.truncate(20);
    id
}

/// 40 characters of base 64: 240 random bits.
pub(crate) fn new_secret(entropy: &dyn Entropy) -> Zeroizing<String> {
    random_text::<30>(entropy)
}

/// An opaque session token. It means nothing by itself: it must be the one kept beside the access key.
pub(crate) fn new_session_token(entropy: &dyn Entropy) -> Zeroizing<String> {
    random_text::<258>(entropy)
}

fn random_text<const N: usize>(entropy: &dyn Entropy) -> Zeroizing<String> {
    let bytes: Zeroizing<[u8; N]> = Zeroizing::new(entropy.array());
    Zeroizing::new(STANDARD.encode(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use envelope::entropy::SeededEntropy;

    #[test]
    fn a_secret_opens_only_in_its_own_row_and_for_its_own_purpose() {
        let (vault, entropy) = (Vault::new(Secret::copied(&[7; 32])), SeededEntropy::new(1));
        let wrapped = vault.seal(Purpose::SecretAccessKey, "AKIA1", b"hush", &entropy);
        assert!(!wrapped.windows(4).any(|window| window == b"hush"));
        assert_eq!(vault.open(Purpose::SecretAccessKey, "AKIA1", &wrapped).as_deref(), Some("hush"));
        assert_eq!(vault.open(Purpose::SecretAccessKey, "AKIA2", &wrapped), None);
        assert_eq!(vault.open(Purpose::SessionToken, "AKIA1", &wrapped), None);
    }

    #[test]
    fn keys_have_the_shapes_of_aws() {
        let entropy = SeededEntropy::new(1);
        let id = new_access_key_id("AKIA", &entropy);
        assert!(id.len() == 20 && id.starts_with("AKIA"), "{id}");
        assert_eq!(new_secret(&entropy).len(), 40);
        assert_eq!(new_session_token(&entropy).len(), 344);
    }
}
