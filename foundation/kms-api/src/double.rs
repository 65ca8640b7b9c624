//! A small KMS in memory, for the tests of storage services: real wrapping, no policies, a memory of every call.
//!
//! Blobs are the genuine article (`envelope::blob`), so that a wrong encryption context, a flipped bit or a foreign
//! blob fails as it would in earnest. A test can disable a key, end it, make the next call fail, and read back who
//! asked for what with which context and grant tokens.
//!
//! Deliberately absent: authorization by policies, quotas, rotation, the audit trail. Whoever needs those takes
//! `kms-sim`. Grants are checked only when their token is presented.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use aws_core::arn::Arn;
use aws_core::call::CallContext;
use aws_core::id::{AccountId, Region, uuid};
use envelope::blob::{CiphertextBlob, Origin, seal_blob};
use envelope::context::EncryptionContext;
use envelope::entropy::{Entropy, SeededEntropy};
use envelope::secret::Secret;

use crate::client::Kms;
use crate::custody::Custody;
use crate::error::KmsError;
use crate::shapes::{
    Blob, ContextMap, CreateGrantRequest, CreateGrantResponse, DecryptRequest, DecryptResponse, DescribeKeyRequest,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextResponse, GrantConstraints,
    KeyMetadata, ReEncryptRequest, ReEncryptResponse, RetireGrantRequest,
};

const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// The double. Shared by `Arc`, like the KMS it stands for.
pub struct DoubleKms {
    account: AccountId,
    region: Region,
    entropy: SeededEntropy,
    state: Mutex<State>,
}

/// One call that reached the double, successful or not.
#[derive(Clone, Debug)]
pub struct Call {
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// Who asked, through whom.
    pub context: CallContext,
    /// The key as the caller wrote it; `None` where none was named.
    pub key_id: Option<String>,
    /// The encryption context (of ReEncrypt: the destination's; of CreateGrant: empty).
    pub encryption_context: ContextMap,
    /// The grant tokens that were presented.
    pub grant_tokens: Vec<String>,
}

/// A grant that was made.
#[derive(Clone, Debug)]
pub struct Grant {
    /// ARN of its key.
    pub key_arn: String,
    /// What was asked for.
    pub request: CreateGrantRequest,
    /// 64 hex digits.
    pub grant_id: String,
    /// What lets its bearer use it.
    pub grant_token: String,
    /// Whether RetireGrant has ended it.
    pub retired: bool,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Key>,
    aliases: BTreeMap<String, String>,
    grants: Vec<Grant>,
    calls: Vec<Call>,
    failures: VecDeque<KmsError>,
}

struct Key {
    arn: String,
    manager: &'static str,
    state: KeyState,
    material_id: [u8; 32],
    backing: Secret,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion,
}

// ---------------------------------------------------------------- what a test arranges and reads

impl DoubleKms {
    /// A KMS without keys, in one account and region.
    pub fn new(account: AccountId, region: Region) -> Self {
        Self { account, region, entropy: SeededEntropy::new(0xd0b1e), state: Mutex::default() }
    }

    /// A new customer managed key; returns its ARN.
    pub fn create_key(&self) -> String {
        self.insert_key(&mut self.state(), "CUSTOMER")
    }

    /// Names a key. `alias/aws/…` need not be named: such a key comes into being when it is asked for.
    pub fn alias(&self, name: &str, key: &str) {
        self.state().aliases.insert(name.into(), bare_id(key).into());
    }

    /// From now on the key refuses, with `DisabledException`.
    pub fn disable(&self, key: &str) {
        self.set_state(key, KeyState::Disabled);
    }

    /// The key works again.
    pub fn enable(&self, key: &str) {
        self.set_state(key, KeyState::Enabled);
    }

    /// From now on the key refuses, with `KMSInvalidStateException`.
    pub fn schedule_deletion(&self, key: &str) {
        self.set_state(key, KeyState::PendingDeletion);
    }

    /// The next call fails so, whatever it is. Several failures are served in order.
    pub fn fail_next(&self, error: KmsError) {
        self.state().failures.push_back(error);
    }

