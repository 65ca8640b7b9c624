//! What several operations say in the same words.

use aws_core::audit::Opening;
use aws_core::call::CallContext;
use aws_core::event::{Form, Place};
use aws_core::id::Region;
use aws_core::principal::Principal;
use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use envelope::asymmetric::EncryptionAlgorithm;
use envelope::context::EncryptionContext;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap};
use kms_api::world::World;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::KmsSim;
use crate::call::Call;
use crate::hsm::boundary::{Boundary, Cipher};
use crate::model::key::Key;
use crate::model::purpose::{KeySpec, SYMMETRIC_DEFAULT};

/// The only algorithm of symmetric encryption keys.
pub(crate) const DEFAULT_ALGORITHM: (&str, &str) = ("encryptionAlgorithm", "SYMMETRIC_DEFAULT");

/// Longest encryption context: names and values together.
const CONTEXT_BYTES: usize = 8192;

/// The request of operations that only name a key.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ByKey {
    pub(crate) key_id: String,
}

/// The canonical context, unless it is too long.
pub(crate) fn context(pairs: &ContextMap) -> Result<EncryptionContext, KmsError> {
    let context = EncryptionContext::from(pairs.clone());
    if context.size_bytes() <= CONTEXT_BYTES {
        return Ok(context);
    }
    Err(KmsError::Validation(format!(
        "1 validation error detected: Value at 'encryptionContext' failed to satisfy constraint: Member must have \
         length less than or equal to {CONTEXT_BYTES}"
    )))
}

/// DryRun comes last: all has been checked, nothing is done.
pub(crate) fn stop_if_dry(dry_run: Option<bool>) -> Result<(), KmsError> {
    if dry_run == Some(true) { Err(KmsError::DryRunOperation) } else { Ok(()) }
}

/// How a key seals and opens under the algorithm that was named. Key pairs know no encryption context.
pub(crate) fn cipher(key: &Key, algorithm: &str, context: EncryptionContext) -> Result<Cipher, KmsError> {
    let oaep = algorithm.parse::<EncryptionAlgorithm>().ok();
    match (key.purpose.spec, oaep) {
        (KeySpec::SymmetricDefault, None) if algorithm == SYMMETRIC_DEFAULT => Ok(Cipher::Symmetric(context)),
        (KeySpec::Pair(_), Some(_)) if !context.is_empty() => Err(KmsError::Validation(
            "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.".into(),
        )),
        (KeySpec::Pair(spec), Some(oaep)) if oaep.longest_plaintext(spec).is_some() => Ok(Cipher::Oaep(oaep)),
        (KeySpec::SymmetricDefault | KeySpec::Hmac(_) | KeySpec::Pair(_), _) => {
            Err(key.purpose.incompatible(algorithm))
        }
    }
}

/// The algorithm that a request means.
pub(crate) fn algorithm(named: Option<&str>) -> &str {
    named.unwrap_or(SYMMETRIC_DEFAULT)
}

/// Lets the HSM compute where nobody waits: RSA and ML-DSA take milliseconds, new RSA keys seconds. The proofs come
/// back with the result.
pub(crate) async fn aside<P, T>(
    kms: &KmsSim,
    proofs: P,
    work: impl FnOnce(&Boundary, &P) -> Result<T, KmsError> + Send + 'static,
) -> Result<(P, T), KmsError>
where
    P: Send + 'static,
    T: Send + 'static,
{
    let kms = kms.handle();
    let working = tokio::task::spawn_blocking(move || work(&kms.hsm, &proofs).map(|done| (proofs, done)));
    working.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The HSM did not answer.".into())))
}

/// Whether the ciphertext is not to be looked at, as only a rehearsal may ask.
pub(crate) fn ignores_ciphertext(modifiers: &[String], dry_run: Option<bool>) -> Result<bool, KmsError> {
    match (modifiers.is_empty(), dry_run) {
        (true, _) => Ok(false),
        (false, Some(true)) => Ok(true),
        (false, Some(false) | None) => {
            Err(KmsError::Validation("DryRunModifiers can only be specified when DryRun is true".into()))
        }
    }
}

/// The ciphertext, which only such a rehearsal may leave out.
pub(crate) fn needed_blob(blob: Option<&Blob>) -> Result<&[u8], KmsError> {
    blob.map(|blob| &*blob.0).ok_or_else(|| null("ciphertextBlob"))
}

/// The key, which such a rehearsal must name.
pub(crate) fn named_without_blob<'a>(member: &str, named: Option<&'a str>) -> Result<&'a str, KmsError> {
    let member = format!("{}{}", member[..1].to_ascii_lowercase(), &member[1..]);
    named.ok_or_else(|| null(&member))
}

