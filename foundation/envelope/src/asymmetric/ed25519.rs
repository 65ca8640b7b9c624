//! Ed25519 and Ed25519ph (RFC 8032). A pair is its seed, so `--seed` replays it, and signing needs no randomness.

use ed25519_dalek::{Sha512, Signature, Signer, SigningKey, VerifyingKey};
use sha2::Digest;

use crate::asymmetric::algorithm::{Message, SigningAlgorithm};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::seed_form::SeedForm;
use crate::entropy::Entropy;
use crate::scrub::scrubbed;
use crate::secret::Secret;

const FORM: SeedForm = SeedForm::ED25519;

pub(super) fn generate(entropy: &dyn Entropy) -> Secret {
    FORM.pkcs8(&FORM.draw(entropy))
}

/// PKCS#8 in the house's form, and the public key that belongs to it.
pub(super) fn import(pkcs8: &[u8]) -> Result<(Secret, Vec<u8>), AsymmetricError> {
    let seed = FORM.seed(pkcs8)?;
    let public = with_key(&seed, |key| key.verifying_key().to_bytes());
    Ok((FORM.pkcs8(&seed), FORM.spki(&public)))
}

pub(super) fn sign(pkcs8: &Secret, how: SigningAlgorithm, message: Message<'_>) -> Result<Vec<u8>, AsymmetricError> {
    let seed = FORM.seed(pkcs8.expose())?;
    let signature = with_key(&seed, |key| match how {
        SigningAlgorithm::Ed25519PhSha512 => key.sign_prehashed(prehash(message), None),
        _ => key.try_sign(message.bytes()),
    });
    Ok(signature.map_err(|_| AsymmetricError::Library)?.to_bytes().to_vec())
}

pub(super) fn verify(
    spki: &[u8],
    how: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), AsymmetricError> {
    let raw = FORM.raw(spki)?.try_into().map_err(|_| AsymmetricError::PublicKey)?;
    let key = VerifyingKey::from_bytes(raw).map_err(|_| AsymmetricError::PublicKey)?;
    let signature = Signature::from_slice(signature).map_err(|_| AsymmetricError::Signature)?;
    let verified = match how {
        SigningAlgorithm::Ed25519PhSha512 => key.verify_prehashed_strict(prehash(message), None, &signature),
        _ => key.verify_strict(message.bytes(), &signature),
    };
    verified.map_err(|_| AsymmetricError::Signature)
}

/// Ed25519ph hashes what it is given, also when that is a digest already. AWS does the same, and says so: a digest
/// handed to `ED25519_PH_SHA_512` is hashed twice, once by the caller and once by KMS.
fn prehash(message: Message<'_>) -> Sha512 {
    Sha512::new_with_prefix(message.bytes())
}

fn with_key<T>(seed: &Secret, work: impl FnOnce(&SigningKey) -> T) -> T {
    let seed = seed.array().expect("the form gives seeds of 32 bytes");
    scrubbed(|| work(&SigningKey::from_bytes(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.3: Ed25519ph of "abc". Here, below the rule that AWS takes digests of 64 bytes only.
    #[test]
    fn ed25519ph_agrees_with_the_rfc() {
        let seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
        let pkcs8 = FORM.pkcs8(&Secret::new(hex::decode(seed).unwrap()));
        let how = SigningAlgorithm::Ed25519PhSha512;
        let signature = sign(&pkcs8, how, Message::Raw(b"abc")).unwrap();
        assert_eq!(
            hex::encode(&signature),
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
        );
        let (_, spki) = import(pkcs8.expose()).unwrap();
        assert_eq!(verify(&spki, how, Message::Raw(b"abc"), &signature), Ok(()));
        let pure = verify(&spki, SigningAlgorithm::Ed25519Sha512, Message::Raw(b"abc"), &signature);
        assert_eq!(pure, Err(AsymmetricError::Signature), "the two are apart");
    }
}
