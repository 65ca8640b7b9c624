//! An attached volume beside the same daemon with a null cipher: 1 MiB sequential and 4 KiB random, direct, depth 1.
//! Both daemons run at once, and the two are measured in turns.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::client::{Connection, ec2_request};
use crate::server::Server;
use crate::stats::{Figure, line};

const SPAN: Duration = Duration::from_millis(700);
const AREA: u64 = 512 << 20;
const PAGE: usize = 4096;

/// Prints the comparison.
pub fn report() -> anyhow::Result<()> {
    println!("Volume, direct I/O on the device file, depth 1 (XTS vs null cipher)");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (real, null) = (Server::start("xts", &[])?, Server::start("null", &["--cipher", "null"])?);
    let ours = open(&runtime.block_on(attach(&real))?)?;
    let peer = open(&runtime.block_on(attach(&null))?)?;
    let works: [(&str, Work, &str); 4] = [
        ("write, 1 MiB sequential", Work { size: 1 << 20, random: false, write: true }, "MB/s"),
        ("read, 1 MiB sequential", Work { size: 1 << 20, random: false, write: false }, "MB/s"),
        ("write, 4 KiB random", Work { size: PAGE, random: true, write: true }, "IOPS"),
        ("read, 4 KiB random", Work { size: PAGE, random: true, write: false }, "IOPS"),
    ];
    for (what, work, unit) in works {
        let (ours, peer) = Figure::take_both(|| work.run(&ours), || work.run(&peer))?;
        line(what, &ours, &peer, unit, None);
    }
    Ok(())
}

async fn attach(server: &Server) -> anyhow::Result<PathBuf> {
    let mut connection = Connection::open(server.port).await?;
    let mut call = async |form: &str, wanted: &str| -> anyhow::Result<String> {
        let answer = String::from_utf8_lossy(connection.call(&ec2_request(form)).await?).into_owned();
        let (_, rest) = answer.split_once(&format!("<{wanted}>")).with_context(|| answer.clone())?;
        Ok(rest.split('<').next().unwrap_or_default().to_owned())
    };
    let instance = call(
        "Action=RunInstances&ImageId=ami-00000000000000001&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1a",
        "instanceId",
    )
    .await?;
    let volume = call("Action=CreateVolume&Encrypted=true&Size=1&AvailabilityZone=us-east-1a", "volumeId").await?;
    call(&format!("Action=AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf"), "status").await?;
    Ok(server.mount().join(instance).join("dev/sdf"))
}

fn open(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

struct Work {
    size: usize,
    random: bool,
    write: bool,
}

impl Work {
    /// MB/s for sequential work, operations per second for random.
    fn run(&self, device: &File) -> anyhow::Result<f64> {
        let mut buffer = Aligned::new(self.size);
        let blocks = AREA / self.size as u64;
        let (begun, mut done, mut state) = (Instant::now(), 0u64, 0x9e37_79b9_7f4a_7c15u64);
        while begun.elapsed() < SPAN {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let block = if self.random { state % blocks } else { done % blocks };
            let offset = block * self.size as u64;
            if self.write {
                device.write_all_at(buffer.bytes(), offset)?;
            } else {
                device.read_exact_at(buffer.bytes(), offset)?;
            }
            done += 1;
        }
        let per_second = done as f64 / begun.elapsed().as_secs_f64();
        Ok(if self.random { per_second } else { per_second * self.size as f64 / 1e6 })
    }
}

/// A buffer on a page boundary, as direct I/O wants it.
struct Aligned {
    storage: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    fn new(length: usize) -> Self {
        let storage = vec![0x5a; length + PAGE];
        let start = storage.as_ptr().align_offset(PAGE);
        Self { storage, start, length }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.length]
    }
}
