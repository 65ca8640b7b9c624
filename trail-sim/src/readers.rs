//! Who reads the stream in memory: the newest events by ordinal, the ledger, and live subscribers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_core::event::{Event, Ordinal};
use aws_core::ledger::Ledger;
use tokio::sync::broadcast;

/// So many of the newest events stay in memory.
pub(crate) const REMEMBERED_EVENTS: usize = 10_000;

/// A subscriber who falls this far behind is told that it lagged.
const SUBSCRIBER_LAG: usize = 4096;

/// Live events. A slow subscriber gets `RecvError::Lagged(n)`, and never delays anybody.
pub type Subscription = broadcast::Receiver<Arc<Event>>;

/// The readers in memory.
#[derive(Debug)]
pub(crate) struct Readers {
    newest: Mutex<BTreeMap<u64, Arc<Event>>>,
    ledger: Mutex<Ledger>,
    live: broadcast::Sender<Arc<Event>>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { newest: Mutex::default(), ledger: Mutex::default(), live: broadcast::Sender::new(SUBSCRIBER_LAG) }
    }
}

impl Readers {
    /// Shows one event to all of them.
    pub(crate) fn take(&self, event: &Arc<Event>) {
        locked(&self.ledger).apply(event);
        let mut newest = locked(&self.newest);
        newest.insert(ordinal(event).0, event.clone());
        if newest.len() > REMEMBERED_EVENTS {
            newest.pop_first();
        }
        drop(newest);
        // Nobody listening is no error.
        let _ = self.live.send(event.clone());
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        self.live.subscribe()
    }

    pub(crate) fn since(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let newest = locked(&self.newest);
        newest.range(after.saturating_add(1)..).take(limit).map(|(_, event)| event.clone()).collect()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        locked(&self.ledger).clone()
    }
}

/// An event's place in the stream.
pub(crate) fn ordinal(event: &Event) -> Ordinal {
    match event {
        Event::Api(call) => call.ordinal,
        Event::Service(event) => event.ordinal,
        Event::KeyPlaced(placed) => placed.ordinal,
        Event::KeyDropped(dropped) => dropped.ordinal,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
