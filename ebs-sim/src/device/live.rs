//! An attached volume's device: the gate through which all I/O goes, and the only owner of its key.
//!
//! ```text
//!   open ──► I/O … I/O        each request holds the gate shared
//!   cut  ──► waits for the requests under way, flushes, drops the engine; with it the key is wiped
//! ```
//!
//! A detached volume has no `LiveDevice`, and a cut one holds nothing.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};

use aws_core::time::Timestamp;
use tokio::sync::Notify;

use super::block_device::{BlockTarget, ByteOffset, IoFault, Seek};

type Engine = Option<Box<dyn BlockTarget>>;

/// Requests stand still until this is dropped.
pub struct Paused<'a>(#[allow(dead_code, reason = "held, not read")] RwLockWriteGuard<'a, Engine>);

/// A device in use by one instance.
pub struct LiveDevice {
    /// When the volume was attached; the device file's times.
    pub since: Timestamp,
    /// As the engine has it; the device goes on having it when the engine is gone.
    size_bytes: AtomicU64,
    engine: RwLock<Engine>,
    handles: Mutex<Handles>,
    released: Notify,
}

#[derive(Default)]
struct Handles {
    open: u32,
    leaving: bool,
}

impl LiveDevice {
    /// Serves `engine`.
    pub fn new(engine: Box<dyn BlockTarget>, since: Timestamp) -> Self {
        Self {
            size_bytes: AtomicU64::new(engine.size_bytes()),
            since,
            engine: RwLock::new(Some(engine)),
            handles: Mutex::default(),
            released: Notify::new(),
        }
    }

    /// Somebody opens the device.
    ///
    /// # Errors
    /// [`IoFault::Detached`] once a detach has been asked for.
    pub fn open(&self) -> Result<(), IoFault> {
        let mut handles = self.handles();
        if handles.leaving {
            return Err(IoFault::Detached);
        }
        handles.open += 1;
        Ok(())
    }

    /// Somebody closes it. The last one out lets a waiting detach go on.
    pub fn release(&self) {
        let mut handles = self.handles();
        handles.open = handles.open.saturating_sub(1);
        if handles.open == 0 {
            self.released.notify_waiters();
        }
    }

    /// How many handles are open.
    pub fn open_handles(&self) -> u32 {
        self.handles().open
    }

    /// Lets nobody new in. Answers whether somebody still is inside.
    pub fn ask_to_leave(&self) -> bool {
        let mut handles = self.handles();
        handles.leaving = true;
        handles.open > 0
    }

    /// Rings when the last handle is closed, for those who wait (which nobody does here).
    pub fn bell(&self) -> &Notify {
        &self.released
    }

    /// Waits for requests under way, and lets no other begin. What is done meanwhile lies between two requests.
    pub fn pause(&self) -> Paused<'_> {
        Paused(self.engine.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for requests under way, flushes, and wipes the key. Afterwards every request fails. Cutting twice is once.
    ///
    /// # Errors
    /// When the flush failed; the key is wiped all the same.
    pub fn cut(&self) -> Result<(), IoFault> {
        self.ask_to_leave();
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        let flushed = engine.as_ref().map_or(Ok(()), |engine| engine.flush());
        *engine = None;
        flushed
    }

    fn handles(&self) -> std::sync::MutexGuard<'_, Handles> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn through<T>(&self, io: impl FnOnce(&dyn BlockTarget) -> Result<T, IoFault>) -> Result<T, IoFault> {
        let gate = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        gate.as_deref().map_or(Err(IoFault::Detached), io)
    }
}

impl BlockTarget for LiveDevice {
    fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Ordering::Acquire)
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        self.through(|engine| engine.read_at(at, into))
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        self.through(|engine| engine.write_at(at, data))
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        self.through(|engine| engine.discard(at, len))
    }

    fn flush(&self) -> Result<(), IoFault> {
        self.through(|engine| engine.flush())
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        self.through(|engine| engine.seek(at, what))
    }

    fn grow(&self, size_bytes: u64) -> Result<(), IoFault> {
        self.through(|engine| {
            engine.grow(size_bytes)?;
            self.size_bytes.fetch_max(engine.size_bytes(), Ordering::AcqRel);
            Ok(())
        })
    }
}

impl fmt::Debug for LiveDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveDevice({} bytes, {} handles)", self.size_bytes(), self.open_handles())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device::memory::MemoryTarget;

    fn device() -> Arc<LiveDevice> {
        Arc::new(LiveDevice::new(Box::new(MemoryTarget::zeroed(4096)), Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn after_the_cut_nothing_goes_through_and_nobody_comes_in() {
        let device = device();
        device.open().unwrap();
        device.write_at(ByteOffset(0), &[1; 512]).unwrap();
        device.cut().unwrap();
        assert_eq!(device.write_at(ByteOffset(0), &[1; 512]), Err(IoFault::Detached));
        assert_eq!(device.flush(), Err(IoFault::Detached));
        assert_eq!(device.open(), Err(IoFault::Detached));
        device.cut().unwrap();
    }
}
