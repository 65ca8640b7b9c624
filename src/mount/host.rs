//! The host's own tools: losetup, mkfs, mount, umount. They are run, not re-made.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::exit::{MISSING, coded};

/// How often a busy loop device is looked at after `losetup -d`, 20 ms apart.
const RELEASE_TRIES: u32 = 250;

/// Loop devices and mounts need root.
pub(super) fn require_root() -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(coded(
        MISSING,
        "mounting a volume needs root, for the loop device and the mount.\n\
         Run it with sudo -E, or use the device file itself: sse-sim health says where it is.",
    ))
}

/// Puts a loop device over the device file and gives its name.
pub(super) fn loop_up(device: &Path) -> anyhow::Result<String> {
    let device = device.to_string_lossy();
    let output = run("losetup", &["-f", "--show", "--direct-io=on", &device])?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Takes a loop device down and waits until the kernel has let go of the file under it.
pub(super) fn loop_down(loop_device: &str) -> anyhow::Result<()> {
    run("losetup", &["-d", loop_device])?;
    for _ in 0..RELEASE_TRIES {
        let listed = Command::new("losetup").arg(loop_device).output().context("running losetup")?;
        if !listed.status.success() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("{loop_device} is still in use; see what holds it with: lsof {loop_device}")
}

/// Makes a file system on a device that carries none. Whatever is there already is left alone.
pub(super) fn make_file_system_if_blank(loop_device: &str, kind: &str) -> anyhow::Result<()> {
    let probe = Command::new("blkid").args(["-p", loop_device]).output().context("running blkid")?;
    match probe.status.code() {
        Some(0) => Ok(()),
        // blkid's word for "nothing recognised"
        Some(2) => run(&format!("mkfs.{kind}"), &["-q", loop_device]).map(drop),
        _ => bail!("blkid could not look at {loop_device}: {}", String::from_utf8_lossy(&probe.stderr).trim()),
    }
}

/// Mounts a device.
pub(super) fn mount(loop_device: &str, dir: &Path) -> anyhow::Result<()> {
    run("mount", &[loop_device, &dir.to_string_lossy()]).map(drop)
}

/// Unmounts a folder.
pub(super) fn unmount(dir: &Path) -> anyhow::Result<()> {
    run("umount", &[&dir.to_string_lossy()]).map(drop)
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let output = Command::new(program).args(arguments).output().map_err(|error| {
        coded(MISSING, format!("{program} cannot be run: {error}.\nInstall it (util-linux, e2fsprogs) and try again."))
    })?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}
