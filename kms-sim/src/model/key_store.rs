//! Custom key stores: places outside of KMS's own HSMs where an account keeps its key material.
//!
//! ```text
//! AWS_CLOUDHSM         a CloudHSM cluster holds the material and does the work
//! EXTERNAL_KEY_STORE   KMS encrypts, then an external key manager behind a proxy encrypts once more
//! ```
//!
//! A key in a store is unavailable while the store is not connected. Its own state goes on beneath: enabling, disabling
//! and deleting work all the same, and the state shows again once the store is back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use aws_core::id::{AccountId, Region};
use aws_core::time::{Timestamp, epoch_seconds};
use serde_json::{Value, json};

/// Where the material of a key in a custom key store is.
#[derive(Clone, Debug)]
pub struct Lodging {
    /// `cks-…`
    pub store: String,
    /// What keeps the material there.
    pub backing: Backing,
    /// Whether the store is connected right now; shared with the store.
    pub link: Link,
}

/// What keeps the material of a key in a custom key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A cluster of HSMs; holds its id, `cluster-…`.
    CloudHsm(String),
    /// An external key manager; holds its name for the key.
    External(String),
}

/// The connection between KMS and a store, as all keys in it see it at once.
#[derive(Clone, Default)]
pub struct Link(Arc<AtomicU8>);

const DOWN: u8 = 0;
const UP: u8 = 1;
const MOVING: u8 = 2;

impl Link {
    /// Whether keys can be used.
    pub fn is_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == UP
    }

    /// Whether somebody asked to connect or disconnect, and nobody has looked since.
    pub fn is_moving(&self) -> bool {
        self.0.load(Ordering::Acquire) == MOVING
    }

    /// Follows the store's connection state.
    pub fn follow(&self, is_up: bool, is_moving: bool) {
        let state = if is_moving {
            MOVING
        } else if is_up {
            UP
        } else {
            DOWN
        };
        self.0.store(state, Ordering::Release);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_up() { "up" } else { "down" })
    }
}

/// Where a store is between being connected and not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Never connected, or taken off.
    Disconnected,
    /// Asked to connect; decided by the next look.
    Connecting,
    /// Keys can be made and used.
    Connected,
    /// Asked to disconnect; done by the next look.
    Disconnecting,
    /// Could not be connected; holds AWS's word for why.
    Failed(String),
}

impl Connection {
    /// AWS's word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disconnected => "DISCONNECTED",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Disconnecting => "DISCONNECTING",
            Self::Failed(_) => "FAILED",
        }
    }

    /// Reads AWS's word, and its word for why.
    pub fn parse(name: &str, why: Option<String>) -> Option<Self> {
        match name {
            "DISCONNECTED" => Some(Self::Disconnected),
            "CONNECTING" => Some(Self::Connecting),
            "CONNECTED" => Some(Self::Connected),
            "DISCONNECTING" => Some(Self::Disconnecting),
            "FAILED" => why.map(Self::Failed),
            _ => None,
        }
    }

    /// Whether the next look decides.
    pub fn is_moving(&self) -> bool {
        matches!(self, Self::Connecting | Self::Disconnecting)
    }
}

/// The full name of a custom key store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreAddress {
    /// Owner.
    pub account: AccountId,
    /// Home.
    pub region: Region,
    /// `cks-…`
    pub id: String,
}

impl StoreAddress {
    /// `ACCOUNT/REGION/ID`: the row's name, and the name of its turn.
    pub fn row(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.id)
    }

    /// `ACCOUNT/REGION/cluster-…`: a cluster beside it.
    pub fn cluster(&self, cluster: &str) -> String {
        format!("{}/{}/{cluster}", self.account, self.region)
    }
}

/// What is behind a store.
#[derive(Clone, Debug)]
pub enum StoreKind {
    /// A CloudHSM cluster.
    CloudHsm(ClusterAccess),
    /// An external key manager.
    External(Proxy),
}

/// How KMS gets into a cluster.
#[derive(Clone, Debug)]
pub struct ClusterAccess {
    /// `cluster-…`
    pub cluster: String,
    /// The certificate, as it was given.
    pub trust_anchor: String,
    /// Digest of the password of `kmsuser`.
    pub password: [u8; 32],
}

/// How KMS reaches an external key manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Scheme and host.
    pub endpoint: String,
    /// Ends with `/kms/xks/v1`.
    pub path: String,
    /// What requests are signed with.
    pub access_key_id: String,
    /// Wrapped under the domain key.
    pub secret: Vec<u8>,
    /// `PUBLIC_ENDPOINT` or `VPC_ENDPOINT_SERVICE`.
    pub connectivity: String,
    /// Of a VPC endpoint service.
    pub vpc_service: Option<String>,
    /// Of a VPC endpoint service, the account that has it.
    pub vpc_owner: Option<String>,
}

/// A custom key store.
#[derive(Clone, Debug)]
pub struct KeyStore {
    /// Its full name.
    pub address: StoreAddress,
    /// In the words of its owner; unique in account and region.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it can be used.
    pub connection: Connection,
    /// What is behind it.
    pub kind: StoreKind,
    /// The connection as its keys see it.
    pub link: Link,
}

impl KeyStore {
    /// Moves to another state; all keys in it follow at once.
    pub fn turn(&mut self, connection: Connection) {
        self.connection = connection;
        self.link.follow(self.connection == Connection::Connected, self.connection.is_moving());
    }

    /// As DescribeCustomKeyStores prints it.
    pub fn entry(&self) -> Value {
        let mut entry = json!({
            "CustomKeyStoreId": self.address.id,
            "CustomKeyStoreName": self.name,
            "ConnectionState": self.connection.name(),
            "CreationDate": epoch_seconds(self.created),
        });
        if let Connection::Failed(why) = &self.connection {
            entry["ConnectionErrorCode"] = json!(why);
        }
        match &self.kind {
            StoreKind::CloudHsm(access) => {
                entry["CustomKeyStoreType"] = json!("AWS_CLOUDHSM");
                entry["CloudHsmClusterId"] = json!(access.cluster);
                entry["TrustAnchorCertificate"] = json!(access.trust_anchor);
            }
            StoreKind::External(proxy) => {
                entry["CustomKeyStoreType"] = json!("EXTERNAL_KEY_STORE");
                entry["XksProxyConfiguration"] = proxy.entry();
            }
        }
        entry
    }
}

impl Proxy {
    fn entry(&self) -> Value {
        let mut entry = json!({
            "Connectivity": self.connectivity,
            "AccessKeyId": self.access_key_id,
            "UriEndpoint": self.endpoint,
            "UriPath": self.path,
        });
        if let Some(name) = &self.vpc_service {
            entry["VpcEndpointServiceName"] = json!(name);
            entry["VpcEndpointServiceOwner"] = json!(self.vpc_owner);
        }
        entry
    }
}
