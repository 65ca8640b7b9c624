//! A server under measurement: the release binary, its files on tmpfs.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// A running `sse-sim up`, ended when dropped.
pub struct Server {
    /// The port.
    pub port: u16,
    /// From spawn to `Ready.`.
    pub start: Duration,
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts the release binary beside this one, with further flags.
    pub fn start(name: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let exe = std::env::current_exe()?.with_file_name("sse-sim");
        let folder = PathBuf::from(format!("/dev/shm/sse-sim-bench-{}-{name}", std::process::id()));
        let begun = Instant::now();
        let mut child = Command::new(&exe)
            .args(["up", "--port", "0", "--state"])
            .arg(&folder)
            .arg("--mount")
            .arg(folder.with_extension("mnt"))
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("{} is missing; build it with cargo build --release --bin sse-sim", exe.display())
            })?;
        let stdout = child.stdout.take().context("stdout was piped")?;
        let (mut port, mut lines) = (0, BufReader::new(stdout).lines());
        while let Some(line) = lines.next().transpose()? {
            if let Some(url) = line.strip_prefix("endpoint ") {
                port = url.rsplit(':').next().context("an endpoint has a port")?.parse()?;
            }
            if line == "Ready." {
                break;
            }
        }
        anyhow::ensure!(port != 0, "the server ended before it was ready");
        Ok(Self { port, start: begun.elapsed(), child, folder })
    }

    /// Resident memory in MB.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        let kilobytes: f64 = line.split_whitespace().nth(1).context("a figure")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Where attached volumes appear.
    pub fn mount(&self) -> PathBuf {
        self.folder.with_extension("mnt")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that the server unmounts and wipes; `kill` is on every machine that has /dev/shm.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_dir_all(self.mount());
    }
}
