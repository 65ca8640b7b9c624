//! Device files in earnest: the kernel, a loop device, ext4. Needs /dev/fuse, in part root, and says so where it
//! skips.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ebs_sim::FuseMode;
use ebs_sim::device::live::LiveDevice;
use ebs_sim::device::memory::MemoryTarget;
use ebs_sim::fuse::host::FuseHost;
use support::{Lab, field, fuse_is_here, root_is_here};

/// Runs a command line; its output, or a panic with its complaint.
fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Work that waits for the kernel, off the threads that serve calls.
async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

struct Attached {
    lab: Lab,
    instance: String,
    volume: String,
    device: PathBuf,
}

async fn attached() -> Attached {
    let lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    let device = lab.sim.device_path(&volume).unwrap();
    Attached { lab, instance, volume, device }
}

impl Attached {
    async fn detach(&self) {
        self.lab.do_(&format!("DetachVolume&VolumeId={}", self.volume)).await;
    }

    async fn attachment_status(&self) -> String {
        let described = self.lab.do_(&format!("DescribeVolumes&VolumeId.1={}", self.volume)).await;
        described.split("<attachmentSet>").nth(1).map_or_else(|| "none".into(), |set| field(set, "status"))
    }
}

/// The whole lesson on a real disk: partition of nothing, ext4, a secret, ciphertext on the disk, fsck, and back again.
#[tokio::test(flavor = "multi_thread")]
async fn ext4_on_a_loop_device_on_a_volume() {
    if !root_is_here() {
        return;
    }
    let it = attached().await;
    assert_eq!(it.device, support::mount_point(it.lab.folder.path()).join(&it.instance).join("dev/sdf"));
    let (device, mount) = (it.device.display().to_string(), it.lab.folder.path().join("fs").display().to_string());
    let loop_device = {
        let (device, mount) = (device.clone(), mount.clone());
        outside(move || {
            let loop_device = sh(&format!("losetup -f --show --direct-io=on {device}"));
            sh(&format!("mkfs.ext4 -q -F {loop_device} && mkdir -p {mount} && mount {loop_device} {mount}"));
            sh(&format!(
                "echo 'TOP SECRET payroll' > {mount}/payroll.txt; seq 1 200000 > {mount}/numbers; sync -f {mount}"
            ));
            sh(&format!("rm {mount}/numbers; sync -f {mount}; fstrim {mount}; seq 1 100000 | md5sum > {mount}/sum"));
            loop_device
        })
        .await
    };
    // While it is in use, a detach waits, and the volume says so.
    it.detach().await;
    assert_eq!(it.attachment_status().await, "busy");
    assert!(it.lab.places(&it.volume).contains("HypervisorMemory"));
    let stored = it.lab.sim.data_path(&it.volume).unwrap().display().to_string();
    outside(move || {
        sh(&format!(
            "if tr -d '\\0' < {stored} | grep -aq 'TOP SECRET'; then echo 'plaintext on the disk' >&2; exit 1; fi"
        ))
    })
    .await;
    outside(move || {
        assert_eq!(sh(&format!("cat {mount}/payroll.txt")), "TOP SECRET payroll");
        sh(&format!("umount {mount} && fsck.ext4 -fn {loop_device} && losetup -d {loop_device}"));
    })
    .await;
    for _ in 0..1000 {
        if it.attachment_status().await == "none" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(it.attachment_status().await, "none");
    assert_eq!(it.lab.places(&it.volume), "EbsMetadata wrapped");
    assert!(it.lab.kms.grants().iter().all(|grant| grant.retired));

    // Another attachment, another name, the same data.
    it.lab.do_(&format!("AttachVolume&VolumeId={}&InstanceId={}&Device=xvdg", it.volume, it.instance)).await;
    let device = it.lab.sim.device_path(&it.volume).unwrap();
    assert!(device.ends_with("dev/xvdg"));
    let found = outside(move || {
        let loop_device = sh(&format!("losetup -f --show --direct-io=on {}", device.display()));
        let found = sh(&format!("debugfs -R 'cat payroll.txt' {loop_device} 2>/dev/null"));
        sh(&format!("losetup -d {loop_device}"));
        found
    })
    .await;
    assert_eq!(found, "TOP SECRET payroll");
    it.lab.sim.shutdown().await;
}

/// A device file is a disk: fixed size, positioned access, discards, no truncation, no growth.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_file_behaves_like_a_disk() {
    if !fuse_is_here() {
        return;
    }
    let it = attached().await;
    let device = it.device.clone();
    outside(move || {
        let file = OpenOptions::new().read(true).write(true).open(&device).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 1 << 30);
        file.write_all_at(b"unaligned", 1_000_003).unwrap();
        file.sync_all().unwrap();
        let mut back = [0; 11];
        file.read_exact_at(&mut back, 1_000_002).unwrap();
        assert_eq!(&back, b"\0unaligned\0");

        let end = (1 << 30) - 4;
        assert_eq!(file.write_at(b"12345678", end).unwrap(), 4);
        let over = file.write_at(b"x", 1 << 30).unwrap_err();
        assert_eq!(over.raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(file.read_at(&mut back, 1 << 30).unwrap(), 0);
        assert!(file.set_len(5).is_err());
        file.set_len(1 << 30).unwrap();

        sh(&format!("fallocate -p -o 0 -l 2000000 {}", device.display()));
        file.read_exact_at(&mut back, 1_000_002).unwrap();
        assert_eq!(back, [0; 11]);
        // `>` truncates a file; a disk takes no note.
        sh(&format!("printf hello > {}", device.display()));
        assert_eq!(std::fs::metadata(&device).unwrap().len(), 1 << 30);
        let mut hello = [0; 6];
        File::open(&device).unwrap().read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello\0");
        let stray = device.parent().unwrap().join("stray");
        assert!(File::create(stray).is_err() && std::fs::remove_file(&device).is_err());
        sh(&format!("stat -f -c %S {} | grep -qx 4096", device.display()));
    })
    .await;
    it.detach().await;
    let device = it.device.clone();
    outside(move || assert!(!device.exists(), "the name has gone with the detach")).await;
    it.lab.sim.shutdown().await;
}

