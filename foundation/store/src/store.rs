//! The door to the tables: snapshot reads at any time, writes that return once they are durable.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::backend::Backend;
use crate::backend::memory::MemoryBackend;
use crate::backend::redb::RedbBackend;
use crate::error::StoreError;
use crate::span::Span;
use crate::table::Table;
use crate::txn::Txn;
use crate::writer::{Job, Writer};

/// Typed tables in one place. Cheap to clone; the last clone to go commits what is queued and releases the file.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    writer: Arc<Writer>,
}

impl Store {
    /// One redb file, made if absent. [`StoreError::Locked`] when somebody has it open.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::on(RedbBackend::open(path)?))
    }

    /// Without a file.
    pub fn in_memory() -> Self {
        Self::on(MemoryBackend::default())
    }

    /// On any backend.
    pub fn on(backend: impl Backend) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(backend);
        Self { writer: Arc::new(Writer::start(backend.clone())), backend }
    }

    /// One committed row, or `None`.
    pub fn get<V: DeserializeOwned>(&self, table: &Table<V>, key: &str) -> Result<Option<V>, StoreError> {
        self.backend.get(table.name(), key)?.map(|bytes| table.decode(key, &bytes)).transpose()
    }

    /// The first `limit` committed rows of a span, in byte order of their keys, all of one moment.
    pub fn scan<V: DeserializeOwned>(
        &self,
        table: &Table<V>,
        span: Span<'_>,
        limit: usize,
    ) -> Result<Vec<(String, V)>, StoreError> {
        table.decode_rows(self.backend.scan(table.name(), span, limit)?)
    }

    /// Runs `f` on the writer's thread and returns once its changes are durable. `Err` from `f` undoes only what `f` did.
    ///
    /// `f` must be quick and must not wait for other writes: all writers stand behind it. A failed commit fails every
    /// writer that shared it. Dropping the future does not take a queued write back.
    pub async fn write<T, E>(&self, f: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = job(f);
        self.writer.submit(job);
        answer.await.unwrap_or_else(|_| Err(StoreError::Abandoned.into()))
    }

    /// [`Store::write`] for threads outside the async runtime.
    pub fn write_blocking<T, E>(&self, f: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = job(f);
        self.writer.submit(job);
        answer.blocking_recv().unwrap_or_else(|_| Err(StoreError::Abandoned.into()))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// Wraps a closure so that its result travels back once the commit it took part in is settled. Even a refusal waits
/// for it: what the closure saw of its neighbours in the batch may not have been durable yet.
fn job<T, E>(f: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (tell, answer) = oneshot::channel();
    let job: Job = Box::new(move |txn| {
        let result = f(txn);
        let keep = result.is_ok();
        let settle = move |committed: Result<(), StoreError>| {
            let _ = tell.send(result.and_then(|value| committed.map(|()| value).map_err(E::from)));
        };
        (keep, Box::new(settle))
    });
    (job, answer)
}
