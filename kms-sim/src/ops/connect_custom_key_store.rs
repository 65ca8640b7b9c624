//! `ConnectCustomKeyStore`: asks for the connection; the next look at the store finds it made, or failed.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;
use serde::Deserialize;
use serde_json::json;

use crate::KmsSim;
use crate::authorize::action::ConnectCustomKeyStore;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{Member, STORE_ID, needed};
use crate::key_stores::{address, not_found};
use crate::model::key_store::{Connection, KeyStore};
use crate::operation::{Operation, json};

/// The request of operations that only name a store.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ByStore {
    pub(crate) custom_key_store_id: String,
}

impl Operation for ConnectCustomKeyStore {
    const NAME: &'static str = "ConnectCustomKeyStore";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("CustomKeyStoreId", STORE_ID)];
    type Request = ByStore;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByStore) -> Result<(), KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        move_store(kms, call, &request.custom_key_store_id, |connection| match connection {
            Connection::Connected | Connection::Connecting => Ok(None),
            Connection::Disconnected => Ok(Some(Connection::Connecting)),
            Connection::Disconnecting | Connection::Failed(_) => {
                Err("The custom key store must be disconnected before it can be connected.")
            }
        })
        .await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        json(&json!({}))
    }
}

/// Starts a move between connection states; `decide` says whereto, or why not.
pub(crate) async fn move_store(
    kms: &KmsSim,
    call: &Call<'_>,
    id: &str,
    decide: impl FnOnce(&Connection) -> Result<Option<Connection>, &'static str>,
) -> Result<(), KmsError> {
    kms.key_store(call.ctx, id).await?;
    let address = address(call.ctx, id);
    let _turn = kms.turns.take(&[&address.row()]).await;
    let store = kms.stores.get(&address).ok_or_else(|| not_found(id))?;
    match decide(&store.connection).map_err(invalid_state)? {
        Some(next) => kms.turn_store(KeyStore::clone(&store), next).await.map(drop),
        None => Ok(()),
    }
}

/// The connection state forbids it.
pub(crate) fn invalid_state(why: &str) -> KmsError {
    KmsError::KeyStore(KeyStoreFault::CustomKeyStoreInvalidState, why.into())
}
