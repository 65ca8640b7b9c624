//! ML-KEM (FIPS 203). A pair is its 64-byte seed d ‖ z, which is also how AWS writes the private keys it hands out.
//!
//! Decapsulating a ciphertext of the right length never fails: one that was altered, or made for another key, gives
//! a secret that nobody else has (implicit rejection). Only a wrong length is an error.

use ml_kem::kem::{Decapsulate, Decapsulator, Encapsulate, Kem, KeyExport, KeyInit, TryKeyInit};
use ml_kem::{MlKem512, MlKem768, MlKem1024};
use zeroize::Zeroize;

use crate::asymmetric::draws::Draws;
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::seed_form::SeedForm;
use crate::asymmetric::spec::KeyPairSpec;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// What Encapsulate makes: the secret for oneself, and its form for the holder of the private key.
#[derive(Debug)]
pub struct Encapsulated {
    /// 32 bytes, fit to be a key as they are.
    pub shared_secret: Secret,
    /// 768, 1088 or 1568 bytes.
    pub ciphertext: Vec<u8>,
}

/// Calls a function that is generic over the parameter set, for the set that a spec names.
macro_rules! for_set {
    ($spec:expr, $work:ident ( $($argument:expr),* )) => {
        match $spec {
            KeyPairSpec::MlKem512 => $work::<MlKem512>($($argument),*),
            KeyPairSpec::MlKem768 => $work::<MlKem768>($($argument),*),
            KeyPairSpec::MlKem1024 => $work::<MlKem1024>($($argument),*),
            _ => Err(AsymmetricError::Incompatible),
        }
    };
}

fn form(spec: KeyPairSpec) -> Result<SeedForm, AsymmetricError> {
    match spec {
        KeyPairSpec::MlKem512 => Ok(SeedForm::ml_kem("2.16.840.1.101.3.4.4.1")),
        KeyPairSpec::MlKem768 => Ok(SeedForm::ml_kem("2.16.840.1.101.3.4.4.2")),
        KeyPairSpec::MlKem1024 => Ok(SeedForm::ml_kem("2.16.840.1.101.3.4.4.3")),
        _ => Err(AsymmetricError::Incompatible),
    }
}

pub(super) fn generate(spec: KeyPairSpec, entropy: &dyn Entropy) -> Result<Secret, AsymmetricError> {
    let form = form(spec)?;
    Ok(form.pkcs8(&form.draw(entropy)))
}

/// PKCS#8 in the house's form, and the public key that belongs to it.
pub(super) fn import(spec: KeyPairSpec, pkcs8: &[u8]) -> Result<(Secret, Vec<u8>), AsymmetricError> {
    let form = form(spec)?;
    let seed = form.seed(pkcs8)?;
    let public = for_set!(spec, public_of(&seed))?;
    Ok((form.pkcs8(&seed), form.spki(&public)))
}

pub(super) fn encapsulate(
    spec: KeyPairSpec,
    spki: &[u8],
    entropy: &dyn Entropy,
) -> Result<Encapsulated, AsymmetricError> {
    let raw = form(spec)?.raw(spki)?;
    for_set!(spec, encapsulate_with(raw, entropy))
}

pub(super) fn decapsulate(spec: KeyPairSpec, pkcs8: &Secret, ciphertext: &[u8]) -> Result<Secret, AsymmetricError> {
    let seed = form(spec)?.seed(pkcs8.expose())?;
    for_set!(spec, decapsulate_with(&seed, ciphertext))
}

/// The crate wipes an expanded key on drop. What its expansion leaves on the stack is more than `scrub` overwrites: a
/// price of this crate.
fn expanded<K: Kem<DecapsulationKey: KeyInit>>(seed: &Secret) -> Result<Box<K::DecapsulationKey>, AsymmetricError> {
    let key = K::DecapsulationKey::new_from_slice(seed.expose());
    key.map(Box::new).map_err(|_| AsymmetricError::PrivateKey)
}

fn public_of<K: Kem<DecapsulationKey: KeyInit>>(seed: &Secret) -> Result<Vec<u8>, AsymmetricError> {
    Ok(expanded::<K>(seed)?.encapsulation_key().to_bytes().to_vec())
}

fn encapsulate_with<K: Kem>(raw: &[u8], entropy: &dyn Entropy) -> Result<Encapsulated, AsymmetricError> {
    let key = K::EncapsulationKey::new_from_slice(raw).map_err(|_| AsymmetricError::PublicKey)?;
    let (ciphertext, mut shared) = key.encapsulate_with_rng(&mut Draws(entropy));
    let shared_secret = Secret::copied(&shared);
    shared.zeroize();
    Ok(Encapsulated { shared_secret, ciphertext: ciphertext.to_vec() })
}

fn decapsulate_with<K>(seed: &Secret, ciphertext: &[u8]) -> Result<Secret, AsymmetricError>
where
    K: Kem<DecapsulationKey: KeyInit + Decapsulate>,
{
    let mut shared = expanded::<K>(seed)?.decapsulate_slice(ciphertext).map_err(|_| AsymmetricError::Ciphertext)?;
    let secret = Secret::copied(&shared);
    shared.zeroize();
    Ok(secret)
}
