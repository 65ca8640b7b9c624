//! What one `mount` did, written down so that `umount` undoes that and no more.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::compose::runtime_dir;
use crate::exit::{USAGE, coded};
use crate::flags::Endpoint;

/// The note, one file per mounted folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    pub dir: PathBuf,
    pub volume: String,
    pub endpoint: String,
    /// Set when `mount` made the attachment.
    pub attached: bool,
    /// Set when `mount` started an instance for it.
    pub instance: Option<String>,
    pub loop_device: Option<String>,
    pub mounted: bool,
}

impl Note {
    /// Starts a note for `dir`, which is made if missing and must not carry a mount of ours already.
    pub fn begin(dir: &Path, volume: &str, endpoint: &Endpoint) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        if file_of(&dir).exists() {
            bail!(
                "{} carries a volume already; take it down first with: sse-sim umount {}",
                dir.display(),
                dir.display()
            );
        }
        let (volume, endpoint) = (volume.to_owned(), endpoint.endpoint.clone());
        Ok(Self { dir, volume, endpoint, attached: false, instance: None, loop_device: None, mounted: false })
    }

    /// The note that `mount` left for `dir`.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let dir = dir.canonicalize().with_context(|| format!("looking for {}", dir.display()))?;
        let text = std::fs::read(file_of(&dir)).map_err(|_| {
            coded(USAGE, format!("{} was not mounted by sse-sim mount, so there is nothing to undo.", dir.display()))
        })?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes the note, before the next step is taken.
    pub fn write(&self) -> anyhow::Result<()> {
        let file = file_of(&self.dir);
        std::fs::create_dir_all(notes_dir())?;
        std::fs::write(&file, serde_json::to_vec_pretty(self)?).with_context(|| format!("writing {}", file.display()))
    }

    /// Removes the note.
    pub fn forget(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(file_of(&self.dir)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The server that was used.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { endpoint: self.endpoint.clone() }
    }
}

fn notes_dir() -> PathBuf {
    runtime_dir().join("mounts")
}

/// A folder's path in hex is a safe file name, and says which folder.
fn file_of(dir: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let mut name = hex::encode(dir.as_os_str().as_bytes());
    // Long paths keep their end, which differs; a file name holds 255 bytes.
    let surplus = name.len().saturating_sub(240);
    name.drain(..surplus);
    notes_dir().join(format!("{name}.json"))
}
