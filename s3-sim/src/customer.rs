//! SSE-C: the key comes with each request, is used, and is forgotten. What stays is a [`Lock`].
//!
//! ```text
//! kek ‖ commitment = HKDF-SHA256(customer's key, salt, "SEA1 customer key")      32 bytes each
//! stored: salt, commitment, data key wrapped under kek
//! ```
//! The commitment says whether a key is the right one before anything is decrypted: AES-GCM alone would let one who
//! chooses keys make a wrapped key that opens under two of them.
//!
//! AWS refuses such requests over plain HTTP. Here the client may well be on the same machine, so they are let in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::derive::hkdf_sha256;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use http::HeaderMap;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::error::{Outcome, access_denied, fault, invalid_argument, invalid_request};
use crate::model::object::{Lock, Wrapping};
use crate::sse::{SSE, text};

/// `x-amz-server-side-encryption-customer-algorithm`
pub(crate) const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";

const KEY_BYTES: usize = 32;
const LOCK_BYTES: usize = 32;

/// Three headers that go together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trio {
    algorithm: &'static str,
    key: &'static str,
    md5: &'static str,
}

/// Of the object that is written or read.
pub(crate) const OBJECT: Trio = Trio {
    algorithm: ALGORITHM,
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
};

/// Of the object that is copied from.
pub(crate) const COPY_SOURCE: Trio = Trio {
    algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    key: "x-amz-copy-source-server-side-encryption-customer-key",
    md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
};

/// A key that a caller brought.
pub(crate) struct CustomerKey {
    key: Secret,
    /// Of the key, in base64, as answers repeat it.
    pub(crate) md5: String,
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(withheld)")
    }
}

impl Trio {
    /// Whether any of the three was sent.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        [self.algorithm, self.key, self.md5].into_iter().any(|name| headers.contains_key(name))
    }

    /// The key that was sent, if one was. Its length is not looked at: for reading, a key of the wrong length is just
    /// a wrong key.
    fn read(&self, headers: &HeaderMap) -> Outcome<Option<CustomerKey>> {
        if !self.is_in(headers) {
            return Ok(None);
        }
        let Some(algorithm) = text(headers, self.algorithm) else {
            return Err(must_provide("a valid encryption algorithm."));
        };
        let Some(key) = text(headers, self.key) else { return Err(must_provide("an appropriate secret key.")) };
        if algorithm != "AES256" {
            return Err(invalid_algorithm(algorithm));
        }
        let key = Secret::new(STANDARD.decode(key).map_err(|_| invalid_key())?);
        let Some(md5) = text(headers, self.md5) else {
            return Err(must_provide("the client calculated MD5 of the secret key."));
        };
        if STANDARD.encode(Md5::digest(key.expose())) != md5 {
            let message = "The calculated MD5 hash of the key did not match the hash that was provided.";
            return Err(invalid_argument(SSE, "null", message));
        }
        Ok(Some(CustomerKey { key, md5: md5.to_owned() }))
    }

    /// The key for something that is to be written.
    pub(crate) fn for_writing(&self, headers: &HeaderMap) -> Outcome<Option<CustomerKey>> {
        let asked = self.read(headers)?;
        match asked {
            Some(asked) if asked.key.len() != KEY_BYTES => Err(invalid_key()),
            asked => Ok(asked),
        }
    }

    /// The key for something that stands: it must be the right one, and sent exactly when one is needed.
    pub(crate) fn for_reading(&self, headers: &HeaderMap, wrapping: &Wrapping) -> Outcome<Option<CustomerKey>> {
        match (wrapping, self.read(headers)?) {
            (Wrapping::Customer { lock, .. }, Some(key)) => key.unlock(lock).map(|_| Some(key)),
            (Wrapping::Customer { .. }, None) => Err(invalid_request(
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided \
                 to retrieve the object.",
            )),
            (_, Some(_)) => Err(invalid_request("The encryption parameters are not applicable to this object.")),
            (_, None) => Ok(None),
        }
    }

    /// The key for one more part of an upload: the one that the upload began with.
    pub(crate) fn for_part(&self, headers: &HeaderMap, wrapping: &Wrapping) -> Outcome<Option<CustomerKey>> {
        match (wrapping, self.for_writing(headers)?) {
            (Wrapping::Customer { lock, .. }, Some(key)) if key.unlock(lock).is_ok() => Ok(Some(key)),
            (Wrapping::Customer { .. }, Some(_)) => {
                Err(invalid_request("The provided encryption parameters did not match the ones used originally."))
            }
            (Wrapping::Customer { .. }, None) | (_, Some(_)) => Err(invalid_request(
                "The multipart upload initiate requested encryption. Subsequent part requests must include the \
                 appropriate encryption parameters.",
            )),
            (_, None) => Ok(None),
        }
    }
}

impl CustomerKey {
    /// A new lock that this key opens, and the key that it gives.
    pub(crate) fn lock(&self, entropy: &dyn Entropy) -> (Lock, Secret) {
        let salt = entropy.array::<LOCK_BYTES>().to_vec();
        let (kek, commitment) = self.derive(&salt);
        (Lock { salt, commitment }, kek)
    }

    /// The key behind a lock; 403 when it is another key's.
    pub(crate) fn unlock(&self, lock: &Lock) -> Outcome<Secret> {
        let (kek, commitment) = self.derive(&lock.salt);
        if bool::from(commitment.ct_eq(&lock.commitment)) { Ok(kek) } else { Err(wrong_key()) }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(key: Secret) -> Self {
        Self { key, md5: String::new() }
    }

    fn derive(&self, salt: &[u8]) -> (Secret, Vec<u8>) {
        let derived = Secret::filled(2 * LOCK_BYTES, |out| {
            hkdf_sha256(self.key.expose(), salt, b"SEA1 customer key", out);
        });
        let (kek, commitment) = derived.expose().split_at(LOCK_BYTES);
        (Secret::copied(kek), commitment.to_vec())
    }
}

fn must_provide(what: &str) -> aws_core::fault::ApiFault {
    let message = format!("Requests specifying Server Side Encryption with Customer provided keys must provide {what}");
    invalid_argument(SSE, "null", message)
}

fn invalid_key() -> aws_core::fault::ApiFault {
    invalid_argument(SSE, "null", "The secret key was invalid for the specified algorithm.")
}

fn invalid_algorithm(algorithm: &str) -> aws_core::fault::ApiFault {
    let message = "The Encryption request you specified is not valid. Supported value: AES256.";
    fault("InvalidEncryptionAlgorithmError", 400, message).with("ArgumentName", SSE).with("ArgumentValue", algorithm)
}

fn wrong_key() -> aws_core::fault::ApiFault {
    access_denied(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use envelope::entropy::SeededEntropy;

    fn key(byte: u8) -> CustomerKey {
        CustomerKey::for_tests(Secret::copied(&[byte; 32]))
    }

    #[test]
    fn a_lock_opens_with_its_own_key_only_and_no_two_locks_are_alike() {
        let entropy = SeededEntropy::new(3);
        let (lock, kek) = key(1).lock(&entropy);
        assert_eq!(key(1).unlock(&lock).unwrap().expose(), kek.expose());
        assert_eq!(key(2).unlock(&lock).unwrap_err().status, 403);
        assert_ne!(key(1).lock(&entropy).0, lock);
        assert_eq!(format!("{:?}", key(1)), "CustomerKey(withheld)");
    }
}
