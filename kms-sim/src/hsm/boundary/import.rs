//! How key material comes in from outside: wrapped under an RSA key that exists for this alone.
//!
//! ```text
//! public key  ──▶ the caller, who wraps material to it
//! import token    key ARN, algorithm, key spec, end, and the private key: all sealed under the root
//! ```
//!
//! The token carries the private key, so that nothing is kept here: a token can be used again, and dies with its date.

use aws_core::time::Timestamp;
use envelope::asymmetric::{KeyPair, KeyPairSpec};
use envelope::key_wrap::{self, WrappingAlgorithm};
use envelope::secret::Secret;
use envelope::wrap;
use kms_api::error::KmsError;

use super::{BACKING_KEY_BYTES, Boundary, named};
use crate::authorize::Authorized;
use crate::authorize::action::{GetParametersForImport, ImportKeyMaterial};
use crate::model::backing_key::BackingKey;
use crate::model::key::Key;
use crate::model::purpose::KeySpec;

const TOKEN_BINDING: &[u8] = b"sse-sim import token";

/// How material is to be wrapped, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The algorithm.
    pub how: WrappingAlgorithm,
    /// What the wrapping key is.
    pub spec: KeyPairSpec,
    /// After this moment the token is refused.
    pub valid_to: Timestamp,
}

/// What the caller is given to import with.
#[derive(Debug)]
pub struct Parameters {
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// Opaque outside.
    pub token: Vec<u8>,
}

impl Boundary {
    /// Makes a wrapping key for one import. Takes seconds for the longest keys: not to be called where others wait.
    pub fn wrapping_key(&self, key: &Authorized<GetParametersForImport>, terms: Terms) -> Result<Parameters, KmsError> {
        let pair =
            KeyPair::generate(terms.spec, &*self.entropy).map_err(|error| KmsError::KmsInternal(error.to_string()))?;
        let token = wrap::wrap(&*self.root()?, TOKEN_BINDING, token(&key.arn, terms, &pair).expose(), &*self.entropy);
        Ok(Parameters { public_key: pair.public_key().spki().to_vec(), token })
    }

    /// Takes in material that was wrapped under a token's public key.
    pub fn import(
        &self,
        key: &Authorized<ImportKeyMaterial>,
        token: &[u8],
        wrapped: &[u8],
        now: Timestamp,
    ) -> Result<BackingKey, KmsError> {
        let opened = wrap::unwrap(&*self.root()?, TOKEN_BINDING, token).map_err(|_| KmsError::InvalidImportToken)?;
        let (terms, private_key) = read(&key.arn, opened.expose()).ok_or(KmsError::InvalidImportToken)?;
        if terms.valid_to <= now {
            return Err(KmsError::ExpiredImportToken);
        }
        let pair = KeyPair::from_pkcs8(terms.spec, private_key).map_err(|_| KmsError::InvalidImportToken)?;
        let material = key_wrap::unwrap(&pair, terms.how, wrapped).map_err(|_| KmsError::InvalidCiphertext)?;
        self.fitting(key, &material, now)
    }

    /// Material must be what a key of this spec is made of. A pair is named by its public half, as its private half can
    /// be written in several ways.
    fn fitting(&self, key: &Key, material: &Secret, now: Timestamp) -> Result<BackingKey, KmsError> {
        let len = match key.purpose.spec {
            KeySpec::SymmetricDefault => BACKING_KEY_BYTES,
            KeySpec::Hmac(mac) => mac.len_bytes(),
            KeySpec::Pair(spec) => {
                let pair = KeyPair::from_pkcs8(spec, material.expose()).map_err(|_| {
                    KmsError::IncorrectKeyMaterial(format!(
                        "Imported key material must be a PKCS #8 {spec} private key."
                    ))
                })?;
                let id = named(&key.address, pair.public_key().spki());
                return self.keep_pair(&key.address, id, pair, now);
            }
        };
        match material.len() == len {
            true => self.take_in(&key.address, material, now),
            false => Err(KmsError::IncorrectKeyMaterial(format!("Imported key material must be {len} bytes long."))),
        }
    }
}

/// Four lines of text, and the private key.
fn token(arn: &str, terms: Terms, pair: &KeyPair) -> Secret {
    let lines = format!("{arn}\n{}\n{}\n{}\n", terms.how, terms.spec.name(), terms.valid_to.as_millisecond());
    let private_key = pair.private_key().expose();
    let mut body = Vec::with_capacity(lines.len() + private_key.len());
    body.extend_from_slice(lines.as_bytes());
    body.extend_from_slice(private_key);
    Secret::new(body)
}

fn read<'a>(arn: &str, body: &'a [u8]) -> Option<(Terms, &'a [u8])> {
    let mut parts = body.splitn(5, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next()?).ok();
    if line()? != arn {
        return None;
    }
    let how = line()?.parse().ok()?;
    let spec = line()?.parse().ok()?;
    let valid_to = Timestamp::from_millisecond(line()?.parse().ok()?).ok()?;
    Some((Terms { how, spec, valid_to }, parts.next()?))
}
