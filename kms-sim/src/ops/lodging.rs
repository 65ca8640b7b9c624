//! Where a new key is to live, when CreateKey names a custom key store.

use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;

use super::connect_custom_key_store::invalid_state;
use super::create_custom_key_store::{check_hsms, fault};
use crate::KmsSim;
use crate::call::Call;
use crate::model::key::KeyOrigin;
use crate::model::key_store::{Backing, Connection, KeyStore, Lodging, Proxy, StoreKind};
use crate::xks::Errand;

/// Whether origin, store and external key fit together.
pub(crate) fn check(origin: KeyOrigin, store: Option<&str>, external: Option<&str>) -> Result<(), KmsError> {
    let wants = |name: &str, origin: KeyOrigin| {
        Err(KmsError::Validation(format!("{name} is required when the Origin is {}.", origin.name())))
    };
    let refuses = |name: &str, origin: KeyOrigin| {
        Err(KmsError::Validation(format!("{name} is not valid when the Origin is {}.", origin.name())))
    };
    match (origin, store, external) {
        (KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore, None, _) => wants("CustomKeyStoreId", origin),
        (KeyOrigin::ExternalKeyStore, Some(_), None) => wants("XksKeyId", origin),
        (KeyOrigin::ExternalKeyStore, Some(_), Some(_)) | (KeyOrigin::CloudHsm, Some(_), None) => Ok(()),
        (KeyOrigin::AwsKms | KeyOrigin::External, Some(_), _) => refuses("CustomKeyStoreId", origin),
        (KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::CloudHsm, _, Some(_)) => refuses("XksKeyId", origin),
        (KeyOrigin::AwsKms | KeyOrigin::External, None, None) => Ok(()),
    }
}

/// A place in a store that is connected and of the right type; what is behind it is asked.
pub(crate) async fn find(
    kms: &KmsSim,
    call: &Call<'_>,
    origin: KeyOrigin,
    (store, external): (&str, Option<&str>),
) -> Result<Lodging, KmsError> {
    let store = kms.key_store(call.ctx, store).await?;
    let backing = match (&store.kind, origin, external) {
        (StoreKind::CloudHsm(access), KeyOrigin::CloudHsm, _) => Backing::CloudHsm(access.cluster.clone()),
        (StoreKind::External(_), KeyOrigin::ExternalKeyStore, Some(id)) => Backing::External(id.into()),
        (StoreKind::CloudHsm(_) | StoreKind::External(_), _, _) => {
            let why = format!("Origin {} does not fit the type of the custom key store.", origin.name());
            return Err(KmsError::Validation(why));
        }
    };
    check_connected(&store)?;
    match (&store.kind, external) {
        (StoreKind::External(proxy), Some(id)) => check_external(kms, call, (&store, proxy), id).await?,
        (StoreKind::CloudHsm(access), _) => {
            let record = kms.hsm.cluster(&store.address.cluster(&access.cluster));
            let gone = || fault(KeyStoreFault::CloudHsmClusterInvalidConfiguration, "The CloudHSM cluster is gone.");
            check_hsms(&record.ok_or_else(gone)?)?;
        }
        (StoreKind::External(_), None) => {}
    }
    Ok(Lodging { store: store.address.id.clone(), backing, link: store.link.clone() })
}

/// Whether keys can be made in the store.
pub(crate) fn check_connected(store: &KeyStore) -> Result<(), KmsError> {
    match (&store.connection, &store.kind) {
        (Connection::Connected, _) => Ok(()),
        (_, StoreKind::CloudHsm(_)) => {
            Err(invalid_state("The custom key store is not connected to its CloudHSM cluster."))
        }
        (_, StoreKind::External(_)) => Err(invalid_state(
            "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the \
             external key store and try the request again.",
        )),
    }
}

/// One KMS key per external key and store.
pub(crate) fn check_unused(kms: &KmsSim, call: &Call<'_>, lodging: &Lodging) -> Result<(), KmsError> {
    let address = crate::key_stores::address(call.ctx, &lodging.store);
    let store = kms.stores.get(&address).ok_or_else(|| crate::key_stores::not_found(&lodging.store))?;
    check_connected(&store)?;
    let Backing::External(id) = &lodging.backing else { return Ok(()) };
    let taken =
        |key: &crate::model::key::Key| key.lodging.as_ref().is_some_and(|other| other.backing == lodging.backing);
    match kms.lodgers(&address).iter().any(|key| taken(key)) {
        true => Err(fault(
            KeyStoreFault::XksKeyAlreadyInUse,
            format!("The external key {id} is already associated with a KMS key in this external key store."),
        )),
        false => Ok(()),
    }
}

async fn check_external(
    kms: &KmsSim,
    call: &Call<'_>,
    (store, proxy): (&KeyStore, &Proxy),
    id: &str,
) -> Result<(), KmsError> {
    let secret = kms.hsm.open_secret(&store.address.row(), &proxy.secret)?;
    let errand = Errand { proxy, secret: &secret, ctx: call.ctx, operation: "CreateKey", key_arn: None };
    let key = kms.xks.metadata(&errand, id).await.map_err(|fault| fault.in_create_key())?;
    let unfit = |why: String| Err(fault(KeyStoreFault::XksKeyInvalidConfiguration, why));
    if key.key_spec != "AES_256" {
        return unfit(format!(
            "The key spec of the external key must be AES_256. The key spec of specified external key is {}.",
            key.key_spec
        ));
    }
    if key.key_status != "ENABLED" {
        return unfit(format!(
            "The status of the external key must be ENABLED. The status of specified external key is {}.",
            key.key_status
        ));
    }
    let has = |usage: &str| key.key_usage.iter().any(|has| has == usage);
    if !(has("ENCRYPT") && has("DECRYPT")) {
        return unfit(format!(
            "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is {}.",
            key.key_usage.join(", ")
        ));
    }
    Ok(())
}
