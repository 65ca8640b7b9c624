//! The devices of all instances under one mount point, as `attach` sees them. Without FUSE everything works but the
//! files: then `serve` says why there is none.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::session::{Mounted, clear_siblings, clear_stale};
use super::tree::Tree;
use crate::device::live::LiveDevice;

/// Whether device files are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FuseMode {
    /// Where FUSE is there.
    #[default]
    Auto,
    /// No.
    Off,
}

/// The mount, from before it exists until after it is gone.
#[derive(Debug)]
pub struct FuseHost {
    place: PathBuf,
    tree: Arc<Tree>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nothing has been attached yet.
    Waiting,
    /// Devices are served.
    Serving(Mounted),
    /// No device files, and why.
    Without(String),
}

impl FuseHost {
    /// Will mount at `place` when the first device comes. Cleans a dead mount at once, so that nobody runs into it.
    pub fn new(place: PathBuf, mode: FuseMode) -> Self {
        let state = match mode {
            FuseMode::Off => State::Without("device files are switched off (--fuse off)".into()),
            FuseMode::Auto => {
                clear_siblings(&place);
                clear_stale(&place).map_or_else(|error| State::Without(error.to_string()), |()| State::Waiting)
            }
        };
        Self { place, tree: Arc::default(), state: Mutex::new(state) }
    }

    /// Makes `<instance>/dev/<name>` appear, mounting if this is the first. `stored_on` is the file system of the
    /// volume's data file. Blocks for as long as a mount takes.
    ///
    /// # Errors
    /// Why there is no device file; the device itself is none the worse.
    pub fn serve(
        &self,
        instance: &str,
        name: &str,
        device: &Arc<LiveDevice>,
        stored_on: u64,
    ) -> Result<PathBuf, String> {
        let mut state = self.state();
        if let State::Waiting = *state {
            *state = self.begin();
        }
        let mounted = match &*state {
            State::Serving(mounted) => mounted,
            State::Without(reason) => return Err(reason.clone()),
            State::Waiting => return Err("nothing is mounted yet".into()),
        };
        // A daemon that waits for itself: its write would need a page that only its own write can free.
        if mounted.file_system() == Some(stored_on) {
            return Err("the volume's data file lies inside the mount that would serve it".into());
        }
        self.tree.plant(instance, name, device.clone());
        Ok(device_path(mounted.place(), instance, name))
    }

    /// Makes `<instance>/dev/<name>` vanish.
    pub fn withdraw(&self, instance: &str, name: &str) {
        let gone = self.tree.uproot(instance, name);
        if let State::Serving(mounted) = &*self.state() {
            mounted.forget(&gone);
        }
    }

    /// Tells the kernel that a device has grown.
    pub fn resized(&self, instance: &str, name: &str) {
        if let (State::Serving(mounted), Some(ino)) = (&*self.state(), self.tree.find(instance, name)) {
            mounted.resized(ino);
        }
    }

    /// Where a device's file is, if files are served.
    pub fn path_of(&self, instance: &str, name: &str) -> Option<PathBuf> {
        match &*self.state() {
            State::Serving(mounted) => Some(device_path(mounted.place(), instance, name)),
            State::Waiting | State::Without(_) => None,
        }
    }

    /// Where it is or will be mounted.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Why no device files are served; `None` while they are, or can be.
    pub fn why_without(&self) -> Option<String> {
        match &*self.state() {
            State::Without(reason) => Some(reason.clone()),
            State::Waiting => probe().err(),
            State::Serving(_) => None,
        }
    }

    /// Whether the mount stands.
    pub fn is_mounted(&self) -> bool {
        matches!(*self.state(), State::Serving(_))
    }

    /// Takes the mount away.
    pub fn end(&self, nobody_inside: bool) {
        let ended = State::Without("the server is shutting down".into());
        if let State::Serving(mounted) = std::mem::replace(&mut *self.state(), ended) {
            mounted.unmount(nobody_inside);
        }
    }

    fn begin(&self) -> State {
        let mounted = probe().and_then(|()| {
            Mounted::mount(self.tree.clone(), &self.place)
                .map_err(|error| format!("cannot mount at {}: {error}", self.place.display()))
        });
        match mounted {
            Ok(mounted) => State::Serving(mounted),
            Err(reason) => {
                tracing::warn!(reason, "volumes are attached without device files");
                State::Without(reason)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn device_path(place: &Path, instance: &str, name: &str) -> PathBuf {
    place.join(instance).join("dev").join(name)
}

fn probe() -> Result<(), String> {
    match std::fs::metadata("/dev/fuse") {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(format!("/dev/fuse: {error}; load the module (modprobe fuse), or pass the device to the container"))
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_core::time::Timestamp;

    use super::*;
    use crate::device::memory::MemoryTarget;

    #[test]
    fn switched_off_it_says_so_and_serves_nothing() {
        let host = FuseHost::new("/nowhere".into(), FuseMode::Off);
        let device = Arc::new(LiveDevice::new(Box::new(MemoryTarget::zeroed(512)), Timestamp::UNIX_EPOCH));
        let reason = host.serve("i-1", "sdf", &device, 0).unwrap_err();
        assert_eq!(reason, "device files are switched off (--fuse off)");
        assert_eq!(host.why_without(), Some(reason));
        assert_eq!(host.path_of("i-1", "sdf"), None);
        host.withdraw("i-1", "sdf");
        host.end(true);
    }
}
