//! The operating system's clock and randomness: the only room that reads either.

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context;
use aws_core::time::{Clock, SignedDuration, Timestamp};
use envelope::entropy::Entropy;

/// The real time: judges signatures, presigned expiry and the `Date` header, and never moves by command.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The simulated time: the wall clock plus an offset that only the control plane moves. Dates everything but signatures.
/// The offset is kept in the state folder, so that a restart does not undo a journey.
#[derive(Debug)]
pub struct SimClock {
    offset: Mutex<SignedDuration>,
    file: Option<PathBuf>,
}

impl SimClock {
    /// Resumes from `file` if it exists; with `None` the offset is forgotten at exit.
    pub fn resume(file: Option<PathBuf>) -> anyhow::Result<Self> {
        let stored = file.as_ref().filter(|path| path.exists());
        let offset = match stored {
            None => SignedDuration::ZERO,
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
                let nanos: i128 = text.trim().parse().with_context(|| format!("{} holds no offset", path.display()))?;
                SignedDuration::from_nanos_i128(nanos)
            }
        };
        Ok(Self { offset: Mutex::new(offset), file })
    }

    /// Moves by `by`, which may be negative. Fails when the target lies outside what a timestamp can hold.
    pub fn advance(&self, by: SignedDuration) -> anyhow::Result<Timestamp> {
        let target = self.now().checked_add(by).context("the clock cannot go that far")?;
        self.set(target)
    }

    /// Jumps to `target`.
    pub fn set(&self, target: Timestamp) -> anyhow::Result<Timestamp> {
        let offset = target.duration_since(WallClock.now());
        if let Some(path) = &self.file {
            std::fs::write(path, offset.as_nanos().to_string())
                .with_context(|| format!("writing {}", path.display()))?;
        }
        *self.offset.lock().expect("no holder of the offset panics") = offset;
        Ok(target)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let offset = *self.offset.lock().expect("no holder of the offset panics");
        WallClock.now().checked_add(offset).unwrap_or(Timestamp::MAX)
    }
}

/// The kernel's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the kernel's generator answers once the system has booted");
    }
}

/// Shuts the process's memory to debuggers and core dumps: keys live in it.
pub fn harden_process() -> anyhow::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("PR_SET_DUMPABLE")?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).context("RLIMIT_CORE")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_journey_in_time_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        let clock = SimClock::resume(Some(file.clone())).unwrap();
        clock.advance(SignedDuration::from_hours(24 * 365)).unwrap();
        let resumed = SimClock::resume(Some(file)).unwrap();
        let ahead = resumed.now().duration_since(WallClock.now()).as_hours();
        assert!((24 * 365 - 1..=24 * 365).contains(&ahead), "{ahead}");
    }
}
