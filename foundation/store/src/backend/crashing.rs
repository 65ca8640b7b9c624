//! A double that fails on command: commits are refused, or are lost as by a power cut. For the crash tests of all services.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Backend;
use super::memory::MemoryBackend;
use crate::batch::Batch;
use crate::error::StoreError;
use crate::span::Span;

/// What happens to the commits to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing: they succeed.
    None,
    /// They are refused, and nothing of them is kept.
    Refuse,
    /// They reach the medium, but the answer is an error: power failed between the write and the acknowledgement.
    LoseTheAnswer,
}

/// Survives its stores: clone it, drop the store, and open another on what was committed.
#[derive(Clone, Debug)]
pub struct CrashingBackend {
    medium: Arc<MemoryBackend>,
    mishap: Arc<Mutex<Mishap>>,
    commits: Arc<AtomicU64>,
}

impl Default for CrashingBackend {
    fn default() -> Self {
        Self { medium: Arc::default(), mishap: Arc::new(Mutex::new(Mishap::None)), commits: Arc::default() }
    }
}

impl CrashingBackend {
    /// Decides the fate of the commits from now on.
    pub fn plan(&self, mishap: Mishap) {
        *self.mishap.lock().unwrap_or_else(PoisonError::into_inner) = mishap;
    }

    /// How many commits reached the medium.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }
}

impl Backend for CrashingBackend {
    fn get(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.medium.get(table, key)
    }

    fn scan(&self, table: &str, span: Span<'_>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.medium.scan(table, span, limit)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mishap = *self.mishap.lock().unwrap_or_else(PoisonError::into_inner);
        if mishap == Mishap::Refuse {
            return Err(StoreError::Backend("the commit was refused on command".into()));
        }
        self.medium.commit(batch)?;
        self.commits.fetch_add(1, Ordering::SeqCst);
        match mishap {
            Mishap::LoseTheAnswer => Err(StoreError::Backend("the answer was lost on command".into())),
            Mishap::None | Mishap::Refuse => Ok(()),
        }
    }
}
