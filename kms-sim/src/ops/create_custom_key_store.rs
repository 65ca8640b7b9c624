//! `CreateCustomKeyStore`: a store over a CloudHSM cluster, or over the proxy of an external key manager.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;
use serde::Deserialize;
use serde_json::json;

use crate::KmsSim;
use crate::authorize::action::CreateCustomKeyStore;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{
    ACCOUNT_ID, CLUSTER_ID, CONNECTIVITY, CREDENTIAL, Member, PASSWORD, PROXY_ENDPOINT, PROXY_PATH, STORE_NAME,
    STORE_TYPE, TRUST_ANCHOR, VPC_SERVICE, needed, optional,
};
use crate::hsm::custom_store::{CLUSTER_HSMS, ClusterRecord};
use crate::key_stores::address;
use crate::model::key_store::{ClusterAccess, Connection, KeyStore, Link, Proxy, StoreAddress, StoreKind};
use crate::operation::{Operation, json};
use crate::xks::{check_endpoint, check_path};

/// Most stores of one account and region.
const STORES: usize = 10;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateRequest {
    custom_key_store_name: String,
    cloud_hsm_cluster_id: Option<String>,
    trust_anchor_certificate: Option<String>,
    key_store_password: Option<String>,
    custom_key_store_type: Option<String>,
    xks_proxy_uri_endpoint: Option<String>,
    xks_proxy_uri_path: Option<String>,
    xks_proxy_vpc_endpoint_service_name: Option<String>,
    xks_proxy_vpc_endpoint_service_owner: Option<String>,
    xks_proxy_authentication_credential: Option<Credential>,
    xks_proxy_connectivity: Option<String>,
}

/// What requests to a proxy are signed with.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Credential {
    pub(crate) access_key_id: String,
    pub(crate) raw_secret_access_key: String,
}

impl Operation for CreateCustomKeyStore {
    const NAME: &'static str = "CreateCustomKeyStore";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("CustomKeyStoreName", STORE_NAME),
        optional("CloudHsmClusterId", CLUSTER_ID),
        optional("TrustAnchorCertificate", TRUST_ANCHOR),
        optional("KeyStorePassword", PASSWORD).secret(),
        optional("CustomKeyStoreType", STORE_TYPE),
        optional("XksProxyUriEndpoint", PROXY_ENDPOINT),
        optional("XksProxyUriPath", PROXY_PATH),
        optional("XksProxyVpcEndpointServiceName", VPC_SERVICE),
        optional("XksProxyVpcEndpointServiceOwner", ACCOUNT_ID),
        optional("XksProxyAuthenticationCredential", CREDENTIAL).secret(),
        optional("XksProxyConnectivity", CONNECTIVITY),
    ];
    type Request = CreateRequest;
    type Answer = String;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: CreateRequest) -> Result<String, KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        let id = format!("cks-{}", &hex::encode(kms.world.entropy.array::<9>())[..17]);
        let address = address(call.ctx, &id);
        // One turn for all of the account and region: names, clusters and URIs are taken once.
        let _turn = kms.turns.take(&[&address.cluster("key stores")]).await;
        let others = kms.stores.of_caller(call.ctx);
        check_room(&others, &request.custom_key_store_name)?;
        let (kind, cluster) = match request.custom_key_store_type.as_deref() {
            Some("EXTERNAL_KEY_STORE") => (external(kms, &address, &request, &others).await?, None),
            Some(_) | None => cloud_hsm(kms, &address, &request, &others)?,
        };
        let name = request.custom_key_store_name;
        let (created, connection) = (kms.world.now(), Connection::Disconnected);
        let store = KeyStore { address, name, created, connection, kind, link: Link::default() };
        kms.keep_store(store, cluster).await?;
        call.answered(json!({"customKeyStoreId": id}));
        Ok(id)
    }

    fn print(_kms: &KmsSim, id: String) -> Bytes {
        json(&json!({"CustomKeyStoreId": id}))
    }
}

