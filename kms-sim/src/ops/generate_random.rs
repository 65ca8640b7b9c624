//! `GenerateRandom`: bytes from an HSM, of KMS or of a CloudHSM key store, under no key.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::json;

use super::lodging::check_connected;
use super::shared::WithPlaintext;
use crate::KmsSim;
use crate::authorize::action::GenerateRandom;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{DATA_KEY_BYTES, Member, STORE_ID, Shape, optional};
use crate::model::key_store::StoreKind;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GenerateRandomRequest {
    number_of_bytes: Option<i64>,
    custom_key_store_id: Option<String>,
}

impl Operation for GenerateRandom {
    const NAME: &'static str = "GenerateRandom";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("NumberOfBytes", DATA_KEY_BYTES),
        optional("CustomKeyStoreId", STORE_ID),
        optional("Recipient", Shape::Unserved),
    ];
    type Request = GenerateRandomRequest;
    type Answer = Secret;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GenerateRandomRequest) -> Result<Secret, KmsError> {
        let bytes = request.number_of_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| KmsError::Validation("NumberOfBytes is required.".into()))?;
        let permitted = kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        match request.custom_key_store_id {
            None => kms.hsm.random(&permitted, bytes),
            Some(id) => kms.hsm.random_of(&permitted, &cluster_of(kms, call, &id).await?, bytes),
        }
    }

    fn print(_kms: &KmsSim, plaintext: Secret) -> Bytes {
        WithPlaintext { plaintext: &plaintext, rest: json!({}) }.print(0)
    }
}

/// The full name of a connected store's cluster. External key managers give out nothing at random.
async fn cluster_of(kms: &KmsSim, call: &Call<'_>, id: &str) -> Result<String, KmsError> {
    let store = kms.key_store(call.ctx, id).await?;
    let StoreKind::CloudHsm(access) = &store.kind else { return Err(KmsError::UnsupportedOperation(None)) };
    check_connected(&store)?;
    Ok(store.address.cluster(&access.cluster))
}
