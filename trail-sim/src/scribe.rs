//! The thread behind the trail: shows each event to the readers, turns it into records, writes them, and syncs them.
//!
//! Records are written as soon as the queue is empty, or the buffer large; they are synced at most five times a second,
//! so a busy server pays few syncs and a power cut costs less than a second of the trail.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use aws_core::event::{ApiCall, Event, ServiceEvent};

use crate::archive::Pen;
use crate::card::Card;
use crate::readers::Readers;
use crate::record::Record;

const SYNC_EVERY: Duration = Duration::from_millis(200);
const RETRY_AFTER: Duration = Duration::from_millis(200);
const BUFFER_BYTES: usize = 256 << 10;

/// What travels through the queue.
pub(crate) enum Message {
    /// An event, in its place among the others.
    Event(Arc<Event>),
    /// Call back once everything before this message is read and written.
    Flush(Box<dyn FnOnce() + Send>),
    /// Take in what is queued, make it durable, and end.
    Shutdown,
}

/// The thread's state.
pub(crate) struct Scribe {
    pub(crate) queue: Receiver<Message>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) pen: Pen,
    /// Set when the trail shuts down: a disk that stays full must not hold the process for ever.
    pub(crate) closing: Arc<AtomicBool>,
    /// Set while the disk refuses.
    pub(crate) stalled: Arc<AtomicBool>,
    pub(crate) last_sync: Instant,
}

impl Scribe {
    /// Runs until told to shut down, or until nobody can send any more.
    pub(crate) fn run(mut self) {
        while let Some(message) = self.next() {
            match message {
                Message::Event(event) => self.take(&event),
                Message::Flush(done) => {
                    self.write();
                    done();
                }
                Message::Shutdown => break,
            }
        }
        self.finish();
    }

    /// The next message. Before it waits for one, what is buffered is written; while it waits, what is written is synced.
    fn next(&mut self) -> Option<Message> {
        if let Ok(message) = self.queue.try_recv() {
            return Some(message);
        }
        self.write();
        if !self.pen.unsynced() {
            return self.queue.recv().ok();
        }
        match self.queue.recv_timeout(SYNC_EVERY) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.sync();
                self.queue.recv().ok()
            }
        }
    }

    fn take(&mut self, event: &Arc<Event>) {
        self.readers.take(event);
        let recorded = match &**event {
            Event::Api(call) => self.record_call(call),
            Event::Service(event) => self.record_service_event(event),
            Event::KeyPlaced(_) | Event::KeyDropped(_) => Ok(()),
        };
        if let Err(e) = recorded {
            tracing::error!(error = %e, "an event could not be turned into a record");
        }
        if self.pen.buffered_bytes() >= BUFFER_BYTES {
            self.write();
        }
    }

    fn record_call(&mut self, call: &ApiCall) -> io::Result<()> {
        for record in Record::of_call(call) {
            let card = Card::of_call(call, record.event_id(), record.recipient());
            self.pen.append(&card, &record.to_json()?, call.decision.as_deref())?;
        }
        Ok(())
    }

    fn record_service_event(&mut self, event: &ServiceEvent) -> io::Result<()> {
        self.pen.append(&Card::of_service_event(event), &Record::of_service_event(event).to_json()?, None)
    }

    fn write(&mut self) {
        self.insist("written", Pen::write);
        if self.last_sync.elapsed() >= SYNC_EVERY {
            self.sync();
        }
    }

    fn sync(&mut self) {
        if self.pen.unsynced() {
            self.insist("synced", Pen::sync);
        }
        self.last_sync = Instant::now();
    }

    /// Repeats until it succeeds, unless the trail is closing. Meanwhile the queue fills and callers wait: a call whose
    /// record cannot be kept is a call that must not go on.
    fn insist(&mut self, done: &str, act: impl Fn(&mut Pen) -> io::Result<()>) {
        while let Err(e) = act(&mut self.pen) {
            if !self.stalled.swap(true, Ordering::SeqCst) {
                tracing::error!(error = %e, "the trail cannot be {done}; trying again until it can");
            }
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            std::thread::sleep(RETRY_AFTER);
        }
        self.stalled.store(false, Ordering::SeqCst);
    }

    fn finish(&mut self) {
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Event(event) => self.take(&event),
                Message::Flush(done) => done(),
                Message::Shutdown => {}
            }
        }
        self.write();
        self.sync();
        if self.pen.buffered_bytes() > 0 {
            tracing::error!(
                bytes = self.pen.buffered_bytes(),
                "the trail was closed with records that found no room on disk"
            );
        }
    }
}
