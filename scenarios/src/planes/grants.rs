//! Grants over all keys of the account, counted through KMS itself, as the account's root.

use serde_json::{Value, json};

use crate::script::expect::GrantsExpect;
use crate::script::variables::Variables;
use crate::stage::StageError;
use crate::stage::http::Http;

use super::Check;

/// Judges the number of grants.
pub async fn check(expect: &GrantsExpect, http: &Http, variables: &Variables) -> Check {
    match count(http).await {
        Ok(count) => Check::of("grants", "the number of grants", &expect.count, Some(&Value::from(count)), variables),
        Err(error) => Check::broken("grants", "the number of grants", error),
    }
}

async fn count(http: &Http) -> Result<usize, StageError> {
    let keys = pages(http, "ListKeys", &json!({}), "Keys").await?;
    let ids = keys.iter().filter_map(|key| key["KeyId"].as_str());
    let mut count = 0;
    for id in ids {
        count += pages(http, "ListGrants", &json!({"KeyId": id}), "Grants").await?.len();
    }
    Ok(count)
}

/// All pages of a KMS listing.
async fn pages(http: &Http, operation: &str, request: &Value, member: &str) -> Result<Vec<Value>, StageError> {
    let mut found = Vec::new();
    let mut request = request.clone();
    loop {
        let mut answer = http.kms(operation, &request).await?;
        if let Some(items) = answer[member].as_array_mut() {
            found.append(items);
        }
        match answer["NextMarker"].take() {
            Value::Null => return Ok(found),
            marker => request["Marker"] = marker,
        }
    }
}
