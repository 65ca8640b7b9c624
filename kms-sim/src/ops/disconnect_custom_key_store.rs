//! `DisconnectCustomKeyStore`: its keys are unavailable at once.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::json;

use super::connect_custom_key_store::{ByStore, move_store};
use crate::KmsSim;
use crate::authorize::action::DisconnectCustomKeyStore;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{Member, STORE_ID, needed};
use crate::model::key_store::Connection;
use crate::operation::{Operation, json};

impl Operation for DisconnectCustomKeyStore {
    const NAME: &'static str = "DisconnectCustomKeyStore";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("CustomKeyStoreId", STORE_ID)];
    type Request = ByStore;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByStore) -> Result<(), KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        move_store(kms, call, &request.custom_key_store_id, |connection| match connection {
            Connection::Connected | Connection::Connecting | Connection::Failed(_) => {
                Ok(Some(Connection::Disconnecting))
            }
            Connection::Disconnected | Connection::Disconnecting => {
                Err("The custom key store is already disconnected.")
            }
        })
        .await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        json(&json!({}))
    }
}