    /// All calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Names of the operations called so far, in order.
    pub fn operations(&self) -> Vec<&'static str> {
        self.state().calls.iter().map(|call| call.operation).collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.state().calls.clear();
    }

    /// All grants that were ever made, in order.
    pub fn grants(&self) -> Vec<Grant> {
        self.state().grants.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the double's state panics")
    }

    fn set_state(&self, key: &str, state: KeyState) {
        let mut all = self.state();
        let key = all.keys.get_mut(bare_id(key)).expect("a test changes keys that it has made");
        key.state = state;
    }

    fn insert_key(&self, state: &mut State, manager: &'static str) -> String {
        let entropy: &dyn Entropy = &self.entropy;
        let id = uuid(entropy.array());
        let arn = Arn::new("kms", self.region.as_str(), self.account.as_str(), format!("key/{id}")).to_string();
        let backing = Secret::filled(32, |bytes| entropy.fill(bytes));
        let key = Key { arn: arn.clone(), manager, state: KeyState::Enabled, material_id: entropy.array(), backing };
        state.keys.insert(id, key);
        arn
    }

    /// Writes the call down, then serves a failure that a test has ordered.
    fn arrive(&self, call: Call) -> Result<MutexGuard<'_, State>, KmsError> {
        let mut state = self.state();
        state.calls.push(call);
        state.failures.pop_front().map_or(Ok(()), Err)?;
        Ok(state)
    }

    /// Names an AWS managed key into being when it is asked for.
    fn ensure_managed(&self, state: &mut State, asked: &str) {
        let name = alias_name(asked);
        if name.starts_with("alias/aws/") && !state.aliases.contains_key(name) {
            let arn = self.insert_key(state, "AWS");
            state.aliases.insert(name.into(), bare_id(&arn).into());
        }
    }

    fn arn_of(&self, resource: &str) -> String {
        Arn::new("kms", self.region.as_str(), self.account.as_str(), resource).to_string()
    }

    /// The key a caller means, if it may be used now.
    fn usable<'s>(&self, state: &'s mut State, asked: &str) -> Result<&'s Key, KmsError> {
        self.ensure_managed(state, asked);
        let key = self.find(state, asked)?;
        key.usable()?;
        Ok(key)
    }

    fn find<'s>(&self, state: &'s State, asked: &str) -> Result<&'s Key, KmsError> {
        let name = alias_name(asked);
        let id = if name.starts_with("alias/") {
            let unknown = || KmsError::NotFound(format!("Alias {} is not found.", self.arn_of(name)));
            state.aliases.get(name).ok_or_else(unknown)?
        } else {
            bare_id(asked)
        };
        let unknown = || KmsError::NotFound(format!("Key '{}' does not exist", self.arn_of(&format!("key/{id}"))));
        state.keys.get(id).ok_or_else(unknown)
    }

    fn new_data_key(&self, call: Call, request: &GenerateDataKeyRequest) -> Result<NewDataKey, KmsError> {
        let (operation, len) = (call.operation, data_key_len(request));
        let mut state = self.arrive(call)?;
        let len = len?;
        let arn = self.usable(&mut state, &request.key_id)?.arn.clone();
        state.check_tokens(&arn, operation, &request.grant_tokens, &request.encryption_context)?;
        dry_run(request.dry_run)?;
        let key = self.usable(&mut state, &arn)?;
        let plaintext = Secret::filled(len, |bytes| self.entropy.fill(bytes));
        let blob = self.seal(key, Origin::DataKey, &request.encryption_context, &plaintext);
        Ok(NewDataKey { plaintext, blob, arn, material_id: hex(&key.material_id) })
    }

    fn seal(&self, key: &Key, origin: Origin, context: &ContextMap, plaintext: &Secret) -> Blob {
        let context = EncryptionContext::from(context.clone());
        let Key { backing, material_id, .. } = key;
        Blob(seal_blob(backing, *material_id, origin, &context, plaintext.expose(), &self.entropy))
    }

    /// Opens a blob under the key that it names, which must be the key that was asked for, if any was.
    fn open(&self, state: &mut State, asked: Option<&str>, opening: Opening<'_>) -> Result<Opened, KmsError> {
        let parsed = CiphertextBlob::parse(&opening.blob.0).map_err(|_| KmsError::InvalidCiphertext)?;
        let named = asked.map(|asked| self.find(state, asked).map(|key| key.arn.clone())).transpose()?;
        let key = state.keys.values().find(|key| key.material_id == parsed.material_id).ok_or_else(foreign_blob)?;
        if named.is_some_and(|named| named != key.arn) {
            return Err(KmsError::IncorrectKey);
        }
        key.usable()?;
        state.check_tokens(&key.arn, opening.operation, opening.grant_tokens, opening.context)?;
        let context = EncryptionContext::from(opening.context.clone());
        let plaintext = parsed.open(&key.backing, &context).map_err(|_| KmsError::InvalidCiphertext)?;
        Ok(Opened { plaintext, arn: key.arn.clone(), material_id: hex(&key.material_id) })
    }
}

