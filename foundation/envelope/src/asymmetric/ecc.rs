//! Curves in Weierstrass form: NIST's P-256, P-384 and P-521, and secp256k1. ECDSA (FIPS 186-5) and ECDH (SP 800-56A).
//!
//! The private scalar comes from the caller's entropy, so that `--seed` replays a pair; the nonce of a signature is
//! aws-lc's own, which no caller should be able to choose.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, PublicKeyX509Der};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _,
};
use zeroize::Zeroizing;

use crate::asymmetric::algorithm::{Hash, Message};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::rsa::digest_of;
use crate::asymmetric::spec::KeyPairSpec;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// One curve in the library's words.
struct Curve {
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    /// AWS signs with the hash of the curve's own strength only.
    hash: Hash,
    scalar_bytes: usize,
    /// The bits of the scalar's first byte that the curve's order can reach.
    first_byte: u8,
}

impl Curve {
    fn of(spec: KeyPairSpec) -> Result<Self, AsymmetricError> {
        let (signing, verification, hash, scalar_bytes, first_byte) = match spec {
            KeyPairSpec::EccNistP256 => {
                (&ECDSA_P256_SHA256_ASN1_SIGNING, &signature::ECDSA_P256_SHA256_ASN1, Hash::Sha256, 32, 0xff)
            }
            KeyPairSpec::EccNistP384 => {
                (&ECDSA_P384_SHA384_ASN1_SIGNING, &signature::ECDSA_P384_SHA384_ASN1, Hash::Sha384, 48, 0xff)
            }
            KeyPairSpec::EccNistP521 => {
                (&ECDSA_P521_SHA512_ASN1_SIGNING, &signature::ECDSA_P521_SHA512_ASN1, Hash::Sha512, 66, 0x01)
            }
            KeyPairSpec::EccSecgP256k1 => {
                (&ECDSA_P256K1_SHA256_ASN1_SIGNING, &signature::ECDSA_P256K1_SHA256_ASN1, Hash::Sha256, 32, 0xff)
            }
            _ => return Err(AsymmetricError::Incompatible),
        };
        Ok(Self { signing, verification, hash, scalar_bytes, first_byte })
    }

    /// A scalar below the curve's order, by drawing until one is (FIPS 186-5 A.2.2). Half of the draws fit at worst.
    fn draw(&self, entropy: &dyn Entropy) -> Result<EcdsaKeyPair, AsymmetricError> {
        const DRAWS: usize = 256;
        let mut scalar = Zeroizing::new(vec![0; self.scalar_bytes]);
        for _ in 0..DRAWS {
            entropy.fill(&mut scalar);
            scalar[0] &= self.first_byte;
            // The library refuses zero and what is not below the order.
            if let Ok(key) = EcdsaKeyPair::from_private_key_der(self.signing, &bare_private_key(&scalar)) {
                return Ok(key);
            }
        }
        Err(AsymmetricError::Library)
    }

    fn private(&self, der: &[u8]) -> Result<EcdsaKeyPair, AsymmetricError> {
        EcdsaKeyPair::from_pkcs8(self.signing, der).map_err(|_| AsymmetricError::PrivateKey)
    }
}

/// `ECPrivateKey` of RFC 5915 with neither parameters nor public key: the library derives them.
fn bare_private_key(scalar: &[u8]) -> Zeroizing<Vec<u8>> {
    let len = scalar.len() as u8;
    Zeroizing::new([&[0x30, len + 5, 0x02, 0x01, 0x01, 0x04, len][..], scalar].concat())
}

pub(super) fn generate(spec: KeyPairSpec, entropy: &dyn Entropy) -> Result<Secret, AsymmetricError> {
    let curve = Curve::of(spec)?;
    pkcs8(&curve, &curve.draw(entropy)?)
}

/// PKCS#8 in the house's form, and the public key that belongs to it.
pub(super) fn import(spec: KeyPairSpec, der: &[u8]) -> Result<(Secret, Vec<u8>), AsymmetricError> {
    let curve = Curve::of(spec)?;
    let key = curve.private(der)?;
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| AsymmetricError::Library)?;
    Ok((pkcs8(&curve, &key)?, spki.as_ref().to_vec()))
}

pub(super) fn sign(spec: KeyPairSpec, der: &Secret, message: Message<'_>) -> Result<Vec<u8>, AsymmetricError> {
    let curve = Curve::of(spec)?;
    let digest = digest_of(curve.hash, message)?;
    let signature = curve.private(der.expose())?.sign_digest(&digest).map_err(|_| AsymmetricError::Library)?;
    Ok(signature.as_ref().to_vec())
}

pub(super) fn verify(
    spec: KeyPairSpec,
    spki: &[u8],
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), AsymmetricError> {
    let curve = Curve::of(spec)?;
    let key = signature::UnparsedPublicKey::new(curve.verification, spki);
    let key = key.parse().map_err(|_| AsymmetricError::PublicKey)?;
    key.verify_digest_sig(&digest_of(curve.hash, message)?, signature).map_err(|_| AsymmetricError::Signature)
}

/// The x-coordinate of the shared point, as long as the curve's field: 32, 48 or 66 bytes.
pub(super) fn agree(spec: KeyPairSpec, der: &Secret, peer_spki: &[u8]) -> Result<Secret, AsymmetricError> {
    let algorithm = match spec {
        KeyPairSpec::EccNistP256 => &ECDH_P256,
        KeyPairSpec::EccNistP384 => &ECDH_P384,
        KeyPairSpec::EccNistP521 => &ECDH_P521,
        _ => return Err(AsymmetricError::Incompatible),
    };
    let own = PrivateKey::from_private_key_der(algorithm, der.expose()).map_err(|_| AsymmetricError::PrivateKey)?;
    let peer = ParsedPublicKey::try_from(UnparsedPublicKey::new(algorithm, peer_spki));
    let peer = peer.map_err(|_| AsymmetricError::PublicKey)?;
    agreement::agree(&own, peer, AsymmetricError::PublicKey, |shared| Ok(Secret::copied(shared)))
}

/// PKCS#8 with the public key inside, as openssl writes it; the library leaves it out where the key came without.
fn pkcs8(curve: &Curve, key: &EcdsaKeyPair) -> Result<Secret, AsymmetricError> {
    let scalar: EcPrivateKeyBin<'_> = key.private_key().as_be_bytes().map_err(|_| AsymmetricError::Library)?;
    let point = key.public_key().as_ref();
    let whole = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, scalar.as_ref(), point);
    let der = whole.map_err(|_| AsymmetricError::Library)?.to_pkcs8v1().map_err(|_| AsymmetricError::Library)?;
    Ok(Secret::copied(der.as_ref()))
}