/// Force: the device is taken from under its user. New I/O fails, the key is gone, the name too.
#[tokio::test(flavor = "multi_thread")]
async fn a_forced_detach_cuts_the_guest_off() {
    if !fuse_is_here() {
        return;
    }
    let it = attached().await;
    let path = it.device.clone();
    let mut file = outside(move || OpenOptions::new().read(true).write(true).open(path).unwrap()).await;
    it.lab.do_(&format!("DetachVolume&VolumeId={}&Force=true", it.volume)).await;
    assert_eq!(it.attachment_status().await, "none");
    assert_eq!(it.lab.places(&it.volume), "EbsMetadata wrapped");
    let path = it.device.clone();
    outside(move || {
        assert_eq!(file.write(b"x").unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(file.read(&mut [0]).unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(libc::EIO));
        assert!(!path.exists());
    })
    .await;
    it.lab.do_(&format!("AttachVolume&VolumeId={}&InstanceId={}&Device=/dev/sdf", it.volume, it.instance)).await;
    let path = it.lab.sim.device_path(&it.volume).unwrap();
    outside(move || File::open(path).unwrap()).await;
    it.lab.sim.shutdown().await;
}

/// The mount of a process that died is a dead end point. The next process cleans it and serves the same data.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_mount_is_cleaned_and_the_volume_comes_back() {
    if !root_is_here() {
        return;
    }
    let mut it = attached().await;
    let path = it.device.clone();
    outside(move || {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(b"still here", 4096).unwrap();
        file.sync_all().unwrap();
    })
    .await;
    let mount = support::mount_point(it.lab.folder.path());
    it.lab.sim.shutdown().await;
    leave_a_dead_mount(&mount);
    assert!(std::fs::metadata(&mount).is_ok(), "the kernel speaks for the dead");
    assert_eq!(std::fs::read_dir(&mount).unwrap_err().raw_os_error(), Some(libc::ENOTCONN));

    it.lab.begin_again().await;
    let path = it.lab.sim.device_path(&it.volume).unwrap();
    outside(move || {
        let mut back = [0; 10];
        File::open(path).unwrap().read_exact_at(&mut back, 4096).unwrap();
        assert_eq!(&back, b"still here");
    })
    .await;
    it.lab.sim.shutdown().await;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&*mount.to_string_lossy()), "unmounted at the end");
    assert!(!mount.exists() || mount.read_dir().unwrap().next().is_none());
}

