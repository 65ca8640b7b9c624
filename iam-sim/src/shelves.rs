//! The read model: every record in memory, so that a signature check or a policy question waits on no disk, and the
//! draft of a change, which is stored first and shelved after.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::id::AccountId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Span, Store, StoreError, Table, Txn};

use crate::fault::{IamError, Kind};
use crate::managed;
use crate::records::{AccessKey, Group, ManagedPolicy, Policies, Role, Tags, TemporaryKey, User, arn};

/// Records of one kind, by key.
pub(crate) type Shelf<R> = BTreeMap<String, Arc<R>>;

/// Everything IAM knows.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    pub users: Shelf<User>,
    pub groups: Shelf<Group>,
    pub roles: Shelf<Role>,
    /// Customers' and AWS's own, by ARN.
    pub policies: Shelf<ManagedPolicy>,
    pub access_keys: Shelf<AccessKey>,
    pub temporary_keys: Shelf<TemporaryKey>,
}

impl Shelves {
    /// Reads every row, and puts AWS's own policies beside the customers'.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            users: read(store)?,
            groups: read(store)?,
            roles: read(store)?,
            policies: read(store)?.into_iter().chain(managed::shelf()).collect(),
            access_keys: read(store)?,
            temporary_keys: read(store)?,
        })
    }

    /// The user, group or role of this name.
    pub fn holder<H: Holder>(&self, account: &AccountId, name: &str) -> Result<&Arc<H>, IamError> {
        H::shelf(self).get(&name_key(account, name)).ok_or_else(|| IamError::NoSuch(H::KIND, name.into()))
    }

    /// The managed policy of this ARN, as the caller's account sees it.
    pub fn policy(&self, arn: &str) -> Option<&Arc<ManagedPolicy>> {
        self.policies.get(arn)
    }

    /// How many users, groups and roles have the policy attached.
    pub fn attachments(&self, arn: &str) -> usize {
        fn count<H: Holder>(shelf: &Shelf<H>, arn: &str) -> usize {
            shelf.values().filter(|holder| holder.policies().attached.contains(arn)).count()
        }
        count(&self.users, arn) + count(&self.groups, arn) + count(&self.roles, arn)
    }

    /// How many users and roles have the policy as their boundary.
    pub fn boundary_uses(&self, arn: &str) -> usize {
        let bounds = |boundary: &Option<String>| boundary.as_deref() == Some(arn);
        let users = self.users.values().filter(|user| bounds(&user.boundary)).count();
        users + self.roles.values().filter(|role| bounds(&role.boundary)).count()
    }
}

fn read<R: Record>(store: &Store) -> Result<Shelf<R>, StoreError> {
    let rows = store.scan(&R::TABLE, Span::all(), usize::MAX)?;
    Ok(rows.into_iter().map(|(key, record)| (key, Arc::new(record))).collect())
}

/// `ACCOUNT/name`: names are unique within an account regardless of case.
pub(crate) fn name_key(account: &AccountId, name: &str) -> String {
    format!("{account}/{}", name.to_ascii_lowercase())
}

/// The part of a shelf that belongs to one account.
pub(crate) fn of_account<'a, R>(
    shelf: &'a Shelf<R>,
    account: &AccountId,
) -> impl Iterator<Item = (&'a str, &'a Arc<R>)> {
    let prefix = format!("{account}/");
    let from = shelf.range(prefix.clone()..);
    from.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(key, record)| (key.as_str(), record))
}

/// What has a table and a shelf.
pub(crate) trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    const TABLE: Table<Self>;
    fn key(&self) -> String;
    fn shelf(shelves: &Shelves) -> &Shelf<Self>;
    fn shelf_mut(shelves: &mut Shelves) -> &mut Shelf<Self>;
}

macro_rules! record {
    ($record:ident, $shelf:ident, $table:literal, $key:expr) => {
        impl Record for $record {
            const TABLE: Table<Self> = Table::new($table);

            fn key(&self) -> String {
                let key: fn(&Self) -> String = $key;
                key(self)
            }

            fn shelf(shelves: &Shelves) -> &Shelf<Self> {
                &shelves.$shelf
            }

            fn shelf_mut(shelves: &mut Shelves) -> &mut Shelf<Self> {
                &mut shelves.$shelf
            }
        }
    };
}

