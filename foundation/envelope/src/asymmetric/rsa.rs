//! RSA (RFC 8017): PKCS#1 v1.5 and PSS signatures, OAEP encryption; the public exponent of new keys is 65537.
//!
//! New keys, PSS salts and OAEP seeds draw from aws-lc's own generator, not from the caller's entropy: the library
//! offers no other way, and a homemade prime search would be the worse exception. `--seed` does not replay them.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaKeyPair, RsaParameters, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::asymmetric::algorithm::{EncryptionAlgorithm, Hash, Message, SigningAlgorithm};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::spec::KeyPairSpec;
use crate::secret::Secret;

pub(super) fn generate(spec: KeyPairSpec) -> Result<Secret, AsymmetricError> {
    let size = match spec {
        KeyPairSpec::Rsa2048 => KeySize::Rsa2048,
        KeyPairSpec::Rsa3072 => KeySize::Rsa3072,
        KeyPairSpec::Rsa4096 => KeySize::Rsa4096,
        _ => return Err(AsymmetricError::Incompatible),
    };
    pkcs8(&RsaKeyPair::generate(size).map_err(|_| AsymmetricError::Library)?)
}

/// PKCS#8 in the house's form, and the public key that belongs to it.
pub(super) fn import(spec: KeyPairSpec, der: &[u8]) -> Result<(Secret, Vec<u8>), AsymmetricError> {
    let key = private(spec, der)?;
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| AsymmetricError::Library)?;
    Ok((pkcs8(&key)?, spki.as_ref().to_vec()))
}

pub(super) fn sign(
    spec: KeyPairSpec,
    der: &Secret,
    how: SigningAlgorithm,
    message: Message<'_>,
) -> Result<Vec<u8>, AsymmetricError> {
    let Scheme { encoding, hash, .. } = Scheme::of(how)?;
    let key = private(spec, der.expose())?;
    let mut signature = vec![0; key.public_modulus_len()];
    let signed = key.sign_digest(encoding, &digest_of(hash, message)?, &mut signature);
    signed.map(|()| signature).map_err(|_| AsymmetricError::Library)
}

pub(super) fn verify(
    spki: &[u8],
    how: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), AsymmetricError> {
    let Scheme { parameters, hash, .. } = Scheme::of(how)?;
    let key = UnparsedPublicKey::new(parameters, spki).parse().map_err(|_| AsymmetricError::PublicKey)?;
    key.verify_digest_sig(&digest_of(hash, message)?, signature).map_err(|_| AsymmetricError::Signature)
}

pub(super) fn encrypt(spki: &[u8], how: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, AsymmetricError> {
    let key = PublicEncryptingKey::from_der(spki).map_err(|_| AsymmetricError::PublicKey)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| AsymmetricError::PublicKey)?;
    let longest = key.max_plaintext_size(oaep(how));
    if plaintext.len() > longest {
        return Err(AsymmetricError::TooLong { longest });
    }
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let written = key.encrypt(oaep(how), plaintext, &mut ciphertext, None).map_err(|_| AsymmetricError::Library)?.len();
    ciphertext.truncate(written);
    Ok(ciphertext)
}

pub(super) fn decrypt(
    spec: KeyPairSpec,
    der: &Secret,
    how: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Result<Secret, AsymmetricError> {
    let key = PrivateDecryptingKey::from_pkcs8(der.expose()).map_err(|_| AsymmetricError::PrivateKey)?;
    if Some(key.key_size_bytes()) != spec.modulus_bytes() {
        return Err(AsymmetricError::PrivateKey);
    }
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| AsymmetricError::PrivateKey)?;
    if ciphertext.len() != key.key_size_bytes() {
        return Err(AsymmetricError::Ciphertext);
    }
    // The library writes into as much room as the modulus is long; the whole of it is wiped, whatever was used.
    let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
    let opened = key.decrypt(oaep(how), ciphertext, &mut room, None);
    opened.map(|plaintext| Secret::copied(plaintext)).map_err(|_| AsymmetricError::Ciphertext)
}

fn private(spec: KeyPairSpec, der: &[u8]) -> Result<RsaKeyPair, AsymmetricError> {
    let key = RsaKeyPair::from_pkcs8(der).map_err(|_| AsymmetricError::PrivateKey)?;
    if Some(key.public_modulus_len()) == spec.modulus_bytes() { Ok(key) } else { Err(AsymmetricError::PrivateKey) }
}

fn pkcs8(key: &RsaKeyPair) -> Result<Secret, AsymmetricError> {
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| AsymmetricError::Library)?;
    Ok(Secret::copied(der.as_ref()))
}

/// One signing algorithm in the library's words.
struct Scheme {
    encoding: &'static dyn RsaEncoding,
    parameters: &'static RsaParameters,
    hash: Hash,
}

impl Scheme {
    fn of(how: SigningAlgorithm) -> Result<Self, AsymmetricError> {
        use SigningAlgorithm::{RsaPkcs1, RsaPss};
        let (encoding, parameters): (&'static dyn RsaEncoding, _) = match how {
            RsaPss(Hash::Sha256) => (&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256),
            RsaPss(Hash::Sha384) => (&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384),
            RsaPss(Hash::Sha512) => (&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512),
            RsaPkcs1(Hash::Sha256) => (&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
            RsaPkcs1(Hash::Sha384) => (&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
            RsaPkcs1(Hash::Sha512) => (&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
            _ => return Err(AsymmetricError::Incompatible),
        };
        let (RsaPss(hash) | RsaPkcs1(hash)) = how else { return Err(AsymmetricError::Incompatible) };
        Ok(Self { encoding, parameters, hash })
    }
}

fn oaep(how: EncryptionAlgorithm) -> &'static OaepAlgorithm {
    match how {
        EncryptionAlgorithm::RsaesOaepSha1 => &OAEP_SHA1_MGF1SHA1,
        EncryptionAlgorithm::RsaesOaepSha256 => &OAEP_SHA256_MGF1SHA256,
    }
}

/// The message's digest in the library's type.
pub(super) fn digest_of(hash: Hash, message: Message<'_>) -> Result<Digest, AsymmetricError> {
    let algorithm = match hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    Digest::import_less_safe(&message.digest(hash), algorithm).map_err(|_| AsymmetricError::DigestLength)
}