/// What `kill -9` leaves behind: mounted, nobody at the other end, and a kernel that remembers names and sizes.
fn leave_a_dead_mount(place: &Path) {
    let program = std::env::current_exe().unwrap();
    let ended = Command::new(program)
        .args(["--exact", "a_process_that_is_killed_while_it_serves", "--nocapture"])
        .env(DIE_AT, place)
        .status()
        .unwrap();
    assert_eq!(ended.signal(), Some(libc::SIGKILL));
}

const DIE_AT: &str = "EBS_SIM_TEST_DIE_AT";

/// Not a test of its own: the process that [`leave_a_dead_mount`] starts.
#[test]
fn a_process_that_is_killed_while_it_serves() {
    let Some(place) = std::env::var_os(DIE_AT) else { return };
    let host = FuseHost::new(place.into(), FuseMode::Auto);
    let target = Box::new(MemoryTarget::zeroed(4096));
    let device = Arc::new(LiveDevice::new(target, aws_core::time::Timestamp::UNIX_EPOCH));
    let path = host.serve("i-00000001", "sdf", &device, 0).unwrap();
    assert!(path.metadata().unwrap().is_file() && host.place().metadata().unwrap().is_dir());
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    std::thread::sleep(Duration::from_secs(10));
}

/// Several writers at once through the kernel, each in its own part: nothing is lost, nothing mixed.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_through_the_kernel() {
    if !fuse_is_here() {
        return;
    }
    let it = attached().await;
    let path = it.device.clone();
    outside(move || {
        std::thread::scope(|scope| {
            for worker in 0..4u8 {
                let path = &path;
                scope.spawn(move || {
                    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
                    let base = u64::from(worker) * (8 << 20);
                    for block in 0..32u64 {
                        let data = vec![worker * 32 + block as u8; 150_000];
                        file.write_all_at(&data, base + block * 150_000).unwrap();
                    }
                    for block in 0..32u64 {
                        let mut back = vec![0; 150_000];
                        file.read_exact_at(&mut back, base + block * 150_000).unwrap();
                        assert!(back.iter().all(|byte| *byte == worker * 32 + block as u8));
                    }
                });
            }
        });
    })
    .await;
    it.lab.sim.shutdown().await;
}

/// A full disk under the state folder reaches whoever writes, and what was written before is still there.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_reaches_the_writer() {
    if !root_is_here() {
        return;
    }
    let it = attached().await;
    it.lab.do_(&format!("DetachVolume&VolumeId={}", it.volume)).await;
    let (state, stored) = (it.lab.folder.path().join("state"), it.lab.sim.data_path(&it.volume).unwrap());
    let small = state.join("volumes").display().to_string();
    sh(&format!("mount -t tmpfs -o size=2m none {small} && truncate -s 1G {}", stored.display()));
    it.lab.do_(&format!("AttachVolume&VolumeId={}&InstanceId={}&Device=/dev/sdf", it.volume, it.instance)).await;
    let path = it.lab.sim.device_path(&it.volume).unwrap();
    outside(move || {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        file.write_all_at(&[1; 4096], 0).unwrap();
        let full = file.write_all_at(&[2; 4 << 20], 1 << 20).unwrap_err();
        assert_eq!(full.raw_os_error(), Some(libc::ENOSPC));
        let mut back = [0; 4096];
        file.read_exact_at(&mut back, 0).unwrap();
        assert_eq!(back, [1; 4096]);
    })
    .await;
    it.detach().await;
    it.lab.sim.shutdown().await;
    sh(&format!("umount {small}"));
}

/// The server ends while a loop device holds a volume: it does not wait for the guest, and the key does not stay.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_the_guest() {
    if !root_is_here() {
        return;
    }
    let it = attached().await;
    let device = it.device.display().to_string();
    let loop_device = outside(move || sh(&format!("losetup -f --show --direct-io=on {device}"))).await;
    it.lab.sim.shutdown().await;
    assert_eq!(it.lab.places(&it.volume), "EbsMetadata wrapped");
    let read = outside(move || {
        let read = std::fs::read(&loop_device).map(drop);
        sh(&format!("losetup -d {loop_device}"));
        read
    })
    .await;
    assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EIO));
}