record!(User, users, "iam.users", |user| name_key(&user.account, &user.name));
record!(Group, groups, "iam.groups", |group| name_key(&group.account, &group.name));
record!(Role, roles, "iam.roles", |role| name_key(&role.account, &role.name));
record!(ManagedPolicy, policies, "iam.policies", |policy| policy.arn.clone());
record!(AccessKey, access_keys, "iam.access-keys", |key| key.id.clone());
record!(TemporaryKey, temporary_keys, "iam.temporary-keys", |key| key.id.clone());

/// A record that holds policies: user, group or role.
pub(crate) trait Holder: Record {
    const KIND: Kind;
    fn name(&self) -> &str;
    fn arn(&self) -> String;
    fn policies(&self) -> &Policies;
    fn policies_mut(&mut self) -> &mut Policies;
    /// ARN of the boundary; groups have none.
    fn boundary(&self) -> Option<&str>;
    /// Groups have none.
    fn tags(&self) -> Option<&Tags>;
}

/// A holder that can have a boundary and tags: user or role.
pub(crate) trait Bounded: Holder {
    fn boundary_mut(&mut self) -> &mut Option<String>;
    fn tags_mut(&mut self) -> &mut Tags;
}

macro_rules! holder {
    ($holder:ident, $kind:expr, $boundary:expr, $tags:expr) => {
        impl Holder for $holder {
            const KIND: Kind = $kind;

            fn name(&self) -> &str {
                &self.name
            }

            fn arn(&self) -> String {
                arn(self.account.as_str(), Self::KIND.word(), &self.path, &self.name)
            }

            fn policies(&self) -> &Policies {
                &self.policies
            }

            fn policies_mut(&mut self) -> &mut Policies {
                &mut self.policies
            }

            fn boundary(&self) -> Option<&str> {
                let boundary: fn(&Self) -> Option<&str> = $boundary;
                boundary(self)
            }

            fn tags(&self) -> Option<&Tags> {
                let tags: fn(&Self) -> Option<&Tags> = $tags;
                tags(self)
            }
        }
    };
}

holder!(User, Kind::User, |user| user.boundary.as_deref(), |user| Some(&user.tags));
holder!(Role, Kind::Role, |role| role.boundary.as_deref(), |role| Some(&role.tags));
holder!(Group, Kind::Group, |_| None, |_| None);

macro_rules! bounded {
    ($holder:ident) => {
        impl Bounded for $holder {
            fn boundary_mut(&mut self) -> &mut Option<String> {
                &mut self.boundary
            }

            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tags
            }
        }
    };
}

bounded!(User);
bounded!(Role);

/// A change in the making: what to store, then to shelve.
#[derive(Default)]
pub(crate) struct Draft(Vec<Box<dyn Step>>);

impl Draft {
    /// Adds a record, or replaces the one of the same key.
    pub fn put<R: Record>(&mut self, record: R) {
        self.0.push(Box::new(Move { key: record.key(), record: Some(Arc::new(record)) }));
    }

    /// Takes a record away.
    pub fn delete<R: Record>(&mut self, record: &R) {
        self.0.push(Box::new(Move::<R> { key: record.key(), record: None }));
    }

    /// Replaces a record by a changed copy.
    pub fn edit<R: Record, T>(
        &mut self,
        record: &R,
        change: impl FnOnce(&mut R) -> Result<T, IamError>,
    ) -> Result<T, IamError> {
        let mut copy = record.clone();
        let answer = change(&mut copy)?;
        self.put(copy);
        Ok(answer)
    }

    /// Writes the rows.
    pub fn store(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|step| step.store(txn))
    }

    /// Shows the change to readers.
    pub fn shelve(&self, shelves: &mut Shelves) {
        self.0.iter().for_each(|step| step.shelve(shelves));
    }
}

trait Step: Send + Sync {
    fn store(&self, txn: &mut Txn<'_>) -> Result<(), StoreError>;
    fn shelve(&self, shelves: &mut Shelves);
}

/// A record put (or, without one, taken) under a key.
struct Move<R> {
    key: String,
    record: Option<Arc<R>>,
}

impl<R: Record> Step for Move<R> {
    fn store(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        match &self.record {
            Some(record) => txn.put(&R::TABLE, &self.key, &**record),
            None => txn.delete(&R::TABLE, &self.key).map(|_existed| ()),
        }
    }

    fn shelve(&self, shelves: &mut Shelves) {
        let shelf = R::shelf_mut(shelves);
        match &self.record {
            Some(record) => shelf.insert(self.key.clone(), record.clone()),
            None => shelf.remove(&self.key),
        };
    }
}
