//! The state folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where data files and instance homes lie.
#[derive(Clone, Debug)]
pub struct StateFolder {
    volumes: PathBuf,
    chunks: PathBuf,
    instances: PathBuf,
}

impl StateFolder {
    /// Makes both folders.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        let folder =
            Self { volumes: root.join("volumes"), chunks: root.join("chunks"), instances: root.join("instances") };
        fs::create_dir_all(&folder.volumes)?;
        fs::create_dir_all(&folder.instances)?;
        Ok(folder)
    }

    /// A volume's ciphertext.
    pub fn data_file(&self, volume_id: &str) -> PathBuf {
        self.volumes.join(volume_id)
    }

    /// The chunks of snapshots.
    pub fn chunks(&self) -> &Path {
        &self.chunks
    }

    /// An instance's home.
    pub fn home(&self, instance_id: &str) -> PathBuf {
        self.instances.join(instance_id)
    }

    /// Removes a volume's data file; one that is already gone is fine.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove_data(&self, volume_id: &str) -> io::Result<()> {
        match fs::remove_file(self.data_file(volume_id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes an instance's home if it is empty. What somebody left in it, or mounted under it, is not ours to delete.
    pub fn remove_home(&self, instance_id: &str) {
        let _ = fs::remove_dir(self.home(instance_id));
    }

    /// Removes data files of volumes that were being created or deleted when the process died. Answers how many.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sweep(&self, known: &BTreeSet<String>) -> io::Result<usize> {
        let mut swept = 0;
        for entry in fs::read_dir(&self.volumes)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if crate::model::ids::is_id("vol", &name) && !known.contains(&name) {
                self.remove_data(&name)?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_orphans_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(root.path()).unwrap();
        for name in ["vol-00000001", "vol-00000002", "notes.txt"] {
            fs::write(folder.data_file(name), b"x").unwrap();
        }
        assert_eq!(folder.sweep(&BTreeSet::from(["vol-00000001".into()])).unwrap(), 1);
        assert!(folder.data_file("vol-00000001").exists() && folder.data_file("notes.txt").exists());
        assert!(!folder.data_file("vol-00000002").exists());
    }

    #[test]
    fn a_home_with_somebodys_files_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(root.path()).unwrap();
        fs::create_dir(folder.home("i-00000001")).unwrap();
        fs::write(folder.home("i-00000001").join("diary"), b"x").unwrap();
        folder.remove_home("i-00000001");
        assert!(folder.home("i-00000001").join("diary").exists());
    }
}
