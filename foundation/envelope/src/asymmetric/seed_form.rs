//! Keys that are a seed: how Ed25519, ML-DSA and ML-KEM pairs are written in PKCS#8 and SubjectPublicKeyInfo.
//!
//! ```text
//! PKCS#8   version 0 ‖ AlgorithmIdentifier{oid, no parameters} ‖ OCTET STRING { tag ‖ length ‖ seed }
//! SPKI                 AlgorithmIdentifier{oid, no parameters} ‖ BIT STRING { raw public key }
//! ```
//!
//! RFC 8410 (Ed25519: the seed is an OCTET STRING), RFC 9881 (ML-DSA) and RFC 9935 (ML-KEM: the seed has the context
//! tag 0). Deliberately absent: the expanded forms of ML keys. AWS writes seeds, and a seed fits in every spec.

use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroize;

use crate::asymmetric::error::AsymmetricError;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// How one spec writes its seeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeedForm {
    oid: &'static str,
    tag: u8,
    seed_bytes: usize,
}

impl SeedForm {
    /// id-Ed25519; the seed has 32 bytes.
    pub(super) const ED25519: Self = Self { oid: "1.3.101.112", tag: 0x04, seed_bytes: 32 };

    /// id-ml-dsa-44, -65, -87 (the last arc is 17, 18, 19); the seed ξ has 32 bytes.
    pub(super) const fn ml_dsa(oid: &'static str) -> Self {
        Self { oid, tag: 0x80, seed_bytes: 32 }
    }

    /// id-alg-ml-kem-512, -768, -1024 (the last arc is 1, 2, 3); the seed d ‖ z has 64 bytes.
    pub(super) const fn ml_kem(oid: &'static str) -> Self {
        Self { oid, tag: 0x80, seed_bytes: 64 }
    }

    /// A new seed.
    pub(super) fn draw(self, entropy: &dyn Entropy) -> Secret {
        Secret::filled(self.seed_bytes, |out| entropy.fill(out))
    }

    /// The seed as PKCS#8.
    pub(super) fn pkcs8(self, seed: &Secret) -> Secret {
        let mut inner = [&[self.tag, self.seed_bytes as u8], seed.expose()].concat();
        let octets = OctetStringRef::new(&inner).expect("a seed is far shorter than DER's limit");
        let info = PrivateKeyInfoRef::new(self.algorithm(), octets);
        let der = Secret::new(info.to_der().expect("a seed is far shorter than DER's limit"));
        inner.zeroize();
        der
    }

    /// The seed out of PKCS#8, of version 1 or 2; what version 2 says of the public key is not believed but derived.
    pub(super) fn seed(self, pkcs8: &[u8]) -> Result<Secret, AsymmetricError> {
        let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| AsymmetricError::PrivateKey)?;
        let seed = info.private_key.as_bytes().strip_prefix(&[self.tag, self.seed_bytes as u8][..]);
        let fits = info.algorithm == self.algorithm();
        match seed.filter(|seed| fits && seed.len() == self.seed_bytes) {
            Some(seed) => Ok(Secret::copied(seed)),
            None => Err(AsymmetricError::PrivateKey),
        }
    }

    /// A raw public key as SubjectPublicKeyInfo.
    pub(super) fn spki(self, raw: &[u8]) -> Vec<u8> {
        let bits = BitStringRef::from_bytes(raw).expect("a public key is far shorter than DER's limit");
        let info = SubjectPublicKeyInfoRef { algorithm: self.algorithm(), subject_public_key: bits };
        info.to_der().expect("a public key is far shorter than DER's limit")
    }

    /// The raw public key out of SubjectPublicKeyInfo.
    pub(super) fn raw(self, spki: &[u8]) -> Result<&[u8], AsymmetricError> {
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| AsymmetricError::PublicKey)?;
        let raw = info.subject_public_key.as_bytes().filter(|_| info.algorithm == self.algorithm());
        raw.ok_or(AsymmetricError::PublicKey)
    }

    fn algorithm(self) -> AlgorithmIdentifierRef<'static> {
        AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap(self.oid), parameters: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410 §10.3, the example without a public key, and §10.1.
    #[test]
    fn an_ed25519_key_is_written_as_in_the_rfc() {
        let der = "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
        let der = hex::decode(der).unwrap();
        let seed = SeedForm::ED25519.seed(&der).unwrap();
        assert_eq!(seed.expose(), &der[16..]);
        assert_eq!(SeedForm::ED25519.pkcs8(&seed).expose(), der);
        let spki = "302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
        let spki = hex::decode(spki).unwrap();
        assert_eq!(SeedForm::ED25519.spki(&spki[12..]), spki);
        assert_eq!(SeedForm::ED25519.raw(&spki), Ok(&spki[12..]));
    }

    #[test]
    fn another_kind_of_key_is_no_seed_of_this_kind() {
        let (dsa, kem) = (SeedForm::ml_dsa("2.16.840.1.101.3.4.3.17"), SeedForm::ml_kem("2.16.840.1.101.3.4.4.1"));
        let other = SeedForm::ml_dsa("2.16.840.1.101.3.4.3.18");
        let der = dsa.pkcs8(&Secret::copied(&[7; 32]));
        assert!(dsa.seed(der.expose()).is_ok());
        for form in [kem, other, SeedForm::ED25519] {
            assert_eq!(form.seed(der.expose()).unwrap_err(), AsymmetricError::PrivateKey);
        }
        assert_eq!(dsa.raw(&other.spki(&[1; 40])), Err(AsymmetricError::PublicKey));
    }
}
