//! Mounting and unmounting. fuser's own unmounting is left aside: it refuses while a file is open, and can leave a
//! dead end point behind; here a mount is always detached lazily, and a dead one is cleaned before the next.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption, Notifier, SessionACL};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::adapter::DeviceFs;
use super::tree::{Gone, Ino, Tree};

/// How long the end of the event loops is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// The name in `/proc/mounts`.
const SOURCE: &str = "sse-sim";

/// A mounted tree.
#[derive(Debug)]
pub struct Mounted {
    session: BackgroundSession,
    notifier: Notifier,
    place: PathBuf,
    /// The folder was not there before, and goes afterwards.
    folder_is_ours: bool,
}

impl Mounted {
    /// Mounts `tree` at `place`, which is made if absent and freed of a dead mount.
    ///
    /// # Errors
    /// When there is no FUSE, no permission, or somebody lives at `place`.
    pub fn mount(tree: Arc<Tree>, place: &Path) -> io::Result<Self> {
        clear_stale(place)?;
        let folder_is_ours = !place.exists();
        DirBuilder::new().recursive(true).mode(0o700).create(place)?;
        // Absolute and free of links, so that it is found among the mounts, and unmounted, by the kernel's own name.
        let place = place.canonicalize()?;
        let session = on_flusher_thread(tree, place.clone())?;
        Ok(Self { notifier: session.notifier(), session, place, folder_is_ours })
    }

    /// Where.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The number of this file system, for the refusal to serve a volume that is stored inside it.
    pub fn file_system(&self) -> Option<u64> {
        mounts().into_iter().rfind(|mount| mount.place == self.place).map(|mount| mount.device)
    }

    /// Makes the kernel forget names. Must be called by a thread that serves no requests and holds no lock of the tree.
    pub fn forget(&self, gone: &[Gone]) {
        for entry in gone {
            if let Err(error) = self.notifier.inval_entry(fuser::INodeNo(entry.parent), &entry.name) {
                tracing::warn!(%error, name = %entry.name.display(), "the kernel did not take note of a detach");
            }
        }
    }

    /// Makes the kernel ask for a size again. As [`Self::forget`].
    pub fn resized(&self, ino: Ino) {
        // The offset is that of cached data, of which there is none: only the attributes are forgotten.
        if let Err(error) = self.notifier.inval_inode(fuser::INodeNo(ino), -1, 0) {
            tracing::warn!(%error, "the kernel did not take note of a growth");
        }
    }

    /// Takes the mount away, at once even if somebody is inside. Whoever is keeps a dead handle.
    pub fn unmount(self, nobody_inside: bool) {
        if let Err(error) = detach_mount(&self.place) {
            tracing::warn!(%error, place = %self.place.display(), "cannot unmount");
            return;
        }
        if self.folder_is_ours {
            let _ = std::fs::remove_dir(&self.place);
        }
        // With a handle open the kernel keeps the connection, and the loops would be waited for without end.
        if nobody_inside && ends_soon(&self.session) {
            if let Err(error) = self.session.join() {
                tracing::warn!(%error, "a FUSE event loop failed");
            }
        } else {
            // Its drop would unmount by path once more, and by then somebody else may be mounted there.
            std::mem::forget(self.session);
        }
    }
}

fn ends_soon(session: &BackgroundSession) -> bool {
    let step = Duration::from_millis(5);
    (0..FAREWELL.as_millis() / step.as_millis()).any(|_| {
        session.guard.is_finished() || {
            thread::sleep(step);
            false
        }
    })
}

/// Mounts from a thread whose children (the event loops) inherit `PR_SET_IO_FLUSHER`: when memory is short, the kernel
/// must not make them wait for writeback that only they can complete.
fn on_flusher_thread(tree: Arc<Tree>, place: PathBuf) -> io::Result<BackgroundSession> {
    let mount = move || {
        // Needs CAP_SYS_RESOURCE; an ordinary user goes without.
        let _ = rustix::process::configure_io_flusher_behavior(true);
        first_that_mounts(&tree, &place)
    };
    thread::Builder::new()
        .name("fuse-mount".into())
        .spawn(mount)?
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("mounting panicked")))
}