fn null(member: &str) -> KmsError {
    KmsError::Validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// A region, as the pattern of the model wants it.
pub(crate) fn region(member: &str, text: &str) -> Result<Region, KmsError> {
    let (words, number) = text.rsplit_once('-').unwrap_or_default();
    let in_order = (2..=3).contains(&words.split('-').count())
        && words.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && number.bytes().all(|b| b.is_ascii_digit());
    let region = Region::parse(text).filter(|_| in_order && !number.is_empty());
    region.ok_or_else(|| {
        KmsError::Validation(format!(
            "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: ^([a-z]+-){{2,3}}\\d+$"
        ))
    })
}

/// The notebook of a part of an operation that happens in another region, and is recorded there too. The caller
/// closes it.
pub(crate) fn elsewhere<'c>(kms: &KmsSim, there: &'c CallContext, name: &'static str) -> Call<'c> {
    let opening = Opening { source: "kms.amazonaws.com", name, read_only: false, management: true };
    Call { ctx: there, audit: kms.world.audit(there, opening), keys: Vec::new() }
}

/// A party to a grant is named as a principal or as a service: which of them, and whether it is a service.
pub(crate) fn exactly_one<'a>(
    role: &str,
    principal: Option<&'a String>,
    service: Option<&'a String>,
) -> Result<(&'a str, bool), KmsError> {
    match (principal, service) {
        (Some(name), None) => Ok((name, false)),
        (None, Some(name)) => Ok((name, true)),
        (Some(_), Some(_)) | (None, None) => Err(KmsError::Validation(format!(
            "You must specify either {role}Principal or {role}ServicePrincipal, but not both."
        ))),
    }
}

/// Some members are for services that ask for themselves.
pub(crate) fn check_service_caller(call: &Call<'_>, member: &str) -> Result<(), KmsError> {
    match call.ctx.caller.principal {
        Principal::Service { .. } => Ok(()),
        Principal::Root { .. } | Principal::User { .. } | Principal::AssumedRole { .. } => {
            Err(KmsError::Validation(format!("{member} can only be used by callers that are AWS service principals.")))
        }
    }
}

/// `kms:GrantIsForAWSResource`
pub(crate) fn is_for_aws_resource(ctx: &CallContext) -> &'static str {
    if ctx.via.as_ref().is_some_and(|via| via.for_aws_resource) { "true" } else { "false" }
}

/// Tells the ledger that a data key went to a caller over the wire, out of the simulator's sight.
pub(crate) fn hand_over(world: &World, blob: &[u8]) {
    let digest = hex::encode(Sha256::digest(blob));
    world.custodian().placed(&format!("data-key/{}", &digest[..12]), Place::Caller, Form::Plaintext);
}

/// An answer with a plaintext in it. The bytes are written straight into the body, through no text of their own.
#[derive(Serialize)]
pub(crate) struct WithPlaintext<'a, Rest> {
    #[serde(rename = "Plaintext", serialize_with = "base64_of")]
    pub(crate) plaintext: &'a Secret,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

/// An answer with a secret in a member of another name, and whatever else it says.
pub(crate) struct WithSecret<'a> {
    pub(crate) name: &'static str,
    pub(crate) secret: &'a Secret,
    pub(crate) rest: Map<String, Value>,
}

impl Serialize for WithSecret<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.rest.len() + 1))?;
        members.serialize_entry(self.name, &format_args!("{}", Base64Display::new(self.secret.expose(), &STANDARD)))?;
        self.rest.iter().try_for_each(|(name, value)| members.serialize_entry(name, value))?;
        members.end()
    }
}

impl WithSecret<'_> {
    /// Prints into a buffer that is large enough from the start, so that no copy is left behind by growing.
    pub(crate) fn print(&self) -> Bytes {
        let texts = self.rest.values().filter_map(Value::as_str).map(str::len);
        let mut body = Vec::with_capacity(self.secret.len() * 4 / 3 + texts.sum::<usize>() + 1024);
        serde_json::to_writer(&mut body, self).expect("answers are plain structures with text keys");
        body.into()
    }
}

fn base64_of<S: Serializer>(plaintext: &&Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(plaintext.expose(), &STANDARD))
}

impl<Rest: Serialize> WithPlaintext<'_, Rest> {
    /// Prints into a buffer that is large enough from the start, so that no copy is left behind by growing.
    pub(crate) fn print(&self, other_bytes: usize) -> Bytes {
        let mut body = Vec::with_capacity(self.plaintext.len() * 4 / 3 + other_bytes + 512);
        serde_json::to_writer(&mut body, self).expect("answers are plain structures with text keys");
        body.into()
    }
}

/// The members of an answer that are no secrets.
pub(crate) fn members<const N: usize>(members: [(&str, String); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect()
}

/// Bytes as base64 text.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
