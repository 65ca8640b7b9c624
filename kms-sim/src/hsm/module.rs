//! One HSM: a root key in tamper-protected memory, and the backing keys that it holds open. One that was tampered with
//! has wiped itself and holds neither.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_core::time::Timestamp;
use envelope::secret::Secret;
use envelope::wrap;

use crate::model::backing_key::MaterialId;

/// Unwrapped backing keys kept at hand. When more are in use, all are dropped and unwrapped again as needed:
/// unwrapping costs microseconds, bookkeeping of ages would cost each call.
const KEPT_OPEN: usize = 1024;

/// Why an HSM does not give a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It holds no key at all.
    Wiped,
    /// What it was given was not wrapped under its root key.
    Foreign,
}

/// One HSM.
pub(super) struct Module {
    memory: RwLock<Memory>,
}

enum Memory {
    Loaded { root: Arc<Secret>, open: HashMap<MaterialId, Arc<Secret>> },
    Wiped { since: Timestamp },
}

impl Module {
    /// An HSM that holds a root key.
    pub(super) fn loaded(root: Arc<Secret>) -> Self {
        Self { memory: RwLock::new(Memory::Loaded { root, open: HashMap::new() }) }
    }

    /// An HSM that wiped itself.
    pub(super) fn wiped(since: Timestamp) -> Self {
        Self { memory: RwLock::new(Memory::Wiped { since }) }
    }

    /// Since when it is wiped.
    pub(super) fn wiped_since(&self) -> Option<Timestamp> {
        match &*self.read() {
            Memory::Loaded { .. } => None,
            Memory::Wiped { since } => Some(*since),
        }
    }

    /// Somebody tampered with it. Says whether there was anything to wipe.
    pub(super) fn wipe(&self, now: Timestamp) -> bool {
        let mut memory = self.write();
        let was_loaded = matches!(*memory, Memory::Loaded { .. });
        if was_loaded {
            *memory = Memory::Wiped { since: now };
        }
        was_loaded
    }

    /// Gives a wiped HSM a root key again. Says whether it was wiped.
    pub(super) fn load(&self, root: &Arc<Secret>) -> bool {
        let mut memory = self.write();
        let was_wiped = matches!(*memory, Memory::Wiped { .. });
        if was_wiped {
            *memory = Memory::Loaded { root: root.clone(), open: HashMap::new() };
        }
        was_wiped
    }

    /// The root key, for what is wrapped and unwrapped inside.
    pub(super) fn root(&self) -> Result<Arc<Secret>, Closed> {
        match &*self.read() {
            Memory::Loaded { root, .. } => Ok(root.clone()),
            Memory::Wiped { .. } => Err(Closed::Wiped),
        }
    }

    /// A backing key in the clear, unwrapped if it is not open yet.
    pub(super) fn backing(&self, id: MaterialId, binding: &[u8], wrapped: &[u8]) -> Result<Arc<Secret>, Closed> {
        if let Memory::Loaded { open, .. } = &*self.read()
            && let Some(key) = open.get(&id)
        {
            return Ok(key.clone());
        }
        let root = self.root()?;
        let bytes = Arc::new(wrap::unwrap(&root, binding, wrapped).map_err(|_| Closed::Foreign)?);
        self.keep(id, &bytes);
        Ok(bytes)
    }

    /// Wipes one key that is held open.
    pub(super) fn forget(&self, material: MaterialId) {
        if let Memory::Loaded { open, .. } = &mut *self.write() {
            open.remove(&material);
        }
    }

    fn keep(&self, material: MaterialId, bytes: &Arc<Secret>) {
        if let Memory::Loaded { open, .. } = &mut *self.write() {
            if open.len() >= KEPT_OPEN {
                open.clear();
            }
            open.insert(material, bytes.clone());
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().expect("no holder of an HSM's memory panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().expect("no holder of an HSM's memory panics")
    }
}
