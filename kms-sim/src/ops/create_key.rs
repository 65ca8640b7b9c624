//! `CreateKey`: a key of any spec, its first key material, and its policy.

use std::sync::Arc;

use aws_core::policy::condition::Facts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::put_key_policy::accept_policy;
use super::shared::aside;
use crate::KmsSim;
use crate::authorize::action::{CreateKey, PutKeyPolicy, TagResource};
use crate::authorize::facts::{self, Kind};
use crate::call::Call;
use crate::change::newborn;
use crate::constraints::{DESCRIPTION, Member, POLICY, Shape, TAGS, optional};
use crate::model::address::KeyAddress;
use crate::model::backing_key::BackingKey;
use crate::model::key::{Key, KeyOrigin, check_quota};
use crate::model::key_policy::KeyPolicy;
use crate::model::key_state::KeyState;
use crate::model::purpose::{KeySpec, KeyUsage, Purpose, SYMMETRIC_DEFAULT};
use crate::model::replica::MultiRegion;
use crate::model::tags::{self, CUSTOM_ID, CUSTOM_MATERIAL, Tag};
use crate::operation::{Operation, json};

const SPECS: Shape = Shape::Word(&[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
]);
/// The older member knows fewer.
const CUSTOMER_MASTER_KEY_SPECS: Shape = Shape::Word(&[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
]);
const USAGES: Shape =
    Shape::Word(&["SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"]);
const ORIGINS: Shape = Shape::Word(&["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"]);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateKeyRequest {
    policy: Option<String>,
    description: String,
    key_usage: Option<String>,
    customer_master_key_spec: Option<String>,
    key_spec: Option<String>,
    origin: Option<String>,
    bypass_policy_lockout_safety_check: bool,
    tags: Vec<Tag>,
    multi_region: Option<bool>,
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        optional("Policy", POLICY),
        optional("Description", DESCRIPTION),
        optional("KeyUsage", USAGES),
        optional("CustomerMasterKeySpec", CUSTOMER_MASTER_KEY_SPECS),
        optional("KeySpec", SPECS),
        optional("Origin", ORIGINS),
        optional("CustomKeyStoreId", Shape::Unserved),
        optional("BypassPolicyLockoutSafetyCheck", Shape::Flag),
        optional("Tags", TAGS),
        optional("MultiRegion", Shape::Flag),
        optional("XksKeyId", Shape::Unserved),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] =
        &[("description", ""), ("keyUsage", "ENCRYPT_DECRYPT"), ("origin", "AWS_KMS")];

    /// CloudTrail shows the spec under both its names, whichever the caller used.
    fn complete(shown: &mut Map<String, Value>) {
        let named = shown.get("keySpec").or(shown.get("customerMasterKeySpec")).cloned();
        let spec = named.unwrap_or_else(|| SYMMETRIC_DEFAULT.into());
        for name in ["keySpec", "customerMasterKeySpec"] {
            shown.entry(name).or_insert_with(|| spec.clone());
        }
    }

    type Request = CreateKeyRequest;
    type Answer = Arc<Key>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: CreateKeyRequest) -> Result<Arc<Key>, KmsError> {
        let kind = check_kind(&request)?;
        tags::check(&request.tags)?;
        authorize(kms, call, kind, &request)?;
        let seeds = Seeds::of(&request.tags)?;
        let address = KeyAddress::of_caller(call.ctx, seeds.id.clone().unwrap_or_else(|| fresh_id(kms, kind)));
        let policy = policy_for(kms, call, (&address, kind), &request)?;
        check_free(kms, &address)?;
        // Before the turn is taken: RSA keys are long in the making, and others may wait for the same lane.
        let material = first_material(kms, &address, kind, seeds.material).await?;
        let _turn = kms.turns.take(&[&address.arn()]).await;
        check_free(kms, &address)?;
        let now = kms.world.now();
        let state = if material.is_some() { KeyState::Enabled } else { KeyState::PendingImport };
        let born = newborn(address, policy, material, now);
        let Kind { purpose, origin, multi_region } = kind;
        let mut key = Key { description: request.description, purpose, origin, multi_region, state, ..born };
        tags::add(&mut key.tags, request.tags.into_iter().filter(tags::is_plain))?;
        let key = kms.keep_key(key).await?;
        kms.announce(&key);
        call.touches(&key);
        call.answered(json!({"keyMetadata": shown(kms.metadata(&key))}));
        Ok(key)
    }

    fn print(kms: &KmsSim, key: Arc<Key>) -> Bytes {
        json(&json!({"KeyMetadata": kms.metadata(&key)}))
    }
}

/// Which kinds of keys there are; those without a room yet are refused by name.
fn check_kind(request: &CreateKeyRequest) -> Result<Kind, KmsError> {
    if request.key_spec.is_some() && request.customer_master_key_spec.is_some() {
        return Err(KmsError::Validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
             deprecated."
                .into(),
        ));
    }
    let spec = request.key_spec.as_deref().or(request.customer_master_key_spec.as_deref()).unwrap_or(SYMMETRIC_DEFAULT);
    // All names that pass the table are known, but for SM2, which is for China.
    let known = KeySpec::parse(spec).ok_or_else(|| {
        KmsError::UnsupportedOperation(Some(format!("KeySpec {spec} is not supported in this Region.")))
    })?;
    check_origin(request, Purpose::of(known, request.key_usage.as_deref().and_then(KeyUsage::parse))?)
}

