//! Whose access keys a call is about: a user named, the calling user, or the root user.

use std::sync::Arc;

use aws_core::principal::Principal;

use crate::call::{Call, Target};
use crate::fault::IamError;
use crate::records::{AccessKey, KeyStatus, User};
use crate::shelves::Shelves;

/// The owner of access keys.
pub(super) enum Owner {
    /// An IAM user.
    User(Arc<User>),
    /// The account's root user.
    Root(Principal),
}

impl Owner {
    /// Reads `UserName`, asks for permission, and finds the owner.
    pub fn of(call: &mut Call<'_>) -> Result<Self, IamError> {
        let named = match call.args.optional_user()? {
            Some(name) => Some(name),
            None => call.caller_name()?,
        };
        let Some(name) = named else { return Self::root(call) };
        call.authorize_on::<User>(name)?;
        call.read(|shelves, account| shelves.holder(account, name).cloned()).map(Self::User)
    }

    fn root(call: &mut Call<'_>) -> Result<Self, IamError> {
        let root = Principal::Root { account: call.account().clone() };
        call.authorize(&Target::arn(root.arn()))?;
        Ok(Self::Root(root))
    }

    /// The owner as a principal.
    pub fn principal(&self) -> Principal {
        match self {
            Self::Root(root) => root.clone(),
            Self::User(user) => Principal::User {
                account: user.account.clone(),
                id: user.id.clone(),
                path: user.path.clone(),
                name: user.name.clone(),
            },
        }
    }

    /// The user's name; the root user has none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(&user.name),
            Self::Root(_) => None,
        }
    }
}

/// The keys of `owner` that were not deleted.
pub(super) fn keys_of<'a>(shelves: &'a Shelves, owner: &Owner) -> impl Iterator<Item = &'a Arc<AccessKey>> + use<'a> {
    let principal = owner.principal();
    let alive = |key: &&Arc<AccessKey>| key.status != KeyStatus::Deleted;
    shelves.access_keys.values().filter(alive).filter(move |key| key.owner == principal)
}

/// The key of this id, if it is `owner`'s and was not deleted.
pub(super) fn key_of<'a>(shelves: &'a Shelves, owner: &Owner, id: &str) -> Result<&'a Arc<AccessKey>, IamError> {
    keys_of(shelves, owner).find(|key| key.id == id).ok_or_else(|| IamError::NoSuchAccessKey(id.into()))
}
