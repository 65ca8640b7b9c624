//! The service itself: what it holds, how it starts, how it ends.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use kms_api::client::Kms;
use kms_api::world::World;
use serde_json::{Value, json};
use store::{Store, StoreError};

use crate::attach::bench::Bench;
use crate::device::cipher::CipherChoice;
use crate::fuse::host::{FuseHost, FuseMode};
use crate::model::snapshot::Snapshot;
use crate::model::volume::Volume;
use crate::moves::Moves;
use crate::snapshots::jobs::Snapshots;
use crate::snapshots::shelf::BlobShelf;
use crate::store::{StateFolder, Tables};

/// How EBS is set up.
#[derive(Clone, Debug)]
pub struct EbsConfig {
    /// Data files and instance homes go below this folder.
    pub state_dir: PathBuf,
    /// Where devices appear.
    pub mount_point: PathBuf,
    /// Whether device files are wanted.
    pub fuse: FuseMode,
    /// What encrypts.
    pub cipher: CipherChoice,
}

/// Why EBS does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The state folder.
    #[error("the state folder: {0}")]
    Files(#[from] io::Error),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A daemon that would wait for itself.
    #[error("the state folder {} lies inside the mount point {}: the volumes would be stored on themselves", state.display(), mount.display())]
    StateInsideMount {
        /// The state folder.
        state: PathBuf,
        /// The mount point.
        mount: PathBuf,
    },
}

/// EBS, and the little of EC2 around it.
pub struct EbsSim {
    me: Weak<Self>,
    world: World,
    kms: Arc<dyn Kms>,
    tables: Tables,
    folder: StateFolder,
    moves: Moves,
    snapshots: Snapshots,
    bench: Arc<Bench>,
}

impl EbsSim {
    /// Opens the state and tells the ledger which wrapped keys it holds. No volume is in use before [`Self::resume`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(store: Store, world: World, kms: Arc<dyn Kms>, config: EbsConfig) -> Result<Arc<Self>, OpenError> {
        let folder = StateFolder::open(&config.state_dir)?;
        let state = config.state_dir.canonicalize()?;
        if state.starts_with(&config.mount_point) {
            return Err(OpenError::StateInsideMount { state, mount: config.mount_point });
        }
        let tables = Tables::new(store);
        let volumes = tables.all_volumes()?;
        folder.sweep(&volumes.iter().map(|volume| volume.id.clone()).collect::<BTreeSet<_>>())?;
        announce(&world, &volumes, &tables.all_snapshots()?);
        let host = FuseHost::new(config.mount_point, config.fuse);
        let bench = Arc::new(Bench::new(host, config.cipher));
        let shelf = BlobShelf::open(folder.chunks())?;
        let snapshots = Snapshots::new(Arc::new(shelf.clone()));
        let moves = Moves::default();
        let sim = Arc::new_cyclic(|me| Self { me: me.clone(), world, kms, tables, folder, moves, snapshots, bench });
        sim.find_interrupted(&shelf)?;
        Ok(sim)
    }

    /// Flushes and wipes every volume in use, and unmounts. Attachments stay recorded, for the next start to resume, and
    /// pending snapshots stay pending.
    pub async fn shutdown(&self) {
        self.interrupt_snapshots().await;
        let bench = self.bench.clone();
        if tokio::task::spawn_blocking(move || bench.end()).await.is_err() {
            tracing::error!("the end of the devices panicked");
        }
    }

    /// The device file of an attached volume; `None` when it is not attached, or no device files are served.
    pub fn device_path(&self, volume_id: &str) -> Option<PathBuf> {
        self.bench.path_of(volume_id)
    }

    /// Why an attached volume has no device file; `None` when it has one, or is not attached.
    pub fn device_status(&self, volume_id: &str) -> Option<String> {
        self.bench.trouble_of(volume_id)
    }

    /// The file of a volume's ciphertext; `None` when there is no such volume.
    pub fn data_path(&self, volume_id: &str) -> Option<PathBuf> {
        let known = self.tables.volume(volume_id).ok().flatten();
        known.map(|volume| self.folder.data_file(&volume.id))
    }

    /// An instance's home; `None` when there is no such instance.
    pub fn instance_home(&self, instance_id: &str) -> Option<PathBuf> {
        let known = self.tables.instance(instance_id).ok().flatten();
        known.map(|instance| self.folder.home(&instance.id))
    }

    /// For the health page: mount point, whether device files are served or why not, and every device in use.
    pub fn status(&self) -> Value {
        let host = self.bench.host();
        let why_without = host.why_without();
        json!({
            "mountPoint": host.place(),
            "mounted": host.is_mounted(),
            "fuse": { "available": why_without.is_none(), "reason": why_without },
            "devices": self.bench.listed(),
        })
    }

    /// This service, to be held by a task that outlives the call.
    pub(crate) fn myself(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn kms(&self) -> &dyn Kms {
        &*self.kms
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn folder(&self) -> &StateFolder {
        &self.folder
    }

    pub(crate) fn moves(&self) -> &Moves {
        &self.moves
    }

    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    pub(crate) fn bench(&self) -> &Arc<Bench> {
        &self.bench
    }
}

impl std::fmt::Debug for EbsSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EbsSim")
    }
}

fn announce(world: &World, volumes: &[Volume], snapshots: &[Snapshot]) {
    let custodian = world.custodian();
    let volumes = volumes.iter().map(|volume| (volume.key_subject(), &volume.key));
    let snapshots = snapshots.iter().map(|snapshot| (snapshot.key_subject(), &snapshot.key));
    for (subject, key) in volumes.chain(snapshots) {
        if let Some(key) = key {
            custodian.wrapped(&subject, aws_core::event::Place::EbsMetadata, &key.kms_key_arn);
        }
    }
}