struct NewDataKey {
    plaintext: Secret,
    blob: Blob,
    arn: String,
    material_id: String,
}

struct Opening<'a> {
    operation: &'static str,
    blob: &'a Blob,
    context: &'a ContextMap,
    grant_tokens: &'a [String],
}

struct Opened {
    plaintext: Secret,
    arn: String,
    material_id: String,
}

impl Key {
    fn usable(&self) -> Result<(), KmsError> {
        match self.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(KmsError::Disabled(self.arn.clone())),
            KeyState::PendingDeletion => Err(KmsError::KmsInvalidState(format!("{} is pending deletion.", self.arn))),
        }
    }

    fn metadata(&self) -> KeyMetadata {
        let state = match self.state {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion => "PendingDeletion",
        };
        KeyMetadata {
            key_id: bare_id(&self.arn).into(),
            arn: self.arn.clone(),
            key_state: state.into(),
            key_manager: self.manager.into(),
            key_spec: SYMMETRIC_DEFAULT.into(),
            key_usage: "ENCRYPT_DECRYPT".into(),
        }
    }
}

impl State {
    /// Whoever presents tokens lives by them: each must be known, and one must allow this.
    fn check_tokens(
        &self,
        arn: &str,
        operation: &str,
        tokens: &[String],
        context: &ContextMap,
    ) -> Result<(), KmsError> {
        let mut allowed = tokens.is_empty();
        for token in tokens {
            let grant = self.grants.iter().find(|grant| grant.grant_token == *token);
            let grant = grant.ok_or_else(|| KmsError::InvalidGrantToken("Invalid grant token".into()))?;
            allowed |= grant.allows(arn, operation, context);
        }
        let denied =
            || KmsError::AccessDenied(format!("no live grant allows kms:{operation} on {arn} in this context"));
        if allowed { Ok(()) } else { Err(denied()) }
    }
}

impl Grant {
    fn allows(&self, arn: &str, operation: &str, context: &ContextMap) -> bool {
        let constraints = self.request.constraints.as_ref();
        !self.retired
            && self.key_arn == arn
            && self.request.operations.iter().any(|granted| granted == operation)
            && constraints.is_none_or(|constraints| satisfied(constraints, context))
    }
}

fn satisfied(constraints: &GrantConstraints, context: &ContextMap) -> bool {
    let subset = constraints.encryption_context_subset.iter().flatten();
    let equals = constraints.encryption_context_equals.as_ref();
    subset.into_iter().all(|(name, value)| context.get(name) == Some(value))
        && equals.is_none_or(|equals| equals == context)
}

// ---------------------------------------------------------------- the operations

#[async_trait]
impl Kms for DoubleKms {
    async fn describe_key(&self, ctx: &CallContext, request: DescribeKeyRequest) -> Result<KeyMetadata, KmsError> {
        let call = call("DescribeKey", ctx, Some(&request.key_id), &ContextMap::new(), &request.grant_tokens);
        let mut state = self.arrive(call)?;
        self.ensure_managed(&mut state, &request.key_id);
        Ok(self.find(&state, &request.key_id)?.metadata())
    }

    async fn generate_data_key(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
        into: Custody,
    ) -> Result<GenerateDataKeyResponse, KmsError> {
        let GenerateDataKeyRequest { key_id, encryption_context, grant_tokens, .. } = &request;
        let call = call("GenerateDataKey", ctx, Some(key_id), encryption_context, grant_tokens);
        let made = self.new_data_key(call, &request)?;
        Ok(GenerateDataKeyResponse {
            plaintext: into.take(made.plaintext),
            ciphertext_blob: made.blob,
            key_id: made.arn,
            key_material_id: Some(made.material_id),
        })
    }

