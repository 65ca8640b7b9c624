//! `CreateGrant`: lets a principal use the key. Under a name, a retry finds the same grant again; every call gives a
//! token of its own.

use aws_core::arn::Arn;
use aws_core::call::CallContext;
use aws_core::id::AccountId;
use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::{ContextMap, CreateGrantResponse, GrantConstraints};
use serde::Deserialize;
use serde_json::json;

use super::shared::{exactly_one, is_for_aws_resource, stop_if_dry};
use crate::KmsSim;
use crate::authorize::Authorized;
use crate::authorize::action::CreateGrant;
use crate::call::Call;
use crate::constraints::{
    CONSTRAINTS, GRANT_NAME, KEY_ID, Member, OPERATIONS, PRINCIPAL, SERVICE_PRINCIPAL, Shape, TOKENS, needed, optional,
};
use crate::model::grant::{GRANTS_PER_KEY, Grant, GrantOperation, constraint_type, meaningful};
use crate::model::key::Key;
use crate::model::key_state::Use;
use crate::model::purpose::Purpose;
use crate::operation::{Operation, json};
use crate::resolve::Found;
use crate::store;

/// Most pairs that a constraint may demand, and the longest value in one.
const CONSTRAINT_PAIRS: usize = 8;
const CONSTRAINT_VALUE_CHARS: usize = 384;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateGrantRequest {
    key_id: String,
    grantee_principal: Option<String>,
    grantee_service_principal: Option<String>,
    retiring_principal: Option<String>,
    retiring_service_principal: Option<String>,
    operations: Vec<String>,
    constraints: Option<Constraints>,
    grant_tokens: Vec<String>,
    name: Option<String>,
    dry_run: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Constraints {
    #[serde(flatten)]
    context: GrantConstraints,
    source_arn: Option<String>,
}

impl Operation for CreateGrant {
    const NAME: &'static str = "CreateGrant";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        optional("GranteePrincipal", PRINCIPAL),
        optional("RetiringPrincipal", PRINCIPAL),
        needed("Operations", OPERATIONS),
        optional("Constraints", CONSTRAINTS),
        optional("GrantTokens", TOKENS).secret(),
        optional("Name", GRANT_NAME),
        optional("DryRun", Shape::Flag),
        optional("GranteeServicePrincipal", SERVICE_PRINCIPAL),
        optional("RetiringServicePrincipal", SERVICE_PRINCIPAL),
    ];
    type Request = CreateGrantRequest;
    type Answer = CreateGrantResponse;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let grant = planned(kms, call.ctx, &found, &request)?;
        let key = authorize(kms, call, &found, &request, &grant)?;
        key.permit(Use::Granting)?;
        check_principals(kms, call.ctx, &grant)?;
        stop_if_dry(request.dry_run)?;
        let grant = keep(kms, &key, grant).await?;
        call.answered(json!({"grantId": grant.id, "keyId": key.arn}));
        Ok(CreateGrantResponse { grant_token: kms.new_token(&grant)?, grant_id: grant.id })
    }

    fn print(_kms: &KmsSim, answer: CreateGrantResponse) -> Bytes {
        json(&answer)
    }
}

/// The grant as it would be.
fn planned(kms: &KmsSim, ctx: &CallContext, found: &Found, request: &CreateGrantRequest) -> Result<Grant, KmsError> {
    let parties = parties(request)?;
    let constraints = meaningful(request.constraints.as_ref().map(|constraints| constraints.context.clone()));
    constraints.as_ref().map_or(Ok(()), |constraints| check_constraints(found.key.purpose, constraints))?;
    Ok(Grant {
        id: hex::encode(kms.world.entropy.array::<32>()),
        key: found.key.address.clone(),
        name: request.name.clone(),
        grantee: parties.grantee.0.into(),
        grantee_is_service: parties.grantee.1,
        retiring: parties.retiring.map(|(name, _)| name.into()),
        retiring_is_service: parties.retiring.is_some_and(|(_, is_service)| is_service),
        source_arn: parties.source_arn.cloned(),
        operations: operations(found.key.purpose, &request.operations)?,
        constraints,
        issuer: format!("arn:aws:iam::{}:root", ctx.account()),
        created: kms.world.now(),
    })
}

