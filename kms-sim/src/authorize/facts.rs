//! The `kms:` condition keys of a request, as policies see them.

use aws_core::arn::Arn;
use aws_core::call::CallContext;
use aws_core::policy::condition::Facts;
use aws_core::principal::Principal;
use aws_core::time::{Timestamp, iso_seconds};
use kms_api::shapes::ContextMap;

use crate::model::key::{Key, KeyOrigin};
use crate::model::purpose::{Purpose, SYMMETRIC_DEFAULT};
use crate::model::replica::MultiRegion;

/// Keys that every request to KMS carries. `kms:ViaService` is absent from direct calls.
pub(crate) fn of_call(ctx: &CallContext) -> Facts {
    let mut facts = Facts::default();
    facts.set("kms:CallerAccount", ctx.account().as_str());
    if let Some(source) = source_arn(ctx) {
        facts.set("aws:SourceArn", source);
        if let Ok(arn) = source.parse::<Arn>() {
            facts.set("aws:SourceAccount", arn.account);
        }
    }
    if let Some(service) = ctx.via.as_ref().and_then(|via| via.via_service.as_deref()) {
        facts.set("kms:ViaService", service);
    }
    facts
}

/// Keys of the simulated clock, which the evaluator does not know.
pub(crate) fn add_time(facts: &mut Facts, now: Timestamp) {
    facts.set("aws:CurrentTime", iso_seconds(now)).set("aws:EpochTime", now.as_second().to_string());
}

/// The resource on whose behalf a service asks for itself.
pub(crate) fn source_arn(ctx: &CallContext) -> Option<&str> {
    let is_service = matches!(ctx.caller.principal, Principal::Service { .. });
    ctx.via.as_ref().filter(|_| is_service)?.in_scope_of_instance.as_deref()
}

/// Keys about the KMS key at hand.
pub(crate) fn add_key(facts: &mut Facts, key: &Key, aliases: Vec<String>, request_alias: Option<&str>) {
    add_key_kind(facts, Kind::of(key));
    facts.set_all("kms:ResourceAliases", aliases);
    if let Some(alias) = request_alias {
        facts.set("kms:RequestAlias", alias);
    }
    for (name, value) in &key.tags {
        facts.set(&format!("aws:ResourceTag/{name}"), value);
    }
}

/// What kind of key it is, or is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) purpose: Purpose,
    pub(crate) origin: KeyOrigin,
    pub(crate) multi_region: Option<MultiRegion>,
}

impl Kind {
    pub(crate) fn of(key: &Key) -> Self {
        Self { purpose: key.purpose, origin: key.origin, multi_region: key.multi_region }
    }
}

/// Keys about the kind of key.
pub(crate) fn add_key_kind(facts: &mut Facts, kind: Kind) {
    let (spec, usage) = (kind.purpose.spec.name(), kind.purpose.usage.name());
    facts.set("kms:KeySpec", spec).set("kms:CustomerMasterKeySpec", spec);
    facts.set("kms:KeyUsage", usage).set("kms:CustomerMasterKeyUsage", usage);
    facts.set("kms:KeyOrigin", kind.origin.name()).set("kms:MultiRegion", kind.multi_region.is_some().to_string());
    if let Some(role) = kind.multi_region {
        facts.set("kms:MultiRegionKeyType", role.name());
    }
}

/// Keys of cryptographic operations.
pub(crate) fn add_context(facts: &mut Facts, context: &ContextMap) {
    facts.set("kms:EncryptionAlgorithm", SYMMETRIC_DEFAULT);
    if context.is_empty() {
        return;
    }
    facts.set_all("kms:EncryptionContextKeys", context.keys().cloned());
    for (name, value) in context {
        facts.set(&format!("kms:EncryptionContext:{name}"), value);
    }
}

/// Tags of a request: `aws:RequestTag/…` and `aws:TagKeys`.
pub(crate) fn add_request_tags<'a>(facts: &mut Facts, tags: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut names = Vec::new();
    for (name, value) in tags {
        facts.set(&format!("aws:RequestTag/{name}"), value);
        names.push(name.to_owned());
    }
    facts.set_all("aws:TagKeys", names);
}
