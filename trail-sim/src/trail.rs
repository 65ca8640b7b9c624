//! The trail: events go in at one door, and readers look through several.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use aws_core::event::{Event, Ordinal, Sink};
use aws_core::ledger::Ledger;
use aws_core::policy::explain::Explanation;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::archive::Archive;
use crate::readers::{Readers, Subscription};
use crate::scribe::{Message, Scribe};

/// So many events may wait for the thread before callers do.
const QUEUE_EVENTS: usize = 8192;

/// The sink of all events. `emit` does no I/O; when the queue is full it waits, and [`Trail::waits`] counts it.
#[derive(Debug)]
pub struct Trail {
    next: AtomicU64,
    waits: AtomicU64,
    queue: SyncSender<Message>,
    readers: Arc<Readers>,
    archive: Arc<Archive>,
    closing: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A record, and the decision behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The CloudTrail record.
    pub record: Value,
    /// Which policies, statements and grants were considered; `None` where no policy was asked.
    pub decision: Option<Explanation>,
}

impl Trail {
    /// Opens the trail in a folder, made if absent; `None` for one that ends with the process. At least the newest `keep`
    /// records stay. Ordinals go on after the largest one recorded.
    pub fn open(dir: Option<PathBuf>, keep: usize) -> io::Result<Arc<Self>> {
        Self::with_queue(dir, keep, QUEUE_EVENTS)
    }

    /// [`Trail::open`] with a queue of another length.
    pub fn with_queue(dir: Option<PathBuf>, keep: usize, queue_events: usize) -> io::Result<Arc<Self>> {
        let (archive, pen) = Archive::open(dir, keep)?;
        let (queue, messages) = sync_channel(queue_events);
        let readers = Arc::<Readers>::default();
        let (closing, stalled) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let scribe = Scribe {
            queue: messages,
            readers: readers.clone(),
            pen,
            closing: closing.clone(),
            stalled: stalled.clone(),
            last_sync: Instant::now(),
        };
        let thread = std::thread::Builder::new().name("trail".into()).spawn(move || scribe.run())?;
        Ok(Arc::new(Self {
            next: AtomicU64::new(archive.last_ordinal() + 1),
            waits: AtomicU64::new(0),
            queue,
            readers,
            archive,
            closing,
            stalled,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// How often a caller had to wait because the queue was full.
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// Whether the disk refuses records at the moment. Calls then wait, since a call without a record must not go on.
    pub fn stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    /// How many records are kept.
    pub fn records(&self) -> usize {
        self.archive.records()
    }

    /// Live events from now on.
    pub fn subscribe(&self) -> Subscription {
        self.readers.subscribe()
    }

    /// Of the newest 10,000 events of this run, those with a greater ordinal, in order; 0 asks for all. A call is dated by its start and
    /// shown when it ends: who must not miss a slow one subscribes.
    pub fn events_since(&self, ordinal: u64, limit: usize) -> Vec<Arc<Event>> {
        self.readers.since(ordinal, limit)
    }

    /// Where every key is, as far as the thread has read.
    pub fn ledger(&self) -> Ledger {
        self.readers.ledger()
    }

    /// The record and the decision behind an event id, of this run or an earlier one. Reads files.
    pub fn why(&self, event_id: &str) -> io::Result<Option<Why>> {
        self.flush();
        let Some(frame) = self.archive.by_id(event_id)? else { return Ok(None) };
        Ok(Some(Why { record: serde_json::from_str(frame.record())?, decision: frame.decision() }))
    }

    /// The records on disk, for lookups.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Waits until everything emitted before is seen by all readers and written. Blocks its thread; tasks use [`Trail::flushed`].
    pub fn flush(&self) {
        let (done, answer) = std::sync::mpsc::channel();
        self.send(Message::Flush(Box::new(move || {
            let _ = done.send(());
        })));
        // An error means that the thread has ended, having written everything.
        let _ = answer.recv();
    }

    /// [`Trail::flush`] for tasks.
    pub async fn flushed(&self) {
        let (done, answer) = oneshot::channel();
        self.send(Message::Flush(Box::new(move || {
            let _ = done.send(());
        })));
        let _ = answer.await;
    }

    /// Makes everything emitted so far durable and ends the thread. Events emitted later are lost, and said to be. May be repeated.
    pub fn shutdown(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        self.closing.store(true, Ordering::SeqCst);
        self.send(Message::Shutdown);
        if thread.join().is_err() {
            tracing::error!("the trail's thread panicked");
        }
    }

    fn send(&self, message: Message) -> bool {
        match self.queue.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(message)) => {
                self.waits.fetch_add(1, Ordering::Relaxed);
                self.queue.send(message).is_ok()
            }
        }
    }
}

impl Sink for Trail {
    fn next_ordinal(&self) -> Ordinal {
        Ordinal(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn emit(&self, event: Event) {
        if !self.send(Message::Event(Arc::new(event))) {
            tracing::warn!("an event came after the trail was closed");
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.shutdown();
    }
}