    async fn generate_data_key_without_plaintext(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
        let GenerateDataKeyRequest { key_id, encryption_context, grant_tokens, .. } = &request;
        let call = call("GenerateDataKeyWithoutPlaintext", ctx, Some(key_id), encryption_context, grant_tokens);
        let made = self.new_data_key(call, &request)?;
        Ok(GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: made.blob,
            key_id: made.arn,
            key_material_id: Some(made.material_id),
        })
    }

    async fn decrypt(
        &self,
        ctx: &CallContext,
        request: DecryptRequest,
        into: Custody,
    ) -> Result<DecryptResponse, KmsError> {
        let DecryptRequest { ciphertext_blob: blob, encryption_context: context, grant_tokens, key_id, .. } = &request;
        let mut state = self.arrive(call("Decrypt", ctx, key_id.as_deref(), context, grant_tokens))?;
        let opening = Opening { operation: "Decrypt", blob, context, grant_tokens };
        let opened = self.open(&mut state, key_id.as_deref(), opening)?;
        dry_run(request.dry_run)?;
        Ok(DecryptResponse {
            plaintext: into.take(opened.plaintext),
            key_id: opened.arn,
            encryption_algorithm: SYMMETRIC_DEFAULT.into(),
            key_material_id: Some(opened.material_id),
        })
    }

    async fn re_encrypt(&self, ctx: &CallContext, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError> {
        let (destination, context) = (&request.destination_key_id, &request.destination_encryption_context);
        let mut state = self.arrive(call("ReEncrypt", ctx, Some(destination), context, &request.grant_tokens))?;
        // A real caller may hold one token for each side; the double looks at neither.
        let opening = Opening {
            operation: "ReEncryptFrom",
            blob: &request.ciphertext_blob,
            context: &request.source_encryption_context,
            grant_tokens: &[],
        };
        let opened = self.open(&mut state, request.source_key_id.as_deref(), opening)?;
        let key = self.usable(&mut state, destination)?;
        dry_run(request.dry_run)?;
        Ok(ReEncryptResponse {
            ciphertext_blob: self.seal(key, Origin::Encrypt, context, &opened.plaintext),
            source_key_id: opened.arn,
            key_id: key.arn.clone(),
            source_encryption_algorithm: SYMMETRIC_DEFAULT.into(),
            destination_encryption_algorithm: SYMMETRIC_DEFAULT.into(),
            source_key_material_id: Some(opened.material_id),
            destination_key_material_id: Some(hex(&key.material_id)),
        })
    }

    async fn create_grant(
        &self,
        ctx: &CallContext,
        request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError> {
        let call = call("CreateGrant", ctx, Some(&request.key_id), &ContextMap::new(), &request.grant_tokens);
        let mut state = self.arrive(call)?;
        let key_arn = self.usable(&mut state, &request.key_id)?.arn.clone();
        dry_run(request.dry_run)?;
        let entropy: &dyn Entropy = &self.entropy;
        let (grant_id, grant_token) = (hex(&entropy.array::<32>()), hex(&entropy.array::<48>()));
        let grant =
            Grant { key_arn, request, grant_id: grant_id.clone(), grant_token: grant_token.clone(), retired: false };
        state.grants.push(grant);
        Ok(CreateGrantResponse { grant_token, grant_id })
    }

    async fn retire_grant(&self, ctx: &CallContext, request: RetireGrantRequest) -> Result<(), KmsError> {
        let key_id = request.key_id.as_deref();
        let mut state = self.arrive(call("RetireGrant", ctx, key_id, &ContextMap::new(), &[]))?;
        let meant = |grant: &&mut Grant| match &request.grant_token {
            Some(token) => grant.grant_token == *token,
            None => Some(grant.grant_id.as_str()) == request.grant_id.as_deref() && Some(&*grant.key_arn) == key_id,
        };
        let grant = state.grants.iter_mut().filter(|grant| !grant.retired).find(meant);
        let grant = grant.ok_or_else(|| KmsError::NotFound("Grant not found".into()))?;
        dry_run(request.dry_run)?;
        grant.retired = true;
        Ok(())
    }
}

fn call(
    operation: &'static str,
    ctx: &CallContext,
    key_id: Option<&str>,
    context: &ContextMap,
    grant_tokens: &[String],
) -> Call {
    Call {
        operation,
        context: ctx.clone(),
        key_id: key_id.map(str::to_owned),
        encryption_context: context.clone(),
        grant_tokens: grant_tokens.to_vec(),
    }
}

fn data_key_len(request: &GenerateDataKeyRequest) -> Result<usize, KmsError> {
    match (request.key_spec.as_deref(), request.number_of_bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes @ 1..=1024)) => Ok(bytes as usize),
        _ => Err(KmsError::Validation("Please specify either number of bytes or key spec.".into())),
    }
}

fn dry_run(asked: Option<bool>) -> Result<(), KmsError> {
    if asked == Some(true) { Err(KmsError::DryRunOperation) } else { Ok(()) }
}

fn foreign_blob() -> KmsError {
    KmsError::AccessDenied(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.".into(),
    )
}

/// `alias/x` of `alias/x` and of its ARN; anything else as it is.
fn alias_name(asked: &str) -> &str {
    asked.find(":alias/").map_or(asked, |at| &asked[at + 1..])
}

/// The id of a key ARN; anything else as it is.
fn bare_id(asked: &str) -> &str {
    asked.rsplit_once(":key/").map_or(asked, |(_, id)| id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
