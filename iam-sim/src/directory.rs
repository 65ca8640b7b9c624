//! The directory of identities: asked by everybody, changed only through IAM and STS.
//!
//! A change is drafted against the shelves, stored durably, then shelved; changes take turns, readers never wait for
//! a disk. Changes run on blocking threads, so that a client that hangs up cannot leave a change half shelved.
//!
//! Access keys and temporary credentials are never forgotten, only voided: where unknown keys act as an account's
//! root user (`--auth open`), a forgotten key would come back as a king.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aws_core::arn::Arn;
use aws_core::id::AccountId;
use aws_core::identity::{Credential, Identities, IdentityPolicies};
use aws_core::principal::{Caller, Principal, Session};
use aws_core::time::{Clock, Timestamp};
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use store::{Store, StoreError, Table};

use crate::fault::IamError;
use crate::records::{AccessKey, KeyStatus, TemporaryKey};
use crate::shelves::{Draft, Shelves};
use crate::vault::{Purpose, Vault};

/// When the directory was first opened: the birthday of every account's root user.
const FOUNDED: Table<Timestamp> = Table::new("iam.founded");

/// All identities of all accounts.
pub struct Directory {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vault: Vault,
    founded: Timestamp,
    shelves: RwLock<Shelves>,
    turn: Mutex<()>,
}

impl Directory {
    /// Reads the directory from `store`. `kek` is the 32-byte key under which secret access keys rest.
    pub fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        kek: Secret,
    ) -> Result<Arc<Self>, StoreError> {
        let shelves = RwLock::new(Shelves::load(&store)?);
        let founded = founded(&store, clock.now())?;
        let (vault, turn) = (Vault::new(kek), Mutex::new(()));
        Ok(Arc::new(Self { store, clock, entropy, vault, founded, shelves, turn }))
    }

    /// Admits a long-lived key of the account's root user with a secret chosen outside, so that a server that refuses
    /// unknown keys has a first one. Blocks until durable; admitting the same key again replaces its secret.
    pub fn admit_root(&self, account: AccountId, access_key_id: &str, secret: &Secret) -> Result<(), StoreError> {
        let key = AccessKey {
            id: access_key_id.into(),
            owner: Principal::Root { account },
            created: self.now(),
            wrapped_secret: self.vault.seal(Purpose::SecretAccessKey, access_key_id, secret.expose(), &*self.entropy),
            status: KeyStatus::Active,
        };
        on_own_thread(|| {
            self.commit(|_, draft| {
                draft.put(key);
                Ok::<(), StoreError>(())
            })
        })
    }

    /// Reads the shelves anew, after the tables were changed from outside (a reset, a restored snapshot).
    pub fn reload(&self) -> Result<(), StoreError> {
        let _turn = self.take_turn();
        *self.shelves.write().expect("no reader of the directory panics") = Shelves::load(&self.store)?;
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn founded(&self) -> Timestamp {
        self.founded
    }

    /// Looks something up.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Shelves) -> T) -> T {
        look(&self.shelves.read().expect("no reader of the directory panics"))
    }

    /// Drafts a change, makes it durable, then shows it. `draft` sees the shelves as they are; nobody changes them
    /// meanwhile. Blocks.
    pub(crate) fn change<T>(
        &self,
        draft: impl FnOnce(&Shelves, &mut Draft) -> Result<T, IamError>,
    ) -> Result<T, IamError> {
        self.commit(draft)
    }

    fn commit<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&Shelves, &mut Draft) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.take_turn();
        let mut draft = Draft::default();
        let answer = self.read(|shelves| change(shelves, &mut draft))?;
        let draft = Arc::new(draft);
        let rows = draft.clone();
        self.store.write_blocking(move |txn| rows.store(txn))?;
        draft.shelve(&mut self.shelves.write().expect("no reader of the directory panics"));
        Ok(answer)
    }

    /// A change that panicked left nothing behind, since nothing is shelved before its end: the next may go on.
    fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn long_lived(&self, key: &AccessKey) -> Credential {
        let secret = self.vault.open(Purpose::SecretAccessKey, &key.id, &key.wrapped_secret);
        Credential {
            caller: Caller::new(key.owner.clone(), &key.id),
            active: key.status == KeyStatus::Active && secret.is_some(),
            secret: secret.unwrap_or_default(),
            session_token: None,
            expires_at: None,
        }
    }

    fn temporary(&self, key: &TemporaryKey) -> Credential {
        let secret = self.vault.open(Purpose::SecretAccessKey, &key.id, &key.wrapped_secret);
        let token = self.vault.open(Purpose::SessionToken, &key.id, &key.wrapped_token);
        let session = Session { issued_at: key.issued_at, mfa: false };
        Credential {
            caller: Caller { session: Some(session), ..Caller::new(key.principal.clone(), &key.id) },
            active: secret.is_some() && token.is_some(),
            secret: secret.unwrap_or_default(),
            session_token: Some(token.unwrap_or_default()),
            expires_at: Some(key.expires_at),
        }
    }
}

fn founded(store: &Store, now: Timestamp) -> Result<Timestamp, StoreError> {
    match store.get(&FOUNDED, "founded")? {
        Some(founded) => Ok(founded),
        None => {
            let found = move || store.write_blocking(move |txn| txn.put(&FOUNDED, "founded", &now).map(|()| now));
            on_own_thread(found)
        }
    }
}

/// Runs a blocking write for a caller that may stand inside the async runtime, where waiting for one is not allowed.
/// Only for what happens once, at the start.
fn on_own_thread<T: Send>(write: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(write).join()).unwrap_or(Err(StoreError::Abandoned))
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}

impl Identities for Directory {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        let (long_lived, temporary) = self.read(|shelves| {
            (shelves.access_keys.get(access_key_id).cloned(), shelves.temporary_keys.get(access_key_id).cloned())
        });
        let temporary = || temporary.map(|key| self.temporary(&key));
        long_lived.map(|key| self.long_lived(&key)).or_else(temporary)
    }

    fn policies(&self, caller: &Caller) -> IdentityPolicies {
        self.read(|shelves| shelves.policies_of(caller))
    }

    fn principal_exists(&self, arn: &Arn) -> bool {
        self.read(|shelves| shelves.principal_exists(arn))
    }

    fn unique_id(&self, arn: &Arn) -> Option<String> {
        self.read(|shelves| shelves.unique_id(arn))
    }
}
