//! `ListGrants`: the grants on a key, perhaps only one, or only those of one grantee.

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shared::{check_service_caller, exactly_one, is_for_aws_resource};
use crate::KmsSim;
use crate::authorize::action::ListGrants;
use crate::call::Call;
use crate::constraints::{GRANT_ID, KEY_ID, MARKER, Member, PRINCIPAL, SERVICE_PRINCIPAL, Shape, needed, optional};
use crate::model::grant::Grant;
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

pub(super) const LIST: List = List { member: "Grants", default_limit: 50 };

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListGrantsRequest {
    key_id: String,
    grant_id: Option<String>,
    grantee_principal: Option<String>,
    grantee_service_principal: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for ListGrants {
    const NAME: &'static str = "ListGrants";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("Limit", Shape::Number(1, 100)),
        optional("Marker", MARKER),
        needed("KeyId", KEY_ID),
        optional("GrantId", GRANT_ID),
        optional("GranteePrincipal", PRINCIPAL),
        optional("GranteeServicePrincipal", SERVICE_PRINCIPAL),
    ];
    type Request = ListGrantsRequest;
    type Answer = Map<String, Value>;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: ListGrantsRequest,
    ) -> Result<Map<String, Value>, KmsError> {
        if request.grantee_service_principal.is_some() {
            check_service_caller(call, "GranteeServicePrincipal")?;
            let service = request.grantee_service_principal.as_ref();
            exactly_one("Grantee", request.grantee_principal.as_ref(), service)?;
        }
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let for_aws = is_for_aws_resource(call.ctx);
        let key = kms.ask::<Self>(call, &found).fact("kms:GrantIsForAWSResource", for_aws).decide()?;
        let grants = kms.registry.grants_on(&key.address);
        let wanted = grants.iter().filter(|grant| request.wants(grant));
        LIST.page(&request.paging, wanted.map(|grant| (grant.id.clone(), entry(grant))))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}

impl ListGrantsRequest {
    fn wants(&self, grant: &Grant) -> bool {
        self.grant_id.as_ref().is_none_or(|id| *id == grant.id)
            && self.grantee_principal.as_ref().is_none_or(|name| *name == grant.grantee && !grant.grantee_is_service)
            && self
                .grantee_service_principal
                .as_ref()
                .is_none_or(|name| *name == grant.grantee && grant.grantee_is_service)
    }
}

pub(super) fn entry(grant: &Grant) -> Value {
    let mut entry = json!({
        "KeyId": grant.key.arn(),
        "GrantId": grant.id,
        "Name": grant.name.as_deref().unwrap_or(""),
        "CreationDate": epoch_seconds(grant.created),
        if_service(grant.grantee_is_service, "GranteeServicePrincipal", "GranteePrincipal"): grant.grantee,
        "IssuingAccount": grant.issuer,
        "Operations": grant.operations.iter().map(|operation| operation.name()).collect::<Vec<_>>(),
    });
    if let Some(retiring) = &grant.retiring {
        entry[if_service(grant.retiring_is_service, "RetiringServicePrincipal", "RetiringPrincipal")] = json!(retiring);
    }
    if let Some(constraints) = &grant.constraints {
        entry["Constraints"] = json!(constraints);
    }
    if let Some(source) = &grant.source_arn {
        entry["Constraints"]["SourceArn"] = json!(source);
    }
    entry
}

fn if_service(is_service: bool, service: &'static str, principal: &'static str) -> &'static str {
    if is_service { service } else { principal }
}
