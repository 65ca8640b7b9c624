//! Custom key stores at work: finding them, connecting them, and the second layer that an external key manager adds.
//!
//! Connecting and disconnecting are asked for by one call and done by the next look, whoever takes it: a description,
//! or the use of a key in the store.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use aws_core::call::CallContext;
use aws_core::principal::Principal;
use envelope::blob::CiphertextBlob;
use envelope::context::EncryptionContext;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;

use crate::KmsSim;
use crate::hsm::boundary::Sealed;
use crate::hsm::custom_store::ClusterRecord;
use crate::hsm::twice::{TwiceSealed, additional_data};
use crate::model::key::Key;
use crate::model::key_store::{Backing, Connection, KeyStore, Lodging, Proxy, StoreAddress, StoreKind};
use crate::store::{self, Everything};
use crate::xks::Errand;
use crate::xks::fault::ProxyFault;

/// All stores, as last made durable.
#[derive(Default)]
pub(crate) struct Stores(RwLock<BTreeMap<StoreAddress, Arc<KeyStore>>>);

impl Stores {
    pub(crate) fn new(stores: Vec<KeyStore>) -> Self {
        Self(RwLock::new(stores.into_iter().map(|store| (store.address.clone(), Arc::new(store))).collect()))
    }

    /// Gives each key the link of the store that it lives in.
    pub(crate) fn bind(&self, mut everything: Everything) -> Everything {
        for key in &mut everything.keys {
            let Some(lodging) = &key.lodging else { continue };
            let Some(store) = self.get(&address_of(key, lodging)) else { continue };
            key.lodging.iter_mut().for_each(|lodging| lodging.link = store.link.clone());
        }
        everything
    }

    pub(crate) fn get(&self, address: &StoreAddress) -> Option<Arc<KeyStore>> {
        self.0.read().expect("no holder of the stores panics").get(address).cloned()
    }

    /// Stores of the caller's account and region, in order of their ids.
    pub(crate) fn of_caller(&self, ctx: &CallContext) -> Vec<Arc<KeyStore>> {
        let stores = self.0.read().expect("no holder of the stores panics");
        let here = |address: &StoreAddress| address.account == *ctx.account() && address.region == ctx.region;
        stores.values().filter(|store| here(&store.address)).cloned().collect()
    }

    fn show(&self, store: KeyStore) -> Arc<KeyStore> {
        let store = Arc::new(store);
        self.0.write().expect("no holder of the stores panics").insert(store.address.clone(), store.clone());
        store
    }

    pub(crate) fn hide(&self, address: &StoreAddress) {
        self.0.write().expect("no holder of the stores panics").remove(address);
    }
}

/// The address of a store in the caller's account and region.
pub(crate) fn address(ctx: &CallContext, id: &str) -> StoreAddress {
    StoreAddress { account: ctx.account().clone(), region: ctx.region.clone(), id: id.into() }
}

/// The address of the store that a key lives in.
pub(crate) fn address_of(key: &Key, lodging: &Lodging) -> StoreAddress {
    let (account, region) = (key.address.account.clone(), key.address.region.clone());
    StoreAddress { account, region, id: lodging.store.clone() }
}

pub(crate) fn not_found(id: &str) -> KmsError {
    KmsError::KeyStore(KeyStoreFault::CustomKeyStoreNotFound, format!("Custom key store {id} is not found."))
}

impl KmsSim {
    /// The store of this id, as it is now.
    pub(crate) async fn key_store(&self, ctx: &CallContext, id: &str) -> Result<Arc<KeyStore>, KmsError> {
        let store = self.stores.get(&address(ctx, id)).ok_or_else(|| not_found(id))?;
        self.settled_store(store).await
    }

    /// Lets a connection that was asked for come about, or fail.
    pub(crate) async fn settled_store(&self, store: Arc<KeyStore>) -> Result<Arc<KeyStore>, KmsError> {
        if !store.connection.is_moving() {
            return Ok(store);
        }
        let kms = self.handle();
        let settling = tokio::spawn(async move { kms.settle_store(&store.address).await });
        settling.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The key store could not be looked at.".into())))
    }

    /// The same for the store of a key.
    pub(crate) async fn settle_lodging(&self, key: &Key) -> Result<(), KmsError> {
        let Some(lodging) = key.lodging.as_ref().filter(|lodging| lodging.link.is_moving()) else { return Ok(()) };
        match self.stores.get(&address_of(key, lodging)) {
            Some(store) => self.settled_store(store).await.map(drop),
            None => Ok(()),
        }
    }

    async fn settle_store(&self, address: &StoreAddress) -> Result<Arc<KeyStore>, KmsError> {
        let _turn = self.turns.take(&[&address.row()]).await;
        let store = self.stores.get(address).ok_or_else(|| not_found(&address.id))?;
        let next = match &store.connection {
            Connection::Connecting => self.connect(&store).await,
            Connection::Disconnecting => Connection::Disconnected,
            Connection::Connected | Connection::Disconnected | Connection::Failed(_) => return Ok(store),
        };
        self.turn_store(KeyStore::clone(&store), next).await
    }

    /// Moves a store to another state. The caller holds its turn.
    pub(crate) async fn turn_store(&self, store: KeyStore, to: Connection) -> Result<Arc<KeyStore>, KmsError> {
        let kept = KeyStore { connection: to, ..store };
        self.keep_store(kept, None).await
    }