/// Whom a grant is for, who may end it, and on behalf of what.
struct Parties<'a> {
    grantee: (&'a str, bool),
    retiring: Option<(&'a str, bool)>,
    source_arn: Option<&'a String>,
}

/// A grant to a service is for one resource, and somebody must be able to end it.
fn parties(request: &CreateGrantRequest) -> Result<Parties<'_>, KmsError> {
    let (principal, service) = (request.retiring_principal.as_ref(), request.retiring_service_principal.as_ref());
    let grantee =
        exactly_one("Grantee", request.grantee_principal.as_ref(), request.grantee_service_principal.as_ref())?;
    let retiring = principal.or(service).map(|_| exactly_one("Retiring", principal, service)).transpose()?;
    let source_arn = request.constraints.as_ref().and_then(|constraints| constraints.source_arn.as_ref());
    source_arn.map_or(Ok(()), |text| check_source_arn(text))?;
    let refuse = |text: &str| Err(KmsError::Validation(text.into()));
    match (grantee.1, source_arn, retiring) {
        (true, None, _) => {
            refuse("You must specify a SourceArn grant constraint when you specify a GranteeServicePrincipal.")
        }
        (true, Some(_), None) => refuse(
            "You must specify either RetiringPrincipal or RetiringServicePrincipal when you specify a \
             GranteeServicePrincipal.",
        ),
        _ => Ok(Parties { grantee, retiring, source_arn }),
    }
}

/// `^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$`
fn check_source_arn(text: &str) -> Result<(), KmsError> {
    let owned = |arn: &Arn| arn.partition.starts_with("aws") && AccountId::parse(&arn.account).is_some();
    match text.parse::<Arn>().is_ok_and(|arn| owned(&arn)) {
        true => Ok(()),
        false => Err(KmsError::Validation(format!(
            "1 validation error detected: Value '{text}' at 'constraints.sourceArn' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: \
             ^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{{12}}:.+$"
        ))),
    }
}

/// What a grant is to allow must be what the key can do.
fn operations(purpose: Purpose, names: &[String]) -> Result<Vec<GrantOperation>, KmsError> {
    let suitable = |name: &str| GrantOperation::parse(name).filter(|operation| operation.suits(purpose));
    let odd: Vec<&str> = names.iter().map(|name| &**name).filter(|name| suitable(name).is_none()).collect();
    if !odd.is_empty() {
        return Err(unsuitable(purpose, &odd));
    }
    let mut operations: Vec<GrantOperation> = names.iter().filter_map(|name| suitable(name)).collect();
    operations.sort_unstable();
    operations.dedup();
    Ok(operations)
}

fn unsuitable(purpose: Purpose, odd: &[&str]) -> KmsError {
    let all = GrantOperation::ALL.iter().filter(|operation| operation.suits(purpose));
    let valid: Vec<&str> = all.map(|operation| operation.name()).collect();
    KmsError::Validation(format!(
        "Operations [{}] are not supported when creating a grant for {} KMS key with key usage {}. Valid operations \
         are [{}]",
        odd.join(", "),
        if purpose.is_asymmetric() { "an asymmetric" } else { "a symmetric" },
        purpose.usage.name(),
        valid.join(", ")
    ))
}

fn check_constraints(purpose: Purpose, constraints: &GrantConstraints) -> Result<(), KmsError> {
    if !purpose.is_default() {
        return Err(KmsError::Validation(
            "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.".into(),
        ));
    }
    match (&constraints.encryption_context_subset, &constraints.encryption_context_equals) {
        (Some(_), Some(_)) => Err(KmsError::Validation(
            "Only one of EncryptionContextSubset and EncryptionContextEquals can be specified.".into(),
        )),
        (one, other) => one.iter().chain(other).try_for_each(check_pairs),
    }
}