fn check_room(others: &[std::sync::Arc<KeyStore>], name: &str) -> Result<(), KmsError> {
    if others.len() >= STORES {
        return Err(KmsError::LimitExceeded(format!("You have reached the limit of {STORES} custom key stores.")));
    }
    check_name(others, name)
}

/// Names are unique in account and region.
pub(crate) fn check_name(others: &[std::sync::Arc<KeyStore>], name: &str) -> Result<(), KmsError> {
    match others.iter().any(|other| other.name == name) {
        true => Err(fault(KeyStoreFault::CustomKeyStoreNameInUse, format!("A custom key store named {name} exists."))),
        false => Ok(()),
    }
}

pub(crate) fn fault(fault: KeyStoreFault, why: impl Into<String>) -> KmsError {
    KmsError::KeyStore(fault, why.into())
}

/// A member that this type of store needs.
fn must<'r>(member: Option<&'r str>, name: &str) -> Result<&'r str, KmsError> {
    member.ok_or_else(|| KmsError::Validation(format!("{name} is required for this type of custom key store.")))
}

/// Members of the other type of store are refused.
fn none_of(members: &[(bool, &str)]) -> Result<(), KmsError> {
    match members.iter().find(|(is_there, _)| *is_there) {
        Some((_, name)) => Err(KmsError::Validation(format!("{name} is not valid for this type of custom key store."))),
        None => Ok(()),
    }
}

fn cloud_hsm(
    kms: &KmsSim,
    address: &StoreAddress,
    request: &CreateRequest,
    others: &[std::sync::Arc<KeyStore>],
) -> Result<(StoreKind, Option<ClusterRecord>), KmsError> {
    none_of(&[
        (request.xks_proxy_uri_endpoint.is_some(), "XksProxyUriEndpoint"),
        (request.xks_proxy_uri_path.is_some(), "XksProxyUriPath"),
        (request.xks_proxy_authentication_credential.is_some(), "XksProxyAuthenticationCredential"),
        (request.xks_proxy_connectivity.is_some(), "XksProxyConnectivity"),
        (request.xks_proxy_vpc_endpoint_service_name.is_some(), "XksProxyVpcEndpointServiceName"),
    ])?;
    let cluster = must(request.cloud_hsm_cluster_id.as_deref(), "CloudHsmClusterId")?.to_owned();
    let trust_anchor = must(request.trust_anchor_certificate.as_deref(), "TrustAnchorCertificate")?.to_owned();
    let password = must(request.key_store_password.as_deref(), "KeyStorePassword")?;
    let has_it = |other: &KeyStore| matches!(&other.kind, StoreKind::CloudHsm(access) if access.cluster == cluster);
    if others.iter().any(|other| has_it(other)) {
        let why = format!("The cluster {cluster} is already associated with a custom key store.");
        return Err(fault(KeyStoreFault::CloudHsmClusterInUse, why));
    }
    let [password, anchor] = [password, &trust_anchor].map(|text| kms.hsm.cluster_digest(text));
    let name = address.cluster(&cluster);
    let record = match kms.hsm.cluster(&name) {
        Some(known) => return check_known(&known, anchor).map(|()| (access(cluster, trust_anchor, password), None)),
        None => kms.hsm.found_cluster(&name, anchor, password),
    };
    Ok((access(cluster, trust_anchor, password), Some(record)))
}

fn access(cluster: String, trust_anchor: String, password: [u8; 32]) -> StoreKind {
    StoreKind::CloudHsm(ClusterAccess { cluster, trust_anchor, password })
}

/// A cluster that an earlier store named has a certificate already, and may have been starved since.
pub(crate) fn check_known(cluster: &ClusterRecord, anchor: [u8; 32]) -> Result<(), KmsError> {
    if cluster.anchor != anchor {
        let why = "The trust anchor certificate is not that of the CloudHSM cluster.";
        return Err(fault(KeyStoreFault::IncorrectTrustAnchor, why));
    }
    check_hsms(cluster)
}