    /// Makes a store durable and shows it. The caller holds its turn.
    pub(crate) async fn keep_store(
        &self,
        mut kept: KeyStore,
        cluster: Option<ClusterRecord>,
    ) -> Result<Arc<KeyStore>, KmsError> {
        store::key_stores::keep(&self.store, &kept, cluster.clone()).await?;
        cluster.into_iter().for_each(|record| self.hsm.adopt_cluster(record));
        kept.turn(kept.connection.clone());
        Ok(self.stores.show(kept))
    }

    async fn connect(&self, store: &KeyStore) -> Connection {
        let outcome = match &store.kind {
            StoreKind::External(proxy) => self.check_proxy(&store.address, proxy, "ConnectCustomKeyStore").await,
            StoreKind::CloudHsm(access) => {
                let record = self.hsm.cluster(&store.address.cluster(&access.cluster));
                return match record {
                    None => Connection::Failed("CLUSTER_NOT_FOUND".into()),
                    Some(record) if record.hsms == 0 => Connection::Failed("INSUFFICIENT_CLOUDHSM_HSMS".into()),
                    Some(record) if record.password != access.password => {
                        Connection::Failed("INVALID_CREDENTIALS".into())
                    }
                    Some(_) => Connection::Connected,
                };
            }
        };
        match outcome {
            Ok(Ok(())) => Connection::Connected,
            Ok(Err(fault)) => Connection::Failed(fault.connection_error().into()),
            Err(_) => Connection::Failed("INTERNAL_ERROR".into()),
        }
    }

    /// Asks a proxy how it is, in the name of KMS itself.
    pub(crate) async fn check_proxy(
        &self,
        address: &StoreAddress,
        proxy: &Proxy,
        operation: &'static str,
    ) -> Result<Result<(), ProxyFault>, KmsError> {
        let secret = self.hsm.open_secret(&address.row(), &proxy.secret)?;
        let kms = Principal::Service { account: address.account.clone(), name: "kms.amazonaws.com".into() };
        let ctx = CallContext::local(kms, address.region.clone(), self.world.uuid());
        Ok(self.xks.health(&Errand { proxy, secret: &secret, ctx: &ctx, operation, key_arn: None }).await)
    }

    /// Has the external key manager seal a blob once more, if the key has one.
    pub(crate) async fn seal_outside(
        &self,
        (ctx, operation): (&CallContext, &'static str),
        key: &Key,
        context: &EncryptionContext,
        blob: Vec<u8>,
    ) -> Result<Vec<u8>, KmsError> {
        let Some((external, proxy, secret)) = self.outside(key)? else { return Ok(blob) };
        let header = TwiceSealed::header_of(&blob)
            .ok_or_else(|| KmsError::KmsInternal("What is to be sealed twice is no blob.".into()))?;
        let errand = Errand { proxy: &proxy, secret: &secret, ctx, operation, key_arn: Some(&key.arn) };
        let sealed = self.xks.encrypt(&errand, &external, &additional_data(&header, context), &blob).await;
        let outer = sealed.map_err(ProxyFault::in_cryptography)?;
        Ok(TwiceSealed { header, outer }.encode())
    }

    /// Has the external key manager open its layer, if the key has one. What is sealed once does not open under a key
    /// that seals twice, nor the other way round.
    pub(crate) async fn open_outside(
        &self,
        (ctx, operation): (&CallContext, &'static str),
        key: &Key,
        context: &EncryptionContext,
        sealed: Sealed,
    ) -> Result<Sealed, KmsError> {
        let (twice, (external, proxy, secret)) = match (sealed, self.outside(key)?) {
            (Sealed::Twice(twice), Some(outside)) => (twice, outside),
            (Sealed::Twice(_), None) | (Sealed::Blob(_) | Sealed::Raw(_), Some(_)) => {
                return Err(KmsError::InvalidCiphertext);
            }
            (once, None) => return Ok(once),
        };
        let errand = Errand { proxy: &proxy, secret: &secret, ctx, operation, key_arn: Some(&key.arn) };
        let aad = additional_data(&twice.header, context);
        let opened = self.xks.decrypt(&errand, &external, &aad, &twice.outer).await;
        let blob = CiphertextBlob::parse(&opened.map_err(ProxyFault::in_cryptography)?).ok();
        let blob = blob.filter(|blob| twice.holds(blob)).ok_or_else(|| ProxyFault::Plaintext.in_cryptography())?;
        Ok(Sealed::Blob(blob))
    }

    /// The external key behind a KMS key, and the way to it.
    fn outside(&self, key: &Key) -> Result<Option<(String, Proxy, Secret)>, KmsError> {
        let Some(lodging) = &key.lodging else { return Ok(None) };
        let Backing::External(external) = &lodging.backing else { return Ok(None) };
        let store = self.stores.get(&address_of(key, lodging)).ok_or_else(|| not_found(&lodging.store))?;
        let StoreKind::External(proxy) = &store.kind else { return Err(not_found(&lodging.store)) };
        let secret = self.hsm.open_secret(&store.address.row(), &proxy.secret)?;
        Ok(Some((external.clone(), proxy.clone(), secret)))
    }

    /// Keys that live in a store, those waiting for their end included.
    pub(crate) fn lodgers(&self, address: &StoreAddress) -> Vec<Arc<Key>> {
        let mut keys = self.registry.keys_of(&address.account, &address.region);
        keys.retain(|key| key.lodging.as_ref().is_some_and(|lodging| lodging.store == address.id));
        keys
    }
}
