//! `DeleteCustomKeyStore`: only an empty one, and only while it is disconnected. What is behind it stays.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;
use serde_json::json;

use super::connect_custom_key_store::{ByStore, invalid_state};
use crate::KmsSim;
use crate::authorize::action::DeleteCustomKeyStore;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{Member, STORE_ID, needed};
use crate::key_stores::{address, not_found};
use crate::model::key_store::Connection;
use crate::operation::{Operation, json};
use crate::store;

impl Operation for DeleteCustomKeyStore {
    const NAME: &'static str = "DeleteCustomKeyStore";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("CustomKeyStoreId", STORE_ID)];
    type Request = ByStore;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByStore) -> Result<(), KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        let id = &request.custom_key_store_id;
        kms.key_store(call.ctx, id).await?;
        kms.tick().await;
        let address = address(call.ctx, id);
        let _turn = kms.turns.take(&[&address.row()]).await;
        let found = kms.stores.get(&address).ok_or_else(|| not_found(id))?;
        if !kms.lodgers(&address).is_empty() {
            let why = "The custom key store contains KMS keys. Delete them, and try the request again.";
            return Err(KmsError::KeyStore(KeyStoreFault::CustomKeyStoreHasCmks, why.into()));
        }
        if found.connection != Connection::Disconnected {
            return Err(invalid_state("The custom key store must be disconnected before it can be deleted."));
        }
        store::key_stores::delete(&kms.store, &address).await?;
        kms.stores.hide(&address);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        json(&json!({}))
    }
}
