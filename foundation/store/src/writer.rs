//! The one thread that commits. Writers queue closures; those that wait together run one after the other over one
//! batch and share its commit, so that a burst of writers costs one sync of the disk instead of one each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::backend::Backend;
use crate::batch::Batch;
use crate::error::StoreError;
use crate::txn::Txn;

/// A bound on one commit, so that a flood of writers does not make the first of them wait for the last.
const WRITERS_PER_COMMIT: usize = 1024;

/// Tells a writer how its commit went.
pub(crate) type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A writer's closure: whether to keep its changes, and whom to tell.
pub(crate) type Job = Box<dyn FnOnce(&mut Txn<'_>) -> (bool, Settle) + Send>;

/// Owns the thread. Dropping it lets the queue run dry, commits what is in it, and waits for the thread to end.
pub(crate) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(backend: Arc<dyn Backend>) -> Self {
        let (queue, jobs) = channel();
        let run = move || serve(&*backend, &jobs);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(run);
        Self { queue: Some(queue), thread: Some(thread.expect("the system has room for one more thread")) }
    }

    /// Hands a closure over. Should the thread be gone, the closure is dropped, and with it its way to answer.
    pub(crate) fn submit(&self, job: Job) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(job);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        // A closure may hold the last clone of its own store: a thread cannot wait for itself.
        if thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}

fn serve(backend: &dyn Backend, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let waiting = std::iter::once(first).chain(jobs.try_iter()).take(WRITERS_PER_COMMIT);
        commit_together(backend, waiting);
    }
}

fn commit_together(backend: &dyn Backend, jobs: impl Iterator<Item = Job>) {
    let mut batch = Batch::default();
    let mut settlements = Vec::new();
    for job in jobs {
        // A closure that panics is dropped with its way to answer; its writer hears `Abandoned`.
        if let Some(settle) = run(backend, &mut batch, job) {
            settlements.push(settle);
        }
    }
    let committed = if batch.is_empty() { Ok(()) } else { backend.commit(&batch) };
    for settle in settlements {
        settle(committed.clone());
    }
}

fn run(backend: &dyn Backend, batch: &mut Batch, job: Job) -> Option<Settle> {
    let mut txn = Txn::new(backend, batch);
    let (keep, settle) = catch_unwind(AssertUnwindSafe(|| job(&mut txn))).ok()?;
    let own = txn.into_changes();
    if keep {
        batch.absorb(own);
    }
    Some(settle)
}