/// Making stores and keys takes two active HSMs.
pub(crate) fn check_hsms(cluster: &ClusterRecord) -> Result<(), KmsError> {
    match cluster.hsms >= CLUSTER_HSMS {
        true => Ok(()),
        false => Err(fault(
            KeyStoreFault::CloudHsmClusterInvalidConfiguration,
            "The CloudHSM cluster must have at least two active HSMs, each in a different Availability Zone.",
        )),
    }
}

async fn external(
    kms: &KmsSim,
    address: &StoreAddress,
    request: &CreateRequest,
    others: &[std::sync::Arc<KeyStore>],
) -> Result<StoreKind, KmsError> {
    none_of(&[
        (request.cloud_hsm_cluster_id.is_some(), "CloudHsmClusterId"),
        (request.trust_anchor_certificate.is_some(), "TrustAnchorCertificate"),
        (request.key_store_password.is_some(), "KeyStorePassword"),
    ])?;
    let credential = request.xks_proxy_authentication_credential.as_ref();
    let secret = must(credential.map(|c| &*c.raw_secret_access_key), "XksProxyAuthenticationCredential")?;
    let connectivity = must(request.xks_proxy_connectivity.as_deref(), "XksProxyConnectivity")?.to_owned();
    let is_vpc = connectivity == "VPC_ENDPOINT_SERVICE";
    let named = request.xks_proxy_vpc_endpoint_service_name.as_deref();
    let vpc_service = if is_vpc { Some(must(named, "XksProxyVpcEndpointServiceName")?.to_owned()) } else { None };
    let owner = request.xks_proxy_vpc_endpoint_service_owner.clone().unwrap_or_else(|| address.account.to_string());
    let proxy = Proxy {
        endpoint: must(request.xks_proxy_uri_endpoint.as_deref(), "XksProxyUriEndpoint")?.to_owned(),
        path: must(request.xks_proxy_uri_path.as_deref(), "XksProxyUriPath")?.to_owned(),
        access_key_id: credential.map(|c| c.access_key_id.clone()).unwrap_or_default(),
        secret: kms.hsm.seal_secret(&address.row(), secret.as_bytes())?,
        connectivity,
        vpc_service,
        vpc_owner: is_vpc.then_some(owner),
    };
    admit(kms, address, &proxy, others, "CreateCustomKeyStore").await?;
    Ok(StoreKind::External(proxy))
}

/// Where a proxy may be; nobody else has it; and, where it is public, it answers.
pub(crate) async fn admit(
    kms: &KmsSim,
    address: &StoreAddress,
    proxy: &Proxy,
    others: &[std::sync::Arc<KeyStore>],
    operation: &'static str,
) -> Result<(), KmsError> {
    check_endpoint(&proxy.endpoint)?;
    check_path(&proxy.path)?;
    let others = others.iter().filter(|other| other.address != *address);
    for other in others.filter_map(|other| match &other.kind {
        StoreKind::External(other) => Some(other),
        StoreKind::CloudHsm(_) => None,
    }) {
        check_apart(proxy, other)?;
    }
    if proxy.connectivity == "VPC_ENDPOINT_SERVICE" {
        return Ok(());
    }
    kms.check_proxy(address, proxy, operation).await?.map_err(|fault| fault.in_management())
}

fn check_apart(proxy: &Proxy, other: &Proxy) -> Result<(), KmsError> {
    let is_vpc = proxy.vpc_service.is_some();
    if proxy.endpoint == other.endpoint && proxy.path == other.path {
        let why = "Another external key store in this Region has the same proxy URI endpoint and path.";
        return Err(fault(KeyStoreFault::XksProxyUriInUse, why));
    }
    if proxy.endpoint == other.endpoint && (is_vpc || other.vpc_service.is_some()) {
        let why = "Another external key store in this Region has the same proxy URI endpoint.";
        return Err(fault(KeyStoreFault::XksProxyUriEndpointInUse, why));
    }
    if is_vpc && proxy.vpc_service == other.vpc_service {
        let why = "Another external key store in this Region has the same VPC endpoint service.";
        return Err(fault(KeyStoreFault::XksProxyVpcEndpointServiceInUse, why));
    }
    Ok(())
}
