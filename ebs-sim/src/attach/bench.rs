//! The devices in use: the only place of this crate where keys are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::device::block_device::{BlockTarget, IoFault};
use crate::device::cipher::CipherChoice;
use crate::device::live::LiveDevice;
use crate::fuse::host::FuseHost;

/// All devices in use, by volume.
#[derive(Debug)]
pub(crate) struct Bench {
    host: FuseHost,
    cipher: CipherChoice,
    places: Mutex<BTreeMap<String, Placed>>,
}

/// What is known of an attached volume while this process lives.
#[derive(Clone, Debug)]
struct Placed {
    instance_id: String,
    name: String,
    /// `None` when its key cannot be had.
    device: Option<Arc<LiveDevice>>,
    /// Why there is no device file.
    trouble: Option<String>,
}

/// Where a device is to appear.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) volume_id: String,
    pub(crate) instance_id: String,
    /// Name of the device file.
    pub(crate) name: String,
}

impl Bench {
    pub(crate) fn new(host: FuseHost, cipher: CipherChoice) -> Self {
        Self { host, cipher, places: Mutex::default() }
    }

    pub(crate) fn host(&self) -> &FuseHost {
        &self.host
    }

    pub(crate) fn cipher(&self) -> CipherChoice {
        self.cipher
    }

    /// Takes a device into use and makes its file appear, if files are served. Blocks while mounting.
    pub(crate) fn place(&self, spot: Spot, device: Arc<LiveDevice>, stored_on: u64) {
        let trouble = self.host.serve(&spot.instance_id, &spot.name, &device, stored_on).err();
        self.note(spot, Some(device), trouble);
    }

    /// Notes that an attached volume has no device, and why.
    pub(crate) fn note_trouble(&self, spot: Spot, trouble: String) {
        self.note(spot, None, Some(trouble));
    }

    /// Takes a device out of use: its file vanishes, requests under way end, data is flushed, the key is wiped. Blocks.
    pub(crate) fn clear(&self, volume_id: &str) {
        let Some(placed) = self.places().remove(volume_id) else { return };
        self.host.withdraw(&placed.instance_id, &placed.name);
        if let Some(Err(error)) = placed.device.map(|device| device.cut()) {
            tracing::error!(volume = volume_id, %error, "the last flush of a volume failed");
        }
    }

    /// Makes a device in use as large as its volume has become. Blocks.
    ///
    /// # Errors
    /// What the device says.
    pub(crate) fn grow(&self, volume_id: &str, size_bytes: u64) -> Result<(), IoFault> {
        let Some(placed) = self.places().get(volume_id).cloned() else { return Ok(()) };
        if let Some(device) = &placed.device {
            device.grow(size_bytes)?;
            self.host.resized(&placed.instance_id, &placed.name);
        }
        Ok(())
    }

    /// The device of a volume in use.
    pub(crate) fn device(&self, volume_id: &str) -> Option<Arc<LiveDevice>> {
        self.places().get(volume_id)?.device.clone()
    }

    pub(crate) fn path_of(&self, volume_id: &str) -> Option<PathBuf> {
        let placed = self.places().get(volume_id)?.clone();
        match placed.trouble {
            Some(_) => None,
            None => self.host.path_of(&placed.instance_id, &placed.name),
        }
    }

    pub(crate) fn trouble_of(&self, volume_id: &str) -> Option<String> {
        self.places().get(volume_id)?.trouble.clone()
    }

    /// Every device in use, for the health page.
    pub(crate) fn listed(&self) -> Value {
        let places = self.places().clone();
        let listed = places.iter().map(|(volume_id, placed)| {
            json!({
                "volume": volume_id,
                "instance": placed.instance_id,
                "device": placed.name,
                "path": self.path_of(volume_id),
                "openHandles": placed.device.as_ref().map_or(0, |device| device.open_handles()),
                "reason": placed.trouble,
            })
        });
        listed.collect()
    }

    /// Flushes and wipes everything, and unmounts.
    pub(crate) fn end(&self) {
        let places = std::mem::take(&mut *self.places());
        let devices: Vec<_> = places.into_values().filter_map(|placed| placed.device).collect();
        for device in &devices {
            if let Err(error) = device.cut() {
                tracing::error!(%error, "the last flush of a volume failed");
            }
        }
        self.host.end(devices.iter().all(|device| device.open_handles() == 0));
    }

    fn note(&self, spot: Spot, device: Option<Arc<LiveDevice>>, trouble: Option<String>) {
        let placed = Placed { instance_id: spot.instance_id, name: spot.name, device, trouble };
        self.places().insert(spot.volume_id, placed);
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<String, Placed>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
