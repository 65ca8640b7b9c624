//! From what a caller said (`KeyRef`) to the key that is meant, and from a blob to the key that made it.

use std::sync::Arc;

use envelope::blob::CiphertextBlob;
use kms_api::error::KmsError;

use crate::KmsSim;
use crate::authorize::Phrase;
use crate::authorize::action::{Action, DescribeKey};
use crate::call::Call;
use crate::error::{
    aliases_not_supported, hidden_resource, no_such_alias, no_such_key, other_region, unknown_ciphertext,
};
use crate::hsm::boundary::Sealed;
use crate::model::address::{AliasAddress, KeyAddress};
use crate::model::backing_key::MaterialId;
use crate::model::key::Key;
use crate::model::key_ref::{KeyRef, is_well_formed_id};
use crate::model::managed::ManagedService;
use crate::model::purpose::SYMMETRIC_DEFAULT;

/// A key, and the alias by which the caller named it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: Arc<Key>,
    pub(crate) alias: Option<String>,
}

/// What was sealed, the key that did it, and how a denial may speak of that key.
pub(crate) struct Source {
    pub(crate) sealed: Sealed,
    pub(crate) found: Found,
    pub(crate) phrase: Phrase,
}

impl Source {
    /// The generation of material that a blob names; what is sealed to a key pair names nothing.
    pub(crate) fn material(&self) -> Option<MaterialId> {
        match &self.sealed {
            Sealed::Blob(blob) => Some(MaterialId(blob.material_id)),
            Sealed::Raw(_) => None,
        }
    }

    /// The key named in the request must be the one that made the blob.
    pub(crate) fn check_key(&self) -> Result<(), KmsError> {
        match self.material() {
            Some(material) if self.found.key.material(material).is_none() => Err(KmsError::IncorrectKey),
            Some(_) | None => Ok(()),
        }
    }
}

impl KmsSim {
    /// Finds a key by id, ARN, alias or alias ARN. An AWS managed key comes into being when its service asks for it,
    /// or when anybody describes it.
    pub(crate) async fn find<A: Action>(&self, call: &Call<'_>, named: &str) -> Result<Found, KmsError> {
        match KeyRef::parse(named)? {
            KeyRef::Id(id) => self.by_id::<A>(call, KeyAddress::of_caller(call.ctx, id)).await,
            KeyRef::KeyArn { region, .. } | KeyRef::AliasArn { region, .. } if region != call.ctx.region => {
                Err(other_region(&region))
            }
            KeyRef::KeyArn { account, region, id } => self.by_id::<A>(call, KeyAddress { account, region, id }).await,
            KeyRef::AliasName(name) => self.by_alias::<A>(call, AliasAddress::of_caller(call.ctx, name)).await,
            KeyRef::AliasArn { account, region, name } => {
                self.by_alias::<A>(call, AliasAddress { account, region, name }).await
            }
        }
    }

    /// Finds a key by id or ARN, as management operations demand.
    pub(crate) async fn find_key<A: Action>(&self, call: &Call<'_>, named: &str) -> Result<Found, KmsError> {
        match KeyRef::parse(named)?.is_alias() {
            true => Err(aliases_not_supported()),
            false => self.find::<A>(call, named).await,
        }
    }

    /// Finds the key of what is sealed: a blob names its key material, the caller may name the key, and must where
    /// there is no blob.
    pub(crate) async fn source<A: Action>(
        &self,
        call: &Call<'_>,
        (sealed, algorithm): (&[u8], &str),
        named: Option<&str>,
    ) -> Result<Source, KmsError> {
        let blob = match algorithm {
            SYMMETRIC_DEFAULT => CiphertextBlob::parse(sealed).map_err(|_| KmsError::InvalidCiphertext),
            _ => Err(KmsError::Validation("KeyId must not be null".into())),
        };
        if let Some(named) = named {
            self.check_region_of(call, named)?;
            let found = self.find::<A>(call, named).await?;
            let sealed = blob.map_or_else(|_| Sealed::Raw(sealed.to_vec()), Sealed::Blob);
            return Ok(Source { sealed, found, phrase: Phrase::Arn });
        }
        let blob = blob?;
        let holder =
            self.registry.holder(MaterialId(blob.material_id), &call.ctx.region).ok_or_else(unknown_ciphertext)?;
        let key = self.settled(holder).await?.ok_or_else(unknown_ciphertext)?;
        let (sealed, found) = (Sealed::Blob(blob), Found { key, alias: None });
        Ok(Source { sealed, found, phrase: Phrase::Ciphertext })
    }

    /// A blob is opened by the key of the region that is asked. The ARN of a related key elsewhere names another key.
    fn check_region_of(&self, call: &Call<'_>, named: &str) -> Result<(), KmsError> {
        let KeyRef::KeyArn { account, region, id } = KeyRef::parse(named)? else { return Ok(()) };
        let here = KeyAddress { account, region: call.ctx.region.clone(), id };
        let is_relative = || self.registry.key(&here).is_some_and(|key| key.multi_region.is_some());
        if region != here.region && is_relative() { Err(KmsError::IncorrectKey) } else { Ok(()) }
    }

    async fn by_id<A: Action>(&self, call: &Call<'_>, address: KeyAddress) -> Result<Found, KmsError> {
        let key = match self.registry.key(&address) {
            Some(key) => self.settled(key).await?,
            None => None,
        };
        let key = key.ok_or_else(|| missing_key::<A>(call, &address))?;
        Ok(Found { key, alias: None })
    }

    async fn by_alias<A: Action>(&self, call: &Call<'_>, address: AliasAddress) -> Result<Found, KmsError> {
        let target = match self.registry.alias(&address) {
            Some(alias) => self.registry.key(&alias.target()),
            None => self.newborn::<A>(call, &address).await?,
        };
        let key = match target {
            Some(key) => self.settled(key).await?,
            None => None,
        };
        let key = key.ok_or_else(|| missing_alias::<A>(call, &address))?;
        Ok(Found { key, alias: Some(address.name) })
    }

    async fn newborn<A: Action>(&self, call: &Call<'_>, address: &AliasAddress) -> Result<Option<Arc<Key>>, KmsError> {
        let asked_for = call.ctx.via.is_some() || A::NAME == DescribeKey::NAME;
        match ManagedService::of_alias(&address.name) {
            Some(service) if asked_for && address.account == *call.ctx.account() => {
                self.managed_key(service, address.clone()).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}

fn missing_key<A: Action>(call: &Call<'_>, address: &KeyAddress) -> KmsError {
    if address.account != *call.ctx.account() {
        return hidden_resource(&call.ctx.principal_arn(), A::NAME);
    }
    match is_well_formed_id(&address.id) {
        true => no_such_key(&address.arn()),
        false => KmsError::NotFound(format!("Invalid keyId '{}'", address.id)),
    }
}

fn missing_alias<A: Action>(call: &Call<'_>, address: &AliasAddress) -> KmsError {
    match address.account == *call.ctx.account() {
        true => no_such_alias(&address.arn()),
        false => hidden_resource(&call.ctx.principal_arn(), A::NAME),
    }
}
