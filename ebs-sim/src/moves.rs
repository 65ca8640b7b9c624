//! One change at a time per volume and per instance. A call that comes while another one moves the same volume waits
//! and then sees its outcome, so that of two attaches the second is told "in use", and none is left half done.
//!
//! Locks are taken in the order of the ids' text: instances (`i-`) before volumes (`vol-`), lower ids first. Whoever
//! needs several asks for all at once, or for instances first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The locks, made when asked for and forgotten when nobody holds them.
#[derive(Debug, Default)]
pub(crate) struct Moves(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

/// What is held, until it is dropped.
pub(crate) type Held = Vec<OwnedMutexGuard<()>>;

impl Moves {
    /// Waits until all of `ids` are free, and holds them.
    pub(crate) async fn begin(&self, ids: &[&str]) -> Held {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut held = Vec::with_capacity(ids.len());
        for id in ids {
            let lock = self.lock_of(id);
            held.push(lock.lock_owned().await);
        }
        held
    }

    fn lock_of(&self, id: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks();
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(id.into()).or_default().clone()
    }

    fn locks(&self) -> MutexGuard<'_, HashMap<String, Arc<AsyncMutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn two_moves_of_one_volume_follow_each_other_whatever_order_they_name_it_in() {
        let moves = Arc::new(Moves::default());
        let inside = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (moves, inside) = (moves.clone(), inside.clone());
                tokio::spawn(async move {
                    let ids = if n % 2 == 0 { ["i-1", "vol-1"] } else { ["vol-1", "i-1"] };
                    let _held = moves.begin(&ids).await;
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        drop(moves.begin(&["vol-2"]).await);
        assert!(moves.locks().len() <= 1, "locks nobody holds are forgotten");
    }
}