fn check_pairs(pairs: &ContextMap) -> Result<(), KmsError> {
    let short = pairs.values().all(|value| value.chars().count() <= CONSTRAINT_VALUE_CHARS);
    if pairs.len() <= CONSTRAINT_PAIRS && short {
        return Ok(());
    }
    Err(KmsError::Validation(format!(
        "A grant constraint can have up to {CONSTRAINT_PAIRS} encryption context pairs, each with a value of up to \
         {CONSTRAINT_VALUE_CHARS} characters."
    )))
}

fn authorize(
    kms: &KmsSim,
    call: &mut Call<'_>,
    found: &Found,
    request: &CreateGrantRequest,
    grant: &Grant,
) -> Result<Authorized<CreateGrant>, KmsError> {
    let for_aws = is_for_aws_resource(call.ctx);
    kms.ask::<CreateGrant>(call, found)
        .tokens(&request.grant_tokens)
        .child(grant)
        .facts(|facts| {
            let grantee = if grant.grantee_is_service { "kms:GranteeServicePrincipal" } else { "kms:GranteePrincipal" };
            facts.set("kms:GrantIsForAWSResource", for_aws).set(grantee, &grant.grantee);
            facts.set_all("kms:GrantOperations", grant.operations.iter().map(|operation| operation.name().to_owned()));
            if let Some(retiring) = &grant.retiring {
                let service = grant.retiring_is_service;
                facts.set(if service { "kms:RetiringServicePrincipal" } else { "kms:RetiringPrincipal" }, retiring);
            }
            if let Some(source) = &grant.source_arn {
                facts.set("kms:GrantConstraintSourceArn", source);
            }
            if let Some(kind) = constraint_type(grant.constraints.as_ref()) {
                facts.set("kms:GrantConstraintType", kind);
            }
        })
        .decide()
}

/// Principals must exist. A service names principals that only it knows (its own, or the role of a host).
fn check_principals(kms: &KmsSim, ctx: &CallContext, grant: &Grant) -> Result<(), KmsError> {
    check_principal(kms, ctx, &grant.grantee, grant.grantee_is_service)?;
    let retiring = grant.retiring.as_ref();
    retiring.map_or(Ok(()), |name| check_principal(kms, ctx, name, grant.retiring_is_service))
}

fn check_principal(kms: &KmsSim, ctx: &CallContext, name: &str, as_service: bool) -> Result<(), KmsError> {
    let by_service = ctx.via.is_some();
    let Ok(arn) = name.parse::<Arn>() else {
        let is_service = (by_service || as_service) && name.ends_with(".amazonaws.com");
        return if is_service { Ok(()) } else { Err(KmsError::InvalidArn(format!("ARN is not valid: {name}"))) };
    };
    let kind = matches!(arn.service.as_str(), "iam" | "sts");
    if kind && (by_service || kms.world.identities.principal_exists(&arn)) {
        return Ok(());
    }
    Err(KmsError::InvalidArn(format!("ARN does not refer to a valid principal: {name}")))
}

/// Stores the grant, or finds the one that an earlier attempt of the same name and parameters has stored.
async fn keep(kms: &KmsSim, key: &Key, grant: Grant) -> Result<Grant, KmsError> {
    let _turn = kms.turns.take(&[&key.arn]).await;
    if grant.name.is_some()
        && let Some(earlier) = kms.registry.grants_on(&key.address).iter().find(|earlier| grant.is_retry_of(earlier))
    {
        return Ok(Grant::clone(earlier));
    }
    let current = kms.registry.key(&key.address).ok_or_else(|| crate::error::no_such_key(&key.arn))?;
    current.permit(Use::Granting)?;
    if kms.registry.grant_count(&key.address) >= GRANTS_PER_KEY {
        return Err(KmsError::LimitExceeded(format!(
            "The maximum number of grants for the key {} is reached",
            key.arn
        )));
    }
    let row = grant.clone();
    store::write(&kms.store, move |txn| store::put_grant(txn, &row)).await?;
    kms.registry.show_grant(grant.clone());
    Ok(grant)
}
