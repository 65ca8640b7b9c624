//! ML-DSA (FIPS 204). A pair is its 32-byte seed ξ; signing is hedged, with randomness from the caller.
//!
//! A raw message becomes µ first, so that there is one way to sign: from µ, whoever computed it.

use ml_dsa::{
    EncodedVerifyingKey, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey,
};
use sha2::digest::Update;

use crate::asymmetric::algorithm::Message;
use crate::asymmetric::draws::Draws;
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::seed_form::SeedForm;
use crate::asymmetric::spec::KeyPairSpec;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// Calls a function that is generic over the parameter set, for the set that a spec names.
macro_rules! for_set {
    ($spec:expr, $work:ident ( $($argument:expr),* )) => {
        match $spec {
            KeyPairSpec::MlDsa44 => $work::<MlDsa44>($($argument),*),
            KeyPairSpec::MlDsa65 => $work::<MlDsa65>($($argument),*),
            KeyPairSpec::MlDsa87 => $work::<MlDsa87>($($argument),*),
            _ => Err(AsymmetricError::Incompatible),
        }
    };
}

fn form(spec: KeyPairSpec) -> Result<SeedForm, AsymmetricError> {
    match spec {
        KeyPairSpec::MlDsa44 => Ok(SeedForm::ml_dsa("2.16.840.1.101.3.4.3.17")),
        KeyPairSpec::MlDsa65 => Ok(SeedForm::ml_dsa("2.16.840.1.101.3.4.3.18")),
        KeyPairSpec::MlDsa87 => Ok(SeedForm::ml_dsa("2.16.840.1.101.3.4.3.19")),
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

pub(super) fn sign(
    spec: KeyPairSpec,
    pkcs8: &Secret,
    message: Message<'_>,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, AsymmetricError> {
    let seed = form(spec)?.seed(pkcs8.expose())?;
    for_set!(spec, sign_with(&seed, message, entropy))
}

pub(super) fn verify(
    spec: KeyPairSpec,
    spki: &[u8],
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), AsymmetricError> {
    let raw = form(spec)?.raw(spki)?;
    for_set!(spec, verify_with(raw, message, signature))
}

/// The crate wipes an expanded key on drop. What its expansion leaves on the stack is more than `scrub` overwrites: a
/// price of this crate.
fn expanded<P: MlDsaParams>(seed: &Secret) -> Result<Box<ExpandedSigningKey<P>>, AsymmetricError> {
    let seed = seed.expose().try_into().map_err(|_| AsymmetricError::PrivateKey)?;
    Ok(Box::new(ExpandedSigningKey::<P>::from_seed(seed)))
}

fn public_of<P: MlDsaParams>(seed: &Secret) -> Result<Vec<u8>, AsymmetricError> {
    Ok(expanded::<P>(seed)?.verifying_key().encode().to_vec())
}

fn sign_with<P: MlDsaParams>(
    seed: &Secret,
    message: Message<'_>,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, AsymmetricError> {
    let key = expanded::<P>(seed)?;
    let mu = representative(&key.verifying_key(), message)?;
    let signature = key.sign_mu_randomized((&mu).into(), &mut Draws(entropy)).map_err(|_| AsymmetricError::Library)?;
    Ok(signature.encode().to_vec())
}

fn verify_with<P: MlDsaParams>(raw: &[u8], message: Message<'_>, signature: &[u8]) -> Result<(), AsymmetricError> {
    let raw: &EncodedVerifyingKey<P> = raw.try_into().map_err(|_| AsymmetricError::PublicKey)?;
    let key = VerifyingKey::<P>::decode(raw);
    let signature = Signature::<P>::try_from(signature).map_err(|_| AsymmetricError::Signature)?;
    let mu = representative(&key, message)?;
    if key.verify_mu((&mu).into(), &signature) { Ok(()) } else { Err(AsymmetricError::Signature) }
}

/// µ = SHAKE256(SHAKE256(public key) ‖ 00 ‖ 00 ‖ message), FIPS 204 algorithm 7 line 6 with an empty context.
fn representative<P: MlDsaParams>(key: &VerifyingKey<P>, message: Message<'_>) -> Result<[u8; 64], AsymmetricError> {
    match message {
        Message::ExternalMu(mu) => mu.try_into().map_err(|_| AsymmetricError::DigestLength),
        Message::Digest(_) => Err(AsymmetricError::MessageType),
        Message::Raw(message) => {
            let absorb = |hash: &mut _| {
                Update::update(hash, message);
                Ok(())
            };
            key.compute_mu(absorb, &[]).map(Into::into).map_err(|_| AsymmetricError::Library)
        }
    }
}
