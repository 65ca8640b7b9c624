//! `ReplicateKey`: the same id and the same material in another region. Two records are made: this one, and a
//! `CreateKey` in the replica's region, where the caller needs that permission too.

use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::id::Region;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::create_key::shown;
use super::put_key_policy::accept_policy;
use super::shared::{elsewhere, region};
use crate::KmsSim;
use crate::authorize::action::{CreateKey, PutKeyPolicy, ReplicateKey, TagResource};
use crate::authorize::facts::{self, Kind};
use crate::call::Call;
use crate::change::newborn;
use crate::constraints::{DESCRIPTION, KEY_ID, Member, POLICY, REGION, Shape, TAGS, needed, optional};
use crate::error::no_such_key;
use crate::model::address::KeyAddress;
use crate::model::key::{Key, KeyOrigin, check_quota};
use crate::model::key_policy::KeyPolicy;
use crate::model::key_state::{KeyState, Use};
use crate::model::replica::{MultiRegion, follow};
use crate::model::tags::{self, Tag};
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReplicateKeyRequest {
    key_id: String,
    replica_region: String,
    policy: Option<String>,
    bypass_policy_lockout_safety_check: bool,
    description: String,
    tags: Vec<Tag>,
}

impl Operation for ReplicateKey {
    const NAME: &'static str = "ReplicateKey";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("ReplicaRegion", REGION),
        optional("Policy", POLICY),
        optional("BypassPolicyLockoutSafetyCheck", Shape::Flag),
        optional("Description", DESCRIPTION),
        optional("Tags", TAGS),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[("description", "")];
    type Request = ReplicateKeyRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ReplicateKeyRequest) -> Result<Value, KmsError> {
        let region = region("replicaRegion", &request.replica_region)?;
        tags::check(&request.tags)?;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).fact("kms:ReplicaRegion", region.as_str());
        let primary = asking.facts(|facts| add_request(facts, &request)).decide()?;
        primary.check_primary()?;
        primary.permit(Use::Replication)?;
        let replica = create_there(kms, call, &primary.address, region, &request).await?;
        kms.tell_synchronized(&primary, kms.world.now());
        let metadata = kms.metadata(&replica);
        call.answered(json!({
            "replicaKeyMetadata": shown(metadata.clone()),
            "replicaPolicy": &*replica.policy.text,
            "replicaTags": tags_of(&replica, "tagKey", "tagValue"),
            "keyId": primary.arn,
        }));
        Ok(json!({
            "ReplicaKeyMetadata": metadata,
            "ReplicaPolicy": &*replica.policy.text,
            "ReplicaTags": tags_of(&replica, "TagKey", "TagValue"),
        }))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn tags_of(key: &Key, name: &str, value: &str) -> Vec<Value> {
    key.tags.iter().map(|(tag, text)| json!({name: tag, value: text})).collect()
}

fn add_request(facts: &mut aws_core::policy::condition::Facts, request: &ReplicateKeyRequest) {
    facts.set("kms:BypassPolicyLockoutSafetyCheck", request.bypass_policy_lockout_safety_check.to_string());
    facts::add_request_tags(facts, request.tags.iter().map(|tag| (&*tag.tag_key, &*tag.tag_value)));
}

/// The part that happens in the replica's region.
async fn create_there(
    kms: &KmsSim,
    call: &Call<'_>,
    primary: &KeyAddress,
    region: Region,
    request: &ReplicateKeyRequest,
) -> Result<Arc<Key>, KmsError> {
    let there = CallContext { region, ..call.ctx.clone() };
    let mut inner = elsewhere(kms, &there, CreateKey::NAME);
    let outcome = create(kms, &mut inner, primary, request).await;
    inner.close(&kms.world, outcome.as_ref().err());
    outcome
}

async fn create(
    kms: &KmsSim,
    call: &mut Call<'_>,
    primary: &KeyAddress,
    request: &ReplicateKeyRequest,
) -> Result<Arc<Key>, KmsError> {
    call.audit.request(json!({
        "description": request.description,
        "multiRegion": true,
        "bypassPolicyLockoutSafetyCheck": request.bypass_policy_lockout_safety_check,
    }));
    let address = KeyAddress { region: call.ctx.region.clone(), ..primary.clone() };
    let _turn = kms.turns.take(&[&address.arn()]).await;
    let primary = kms.registry.key(primary).ok_or_else(|| no_such_key(&primary.arn()))?;
    primary.permit(Use::Replication)?;
    let kind = Kind { multi_region: Some(MultiRegion::Replica), ..Kind::of(&primary) };
    authorize(kms, call, kind, request)?;
    check_free(kms, &address)?;
    let policy = match &request.policy {
        None => KeyPolicy::default_for(&address.account),
        Some(text) => accept_policy(kms, call, (&address, kind), text, request.bypass_policy_lockout_safety_check)?,
    };
    let key = kms.keep_key(replica_of(kms, &primary, address, policy, request)?).await?;
    kms.announce(&key);
    call.touches(&key);
    call.answered(json!({"keyMetadata": shown(kms.metadata(&key))}));
    Ok(key)
}

fn authorize(kms: &KmsSim, call: &mut Call<'_>, kind: Kind, request: &ReplicateKeyRequest) -> Result<(), KmsError> {
    let mut facts = facts::of_call(call.ctx);
    facts::add_key_kind(&mut facts, kind);
    add_request(&mut facts, request);
    kms.permit::<CreateKey>(call, "*", &facts)?;
    if !request.tags.is_empty() {
        kms.permit::<TagResource>(call, "*", &facts)?;
    }
    if request.policy.is_some() {
        kms.permit::<PutKeyPolicy>(call, "*", &facts)?;
    }
    Ok(())
}

fn check_free(kms: &KmsSim, address: &KeyAddress) -> Result<(), KmsError> {
    check_quota(kms.registry.customer_keys(&address.account, &address.region))?;
    match kms.registry.key(address) {
        None => Ok(()),
        Some(_) => Err(KmsError::AlreadyExists(format!("A key with the ARN {} already exists", address.arn()))),
    }
}

/// It is being made until somebody looks again; imported material it does not get.
fn replica_of(
    kms: &KmsSim,
    primary: &Key,
    address: KeyAddress,
    policy: KeyPolicy,
    request: &ReplicateKeyRequest,
) -> Result<Key, KmsError> {
    let born = newborn(address, policy, None, kms.world.now());
    let mut replica = Key {
        description: request.description.clone(),
        origin: primary.origin,
        multi_region: Some(MultiRegion::Replica),
        state: KeyState::Creating,
        ..born
    };
    follow(&mut replica, primary);
    replica.returns_to = Some(match replica.origin {
        KeyOrigin::External => KeyState::PendingImport,
        KeyOrigin::AwsKms | KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore => KeyState::Enabled,
    });
    tags::add(&mut replica.tags, request.tags.iter().cloned())?;
    Ok(replica)
}