/// The loop driver works as root. Root's own mount lets it in; an ordinary user's must say so (`allow_other`), which
/// /etc/fuse.conf may forbid: then at least this user's programs can use the devices.
fn first_that_mounts(tree: &Arc<Tree>, place: &Path) -> io::Result<BackgroundSession> {
    let wishes: &[SessionACL] = match rustix::process::geteuid().is_root() {
        true => &[SessionACL::Owner],
        false => &[SessionACL::RootAndOwner, SessionACL::Owner],
    };
    let mut last = io::Error::other("no way to mount was tried");
    for acl in wishes {
        match fuser::spawn_mount(DeviceFs::new(tree.clone()), place, &config(*acl)) {
            Ok(session) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn config(acl: SessionACL) -> Config {
    let mut config = Config::default();
    config.mount_options =
        vec![MountOption::FSName(SOURCE.into()), MountOption::DefaultPermissions, MountOption::NoExec];
    config.acl = acl;
    config.n_threads = Some(thread::available_parallelism().map_or(2, usize::from).max(2));
    // Each loop opens /dev/fuse for itself, which an ordinary user may not everywhere (fusermount3 is setuid).
    config.clone_fd = OpenOptions::new().read(true).write(true).open("/dev/fuse").is_ok();
    config
}

/// Frees `place` of a mount whose daemon has died.
///
/// # Errors
/// When somebody alive is mounted there, or the dead cannot be removed.
pub fn clear_stale(place: &Path) -> io::Result<()> {
    // A dead mount cannot be canonicalised, so the parent is.
    let place = match (place.parent().map(Path::canonicalize), place.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => return Ok(()),
    };
    // Mounts can lie on top of each other; a dozen is more than anybody leaves behind.
    for _ in 0..12 {
        match mounts().iter().any(|mount| mount.place == place) {
            true if is_dead(&place) => detach_mount(&place)?,
            true => break,
            false => return Ok(()),
        }
    }
    Err(io::Error::other(format!("something is already mounted at {}", place.display())))
}

/// Frees the places beside `place` of mounts that processes of ours left when they were killed: the default mount point
/// is named after the port, and nobody may start on that port again. On a thread of its own, since to ask a daemon
/// that hangs is to hang.
pub fn clear_siblings(place: &Path) {
    let place = place.to_owned();
    let _ = thread::Builder::new().name("fuse-sweep".into()).spawn(move || {
        let sibling = |mount: &Mount| mount.place != place && mount.place.parent() == place.parent();
        for mount in mounts().into_iter().filter(|m| m.source == SOURCE && sibling(m) && is_dead(&m.place)) {
            if let Err(error) = detach_mount(&mount.place) {
                tracing::debug!(%error, place = %mount.place.display(), "a dead mount stays");
            }
        }
    });
}

/// Whether nobody serves what is mounted there. Not asked by `stat`: the kernel answers that from what it remembers
/// of the dead.
fn is_dead(place: &Path) -> bool {
    rustix::fs::statfs(place).err() == Some(Errno::NOTCONN)
}

fn detach_mount(place: &Path) -> io::Result<()> {
    match rustix::mount::unmount(place, UnmountFlags::DETACH) {
        // EINVAL: somebody else has taken it away meanwhile.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(Errno::PERM) => fusermount(place),
        Err(error) => Err(error.into()),
    }
}

/// How an ordinary user unmounts.
fn fusermount(place: &Path) -> io::Result<()> {
    let outcome = Command::new("fusermount3").args(["-u", "-q", "-z", "--"]).arg(place).output()?;
    match outcome.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&outcome.stderr).trim().to_owned())),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: u64,
    place: PathBuf,
    source: String,
}

fn mounts() -> Vec<Mount> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table.lines().filter_map(mount_of).collect()
}

/// `36 35 0:45 / /run/sse-sim/4566 rw,… - fuse sse-sim rw,…`
fn mount_of(line: &str) -> Option<Mount> {
    let (place_part, source_part) = line.split_once(" - ")?;
    let source = unescaped(source_part.split(' ').nth(1)?);
    let mut fields = place_part.split(' ').skip(2);
    let (major, minor) = fields.next()?.split_once(':')?;
    let device = rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?);
    let place = PathBuf::from(unescaped(fields.nth(1)?));
    Some(Mount { device, place, source })
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_of_mounts_is_read() {
        let line = "36 35 0:45 / /run/sse\\040sim/4566 rw,nosuid - fuse sse-sim rw,user_id=0";
        let (device, place) = (rustix::fs::makedev(0, 45), "/run/sse sim/4566".into());
        let expected = Mount { device, place, source: "sse-sim".into() };
        assert_eq!(mount_of(line), Some(expected));
        assert_eq!(mount_of("garbage"), None);
        assert!(mounts().iter().any(|mount| mount.place == Path::new("/")));
    }

    #[test]
    fn a_place_where_nothing_is_mounted_is_clear_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        clear_stale(&folder.path().join("absent")).unwrap();
        clear_stale(folder.path()).unwrap();
        assert!(clear_stale(Path::new("/proc")).is_err());
    }
}