fn check_origin(request: &CreateKeyRequest, purpose: Purpose) -> Result<Kind, KmsError> {
    let origin = request.origin.as_deref().map_or(Some(KeyOrigin::AwsKms), KeyOrigin::parse);
    let origin = origin.ok_or_else(|| not_served(&format!("Origin {}", request.origin.as_deref().unwrap_or(""))))?;
    if matches!(origin, KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore) {
        return Err(not_served(&format!("Origin {}", origin.name())));
    }
    let multi_region = (request.multi_region == Some(true)).then_some(MultiRegion::Primary);
    Ok(Kind { purpose, origin, multi_region })
}

/// A multi-Region key's id tells that it is one.
fn fresh_id(kms: &KmsSim, kind: Kind) -> String {
    match kind.multi_region {
        Some(_) => format!("mrk-{}", hex::encode(kms.world.entropy.array::<16>())),
        None => kms.world.uuid(),
    }
}

/// An id is taken by a key of this region, and by a multi-Region key of any; and keys are not without number.
fn check_free(kms: &KmsSim, address: &KeyAddress) -> Result<(), KmsError> {
    check_quota(kms.registry.customer_keys(&address.account, &address.region))?;
    match kms.registry.key(address).is_none() && kms.registry.relatives(address).is_empty() {
        true => Ok(()),
        false => Err(KmsError::AlreadyExists(format!("A key with the id {} already exists", address.id))),
    }
}

fn not_served(what: &str) -> KmsError {
    KmsError::UnsupportedOperation(Some(format!("This simulator does not serve {what} yet.")))
}

/// Tags and a policy at birth need the permissions that they would need later.
fn authorize(kms: &KmsSim, call: &mut Call<'_>, kind: Kind, request: &CreateKeyRequest) -> Result<(), KmsError> {
    let facts = facts(call, kind, request);
    kms.permit::<CreateKey>(call, "*", &facts)?;
    if !request.tags.is_empty() {
        kms.permit::<TagResource>(call, "*", &facts)?;
    }
    if request.policy.is_some() {
        kms.permit::<PutKeyPolicy>(call, "*", &facts)?;
    }
    Ok(())
}

fn facts(call: &Call<'_>, kind: Kind, request: &CreateKeyRequest) -> Facts {
    let mut facts = facts::of_call(call.ctx);
    facts::add_key_kind(&mut facts, kind);
    facts.set("kms:BypassPolicyLockoutSafetyCheck", request.bypass_policy_lockout_safety_check.to_string());
    // Not all tags: facts end up in the explanation, which is shown, and one of these tags is key material.
    let plain = request.tags.iter().filter(|tag| tags::is_plain(tag));
    facts::add_request_tags(&mut facts, plain.map(|tag| (&*tag.tag_key, &*tag.tag_value)));
    facts
}

fn policy_for(
    kms: &KmsSim,
    call: &Call<'_>,
    key: (&KeyAddress, Kind),
    request: &CreateKeyRequest,
) -> Result<KeyPolicy, KmsError> {
    match &request.policy {
        None => Ok(KeyPolicy::default_for(&key.0.account)),
        Some(text) => accept_policy(kms, call, key, text, request.bypass_policy_lockout_safety_check),
    }
}

/// What a test may fix of a new key.
struct Seeds {
    id: Option<String>,
    material: Option<Secret>,
}

impl Seeds {
    fn of(tags: &[Tag]) -> Result<Self, KmsError> {
        let value = |name: &str| tags.iter().find(|tag| tag.tag_key == name).map(|tag| tag.tag_value.clone());
        Ok(Self {
            id: value(CUSTOM_ID).map(custom_id).transpose()?,
            material: value(CUSTOM_MATERIAL).map(|text| custom_material(&text)).transpose()?,
        })
    }
}

fn custom_id(id: String) -> Result<String, KmsError> {
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(id) } else { Err(KmsError::Validation(format!("{CUSTOM_ID} takes letters, digits and hyphens."))) }
}

fn custom_material(text: &str) -> Result<Secret, KmsError> {
    let bytes = STANDARD.decode(text).map(Secret::new).ok().filter(|bytes| bytes.len() == 32);
    bytes.ok_or_else(|| KmsError::Validation(format!("{CUSTOM_MATERIAL} takes 32 bytes in base64.")))
}

/// Material that is to be imported is not there yet.
async fn first_material(
    kms: &KmsSim,
    address: &KeyAddress,
    kind: Kind,
    brought: Option<Secret>,
) -> Result<Option<BackingKey>, KmsError> {
    let now = kms.world.now();
    match (kind.origin, brought) {
        (_, Some(_)) if !kind.purpose.is_default() => {
            Err(KmsError::Validation(format!("{CUSTOM_MATERIAL} is for keys of spec {SYMMETRIC_DEFAULT}.")))
        }
        (KeyOrigin::AwsKms, Some(bytes)) => kms.hsm.take_in(address, &bytes, now).map(Some),
        (KeyOrigin::AwsKms, None) if kind.purpose.is_asymmetric() => {
            let (address, spec) = (address.clone(), kind.purpose.spec);
            aside(kms, (), move |hsm, ()| hsm.first_material(&address, spec, now)).await.map(|((), made)| Some(made))
        }
        (KeyOrigin::AwsKms | KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore, None) => {
            kms.hsm.first_material(address, kind.purpose.spec, now).map(Some)
        }
        (KeyOrigin::External, None) => Ok(None),
        (KeyOrigin::External | KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore, Some(_)) => {
            Err(KmsError::Validation(format!("{CUSTOM_MATERIAL} is for keys of origin AWS_KMS.")))
        }
    }
}

/// Metadata as CloudTrail spells it: members start in lower case, and an account id is one word.
pub(crate) fn shown(metadata: Value) -> Value {
    let Value::Object(members) = metadata else { return metadata };
    let lower = |name: String| match &*name {
        "AWSAccountId" => "aWSAccountId".into(),
        _ => format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]),
    };
    members.into_iter().map(|(name, value)| (lower(name), value)).collect()
}
