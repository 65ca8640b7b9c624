//! `UpdateCustomKeyStore`: another name at any time, other settings while the store is disconnected. An external key
//! store takes a new path or credential also while it is connected.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;
use serde::Deserialize;
use serde_json::json;

use super::connect_custom_key_store::invalid_state;
use super::create_custom_key_store::{Credential, admit, check_hsms, check_name, fault};
use crate::KmsSim;
use crate::authorize::action::UpdateCustomKeyStore;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{
    ACCOUNT_ID, CLUSTER_ID, CONNECTIVITY, CREDENTIAL, Member, PASSWORD, PROXY_ENDPOINT, PROXY_PATH, STORE_ID,
    STORE_NAME, VPC_SERVICE, needed, optional,
};
use crate::key_stores::{address, not_found};
use crate::model::key_store::{ClusterAccess, Connection, KeyStore, Proxy, StoreAddress, StoreKind};
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateRequest {
    custom_key_store_id: String,
    new_custom_key_store_name: Option<String>,
    key_store_password: Option<String>,
    cloud_hsm_cluster_id: Option<String>,
    xks_proxy_uri_endpoint: Option<String>,
    xks_proxy_uri_path: Option<String>,
    xks_proxy_vpc_endpoint_service_name: Option<String>,
    xks_proxy_vpc_endpoint_service_owner: Option<String>,
    xks_proxy_authentication_credential: Option<Credential>,
    xks_proxy_connectivity: Option<String>,
}

impl UpdateRequest {
    fn touches_cluster(&self) -> bool {
        self.key_store_password.is_some() || self.cloud_hsm_cluster_id.is_some()
    }

    /// What cannot be changed under a connection.
    fn moves_proxy(&self) -> bool {
        self.xks_proxy_uri_endpoint.is_some()
            || self.xks_proxy_vpc_endpoint_service_name.is_some()
            || self.xks_proxy_vpc_endpoint_service_owner.is_some()
            || self.xks_proxy_connectivity.is_some()
    }

    fn touches_proxy(&self) -> bool {
        self.moves_proxy() || self.xks_proxy_uri_path.is_some() || self.xks_proxy_authentication_credential.is_some()
    }
}

impl Operation for UpdateCustomKeyStore {
    const NAME: &'static str = "UpdateCustomKeyStore";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("CustomKeyStoreId", STORE_ID),
        optional("NewCustomKeyStoreName", STORE_NAME),
        optional("KeyStorePassword", PASSWORD).secret(),
        optional("CloudHsmClusterId", CLUSTER_ID),
        optional("XksProxyUriEndpoint", PROXY_ENDPOINT),
        optional("XksProxyUriPath", PROXY_PATH),
        optional("XksProxyVpcEndpointServiceName", VPC_SERVICE),
        optional("XksProxyVpcEndpointServiceOwner", ACCOUNT_ID),
        optional("XksProxyAuthenticationCredential", CREDENTIAL).secret(),
        optional("XksProxyConnectivity", CONNECTIVITY),
    ];
    type Request = UpdateRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: UpdateRequest) -> Result<(), KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        let id = &request.custom_key_store_id;
        kms.key_store(call.ctx, id).await?;
        let address = address(call.ctx, id);
        let _turn = kms.turns.take(&[&address.row(), &address.cluster("key stores")]).await;
        let mut store = KeyStore::clone(&*kms.stores.get(&address).ok_or_else(|| not_found(id))?);
        check_connection(&store, &request)?;
        let others = kms.stores.of_caller(call.ctx);
        if let Some(name) = request.new_custom_key_store_name.as_ref().filter(|name| **name != store.name) {
            check_name(&others, name)?;
            store.name.clone_from(name);
        }
        match &mut store.kind {
            StoreKind::CloudHsm(access) => change_cluster(kms, &address, access, &request)?,
            StoreKind::External(proxy) if request.touches_proxy() => {
                change_proxy(kms, &address, proxy, &request)?;
                admit(kms, &address, proxy, &others, Self::NAME).await?;
            }
            StoreKind::External(_) => {}
        }
        kms.keep_store(store, None).await.map(drop)
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        json(&json!({}))
    }
}

fn check_connection(store: &KeyStore, request: &UpdateRequest) -> Result<(), KmsError> {
    let (is_foreign, needs_rest) = match &store.kind {
        StoreKind::CloudHsm(_) => (request.touches_proxy(), request.touches_cluster()),
        StoreKind::External(_) => (request.touches_cluster(), request.moves_proxy()),
    };
    if is_foreign {
        return Err(KmsError::Validation("A parameter is not valid for this type of custom key store.".into()));
    }
    match store.connection {
        Connection::Disconnected => Ok(()),
        Connection::Connected if !needs_rest => Ok(()),
        Connection::Connected | Connection::Connecting | Connection::Disconnecting | Connection::Failed(_) => {
            Err(invalid_state("The custom key store must be disconnected before it can be updated."))
        }
    }
}

/// Another cluster must have the same certificate: here, it must be one that a store named with it.
fn change_cluster(
    kms: &KmsSim,
    address: &StoreAddress,
    access: &mut ClusterAccess,
    request: &UpdateRequest,
) -> Result<(), KmsError> {
    if let Some(cluster) = request.cloud_hsm_cluster_id.as_ref().filter(|cluster| **cluster != access.cluster) {
        let why = format!("The cluster {cluster} is not found.");
        let record = kms.hsm.cluster(&address.cluster(cluster));
        let record = record.ok_or_else(|| fault(KeyStoreFault::CloudHsmClusterNotFound, why))?;
        if record.anchor != kms.hsm.cluster_digest(&access.trust_anchor) || !kms.lodgers(address).is_empty() {
            let why = "The cluster does not share a backup history with the cluster of this custom key store.";
            return Err(fault(KeyStoreFault::CloudHsmClusterNotRelated, why));
        }
        check_hsms(&record)?;
        access.cluster.clone_from(cluster);
    }
    if let Some(password) = &request.key_store_password {
        access.password = kms.hsm.cluster_digest(password);
    }
    Ok(())
}

fn change_proxy(
    kms: &KmsSim,
    address: &StoreAddress,
    proxy: &mut Proxy,
    request: &UpdateRequest,
) -> Result<(), KmsError> {
    let set = |to: &mut String, from: &Option<String>| from.iter().for_each(|new| to.clone_from(new));
    set(&mut proxy.endpoint, &request.xks_proxy_uri_endpoint);
    set(&mut proxy.path, &request.xks_proxy_uri_path);
    set(&mut proxy.connectivity, &request.xks_proxy_connectivity);
    if let Some(Credential { access_key_id, raw_secret_access_key }) = &request.xks_proxy_authentication_credential {
        proxy.access_key_id.clone_from(access_key_id);
        proxy.secret = kms.hsm.seal_secret(&address.row(), raw_secret_access_key.as_bytes())?;
    }
    if proxy.connectivity == "PUBLIC_ENDPOINT" {
        (proxy.vpc_service, proxy.vpc_owner) = (None, None);
        return Ok(());
    }
    let service = request.xks_proxy_vpc_endpoint_service_name.clone().or_else(|| proxy.vpc_service.take());
    let owner = request.xks_proxy_vpc_endpoint_service_owner.clone().or_else(|| proxy.vpc_owner.take());
    if service.is_none() {
        return Err(KmsError::Validation(
            "XksProxyVpcEndpointServiceName is required for VPC_ENDPOINT_SERVICE.".into(),
        ));
    }
    (proxy.vpc_service, proxy.vpc_owner) = (service, owner.or_else(|| Some(address.account.to_string())));
    Ok(())
}
