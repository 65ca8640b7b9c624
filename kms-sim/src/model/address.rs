//! Where a key or an alias lives: account, region, name. Everything in KMS is kept per account and region.

use std::fmt;

use aws_core::call::CallContext;
use aws_core::id::{AccountId, Region};

/// The full name of a KMS key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyAddress {
    /// Owner.
    pub account: AccountId,
    /// Home.
    pub region: Region,
    /// The bare key id.
    pub id: String,
}

impl KeyAddress {
    /// A key of the caller's account, in the region of the call.
    pub fn of_caller(ctx: &CallContext, id: impl Into<String>) -> Self {
        Self { account: ctx.account().clone(), region: ctx.region.clone(), id: id.into() }
    }

    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// `ACCOUNT/REGION/ID`: the row's name in the store.
    pub fn row(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.id)
    }

    /// The ledger's word for this key.
    pub fn subject(&self) -> String {
        format!("kms/{}", self.id)
    }
}

impl fmt::Debug for KeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.row())
    }
}

/// The full name of an alias.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasAddress {
    /// Owner.
    pub account: AccountId,
    /// Home.
    pub region: Region,
    /// With its prefix: `alias/…`.
    pub name: String,
}

impl AliasAddress {
    /// An alias of the caller's account, in the region of the call.
    pub fn of_caller(ctx: &CallContext, name: impl Into<String>) -> Self {
        Self { account: ctx.account().clone(), region: ctx.region.clone(), name: name.into() }
    }

    /// `arn:aws:kms:REGION:ACCOUNT:alias/…`
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:{}", self.region, self.account, self.name)
    }

    /// `ACCOUNT/REGION/alias/…`: the row's name in the store.
    pub fn row(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }
}

impl fmt::Debug for AliasAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.row())
    }
}
