//! The state folder: one server at a time, mode 0700, with the simulated HSM's root key and the other secrets of the house.
//!
//! ```text
//! STATE/lock            held while a server runs          STATE/clock       offset of the simulated clock
//! STATE/hsm-root.key    32 bytes, mode 0600               STATE/tables.redb all tables
//! STATE/iam.key         wraps IAM's secrets               STATE/trail/      the audit trail
//! STATE/s3-owned.key    wraps SSE-S3 data keys            STATE/volumes/ objects/ instances/
//! STATE/root.credentials  the first access key of a server that refuses unknown ones
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use rustix::fs::{FlockOperation, flock};

/// A secret that the state folder keeps, to be read when it is needed and not a moment longer.
#[derive(Clone, Debug)]
pub struct KeptSecret(PathBuf);

impl KeptSecret {
    /// Reads it. Unlike [`StateFolder::secret`], it makes none where there is none.
    pub fn read(&self) -> anyhow::Result<Secret> {
        let mut file = File::open(&self.0).with_context(|| format!("opening {}", self.0.display()))?;
        read_secret(&mut file).with_context(|| format!("reading {}", self.0.display()))
    }
}

/// The locked state folder of a running server. Dropping it releases the lock (and, when ephemeral, removes the folder).
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    ephemeral: bool,
    _lock: File,
}

impl StateFolder {
    /// Opens and locks `path`, creating it when missing.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Self::lock(path, false)
    }

    /// A fresh folder under the system's temporary folder, removed at the end.
    pub fn ephemeral(entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let name = format!("sse-sim-{}", hex::encode(entropy.array::<8>()));
        Self::lock(&std::env::temp_dir().join(name), true)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it will be gone at exit.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// The 32-byte secret kept in `name`, made on first use.
    pub fn secret(&self, name: &str, entropy: &dyn Entropy) -> anyhow::Result<Secret> {
        let path = self.path.join(name);
        match File::open(&path) {
            Ok(mut file) => read_secret(&mut file).with_context(|| format!("reading {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret = Secret::filled(32, |out| entropy.fill(out));
                write_secret(&path, &secret).with_context(|| format!("writing {}", path.display()))?;
                Ok(secret)
            }
            Err(error) => Err(error).with_context(|| format!("opening {}", path.display())),
        }
    }

    /// How often this folder was started with `--seed` before; counts this start. A second start that replayed the first
    /// one's bytes would give old ids to new keys and use a nonce twice.
    pub fn count_seeded_start(&self) -> anyhow::Result<u64> {
        let path = self.path.join("seeded-starts");
        let before = match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().with_context(|| format!("{} holds no count", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        write_secret(&path, &Secret::new(format!("{}", before + 1).into_bytes()))?;
        Ok(before)
    }

    /// Writes an access key in the form of an AWS credentials file, mode 0600: point AWS_SHARED_CREDENTIALS_FILE at it.
    pub fn write_credentials(&self, file: &Path, key_id: &str, secret: &Secret) -> anyhow::Result<()> {
        let mut text = format!("[default]\naws_access_key_id = {key_id}\naws_secret_access_key = ").into_bytes();
        text.extend_from_slice(secret.expose());
        text.push(b'\n');
        write_secret(file, &Secret::new(text)).with_context(|| format!("writing {}", file.display()))
    }

    /// A handle on the secret kept in `name`.
    pub fn kept(&self, name: &str) -> KeptSecret {
        KeptSecret(self.path.join(name))
    }

    fn lock(path: &Path, ephemeral: bool) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("creating the state folder {}", path.display()))?;
        let path = path.canonicalize()?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!(
                "the state folder {} is in use by another sse-sim.\n\
                 One server owns a state folder, so that acknowledged writes have one keeper.\n\
                 Stop the other server, or start this one with --state OTHER_FOLDER or --ephemeral.",
                path.display()
            );
        }
        Ok(Self { path, ephemeral, _lock: lock })
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        if self.ephemeral {
            // Nothing depends on it any more; a leftover in the temporary folder is no loss.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn read_secret(file: &mut File) -> anyhow::Result<Secret> {
    let mut failed = None;
    let secret = Secret::filled(32, |out| failed = file.read_exact(out).err());
    match failed {
        None => Ok(secret),
        Some(error) => Err(error).context("a secret file holds 32 bytes"),
    }
}

fn write_secret(path: &Path, secret: &Secret) -> anyhow::Result<()> {
    // Written aside and renamed, so that a crash leaves either no key or a whole one.
    let aside = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
    file.write_all(secret.expose())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use envelope::entropy::SeededEntropy;

    #[test]
    fn one_folder_has_one_keeper_and_its_secrets_stay() {
        let folder = tempfile::tempdir().unwrap();
        let entropy = SeededEntropy::new(1);
        let first = StateFolder::open(folder.path()).unwrap();
        let second = StateFolder::open(folder.path()).unwrap_err().to_string();
        assert!(second.contains("in use by another sse-sim"), "{second}");
        let key = first.secret("hsm-root.key", &entropy).unwrap();
        assert_eq!(key.expose(), first.secret("hsm-root.key", &entropy).unwrap().expose());
        std::fs::write(folder.path().join("short.key"), b"short").unwrap();
        assert!(first.secret("short.key", &entropy).is_err());
        drop(first);
        let again = StateFolder::open(folder.path()).unwrap();
        assert_eq!((again.count_seeded_start().unwrap(), again.count_seeded_start().unwrap()), (0, 1));
    }
}
