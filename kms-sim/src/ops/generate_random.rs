//! `GenerateRandom`: bytes from the HSM, under no key.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::json;

use super::shared::WithPlaintext;
use crate::KmsSim;
use crate::authorize::action::GenerateRandom;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{DATA_KEY_BYTES, Member, Shape, optional};
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GenerateRandomRequest {
    number_of_bytes: Option<i64>,
}

impl Operation for GenerateRandom {
    const NAME: &'static str = "GenerateRandom";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("NumberOfBytes", DATA_KEY_BYTES),
        optional("CustomKeyStoreId", Shape::Unserved),
        optional("Recipient", Shape::Unserved),
    ];
    type Request = GenerateRandomRequest;
    type Answer = Secret;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GenerateRandomRequest) -> Result<Secret, KmsError> {
        let bytes = request.number_of_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| KmsError::Validation("NumberOfBytes is required.".into()))?;
        let permitted = kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        kms.hsm.random(&permitted, bytes)
    }

    fn print(_kms: &KmsSim, plaintext: Secret) -> Bytes {
        WithPlaintext { plaintext: &plaintext, rest: json!({}) }.print(0)
    }
}
