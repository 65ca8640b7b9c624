//! ```text
//! kms.key-stores  ACCOUNT/REGION/cks-…        one custom key store; the proxy's secret only wrapped
//! kms.clusters    ACCOUNT/REGION/cluster-…    one CloudHSM cluster, its root key only wrapped
//! ```

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use serde::{Deserialize, Serialize};
use store::{Span, Store, Table};

use crate::error::Broken;
use crate::hsm::custom_store::ClusterRecord;
use crate::model::key_store::{ClusterAccess, Connection, KeyStore, Link, Proxy, StoreAddress, StoreKind};

const STORES: Table<StoreRow> = Table::new("kms.key-stores");
const CLUSTERS: Table<ClusterRecord> = Table::new("kms.clusters");

#[derive(Serialize, Deserialize)]
struct StoreRow {
    account: AccountId,
    region: Region,
    id: String,
    name: String,
    created: Timestamp,
    connection: String,
    connection_error: Option<String>,
    cluster: Option<ClusterRow>,
    proxy: Option<ProxyRow>,
}

#[derive(Serialize, Deserialize)]
struct ClusterRow {
    cluster: String,
    trust_anchor: String,
    password: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct ProxyRow {
    endpoint: String,
    path: String,
    access_key_id: String,
    #[serde(with = "serde_bytes")]
    secret: Vec<u8>,
    connectivity: String,
    vpc_service: Option<String>,
    vpc_owner: Option<String>,
}

pub(crate) fn load(store: &Store) -> Result<Vec<KeyStore>, Broken> {
    super::read(store, &STORES, from_row)
}

pub(crate) fn load_clusters(store: &Store) -> Result<Vec<ClusterRecord>, Broken> {
    Ok(store.scan(&CLUSTERS, Span::all(), usize::MAX)?.into_iter().map(|(_, record)| record).collect())
}

/// Keeps a store, and with it the cluster that it may have brought into being.
pub(crate) async fn keep(store: &Store, kept: &KeyStore, cluster: Option<ClusterRecord>) -> Result<(), KmsError> {
    let (name, row) = (kept.address.row(), to_row(kept));
    super::write(store, move |txn| {
        cluster.iter().try_for_each(|record| txn.put(&CLUSTERS, &record.name, record))?;
        txn.put(&STORES, &name, &row)
    })
    .await
}

pub(crate) async fn keep_cluster(store: &Store, record: ClusterRecord) -> Result<(), KmsError> {
    super::write(store, move |txn| txn.put(&CLUSTERS, &record.name, &record)).await
}

pub(crate) async fn delete(store: &Store, address: &StoreAddress) -> Result<(), KmsError> {
    let name = address.row();
    super::write(store, move |txn| txn.delete(&STORES, &name).map(|_| ())).await
}

fn to_row(store: &KeyStore) -> StoreRow {
    let StoreAddress { account, region, id } = store.address.clone();
    let (cluster, proxy) = match store.kind.clone() {
        StoreKind::CloudHsm(ClusterAccess { cluster, trust_anchor, password }) => {
            (Some(ClusterRow { cluster, trust_anchor, password }), None)
        }
        StoreKind::External(proxy) => (None, Some(proxy_to_row(proxy))),
    };
    StoreRow {
        account,
        region,
        id,
        name: store.name.clone(),
        created: store.created,
        connection: store.connection.name().into(),
        connection_error: match &store.connection {
            Connection::Failed(why) => Some(why.clone()),
            _ => None,
        },
        cluster,
        proxy,
    }
}

fn from_row(row: StoreRow) -> Option<KeyStore> {
    let kind = match (row.cluster, row.proxy) {
        (Some(ClusterRow { cluster, trust_anchor, password }), None) => {
            StoreKind::CloudHsm(ClusterAccess { cluster, trust_anchor, password })
        }
        (None, Some(proxy)) => StoreKind::External(proxy_from_row(proxy)),
        (None | Some(_), None | Some(_)) => return None,
    };
    let connection = Connection::parse(&row.connection, row.connection_error)?;
    let address = StoreAddress { account: row.account, region: row.region, id: row.id };
    let mut store = KeyStore {
        address,
        name: row.name,
        created: row.created,
        connection: Connection::Disconnected,
        kind,
        link: Link::default(),
    };
    store.turn(connection);
    Some(store)
}

fn proxy_to_row(proxy: Proxy) -> ProxyRow {
    let Proxy { endpoint, path, access_key_id, secret, connectivity, vpc_service, vpc_owner } = proxy;
    ProxyRow { endpoint, path, access_key_id, secret, connectivity, vpc_service, vpc_owner }
}

fn proxy_from_row(row: ProxyRow) -> Proxy {
    let ProxyRow { endpoint, path, access_key_id, secret, connectivity, vpc_service, vpc_owner } = row;
    Proxy { endpoint, path, access_key_id, secret, connectivity, vpc_service, vpc_owner }
}
