//! `ListRetirableGrants`: what a principal may retire in this region, on keys of whatever account. Only IAM is asked:
//! whoever may ask about a principal learns of its grants, and needs no right on their keys.

use aws_core::arn::Arn;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::list_grants::{LIST, entry};
use super::shared::{check_service_caller, exactly_one};
use crate::KmsSim;
use crate::authorize::action::ListRetirableGrants;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{MARKER, Member, PRINCIPAL, SERVICE_PRINCIPAL, Shape, optional};
use crate::model::grant::Grant;
use crate::operation::{Operation, json};
use crate::page::Paging;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListRetirableGrantsRequest {
    retiring_principal: Option<String>,
    retiring_service_principal: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for ListRetirableGrants {
    const NAME: &'static str = "ListRetirableGrants";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("Limit", Shape::Number(1, 100)),
        optional("Marker", MARKER),
        optional("RetiringPrincipal", PRINCIPAL),
        optional("RetiringServicePrincipal", SERVICE_PRINCIPAL),
    ];
    type Request = ListRetirableGrantsRequest;
    type Answer = Map<String, Value>;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: ListRetirableGrantsRequest,
    ) -> Result<Map<String, Value>, KmsError> {
        let (principal, service) = (&request.retiring_principal, &request.retiring_service_principal);
        let (named, is_service) = exactly_one("Retiring", principal.as_ref(), service.as_ref())?;
        match is_service {
            true => check_service_caller(call, "RetiringServicePrincipal")?,
            false => check_own(kms, call, named)?,
        }
        kms.permit::<Self>(call, named, &facts::of_call(call.ctx))?;
        kms.tick().await;
        let grants = kms.registry.grants_retired_by(named);
        let wanted = |grant: &&std::sync::Arc<Grant>| {
            grant.key.region == call.ctx.region && grant.retiring_is_service == is_service
        };
        LIST.page(&request.paging, grants.iter().filter(wanted).map(|grant| (grant.row(), entry(grant))))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}

/// A principal of the caller's account, which exists.
fn check_own(kms: &KmsSim, call: &Call<'_>, named: &str) -> Result<(), KmsError> {
    let Ok(arn) = named.parse::<Arn>() else {
        return Err(KmsError::InvalidArn(format!("ARN is not valid: {named}")));
    };
    let own = arn.account == call.ctx.account().as_str() && matches!(arn.service.as_str(), "iam" | "sts");
    match own && kms.world.identities.principal_exists(&arn) {
        true => Ok(()),
        false => Err(KmsError::InvalidArn(format!("ARN does not refer to a valid principal: {named}"))),
    }
}
