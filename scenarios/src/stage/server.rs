//! A private server for one lesson: started on a free port with a state folder of its own, stopped by SIGTERM.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::StageError;

/// Long enough for a debug build on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A server that does not stop by itself in this time is killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running server. Dropping it stops it.
pub struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    /// Starts `exe up` in `folder`, and waits until it is ready. `mount` asks for device files of attached volumes.
    pub fn start(exe: &Path, folder: &Path, seed: Option<u64>, mount: bool) -> Result<Self, StageError> {
        let log = folder.join("server.log");
        let mut child = command(exe, folder, seed, mount, &log)?.spawn().map_err(|error| {
            StageError::Missing(format!(
                "cannot start {}: {error}; build it with `cargo build`, or give --target URL",
                exe.display()
            ))
        })?;
        let lines = lines_of(&mut child);
        match endpoint_when_ready(&lines) {
            Ok(endpoint) => Ok(Self { child, endpoint }),
            Err(why) => Err(stillborn(child, &why, &log)),
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

fn command(exe: &Path, folder: &Path, seed: Option<u64>, mount: bool, log: &PathBuf) -> Result<Command, StageError> {
    let log =
        File::create(log).map_err(|error| StageError::Missing(format!("cannot write {}: {error}", log.display())))?;
    let mut command = Command::new(exe);
    command.args(["up", "--port", "0", "--state"]).arg(folder.join("state"));
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if mount {
        command.arg("--mount").arg(folder.join("mnt"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    Ok(command)
}

/// Reads the child's lines on a thread that ends with the child.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens once the server is ready; the pipe must be drained all the same.
                let _ = sender.send(line);
            }
        });
    }
    receiver
}

fn endpoint_when_ready(lines: &Receiver<String>) -> Result<String, String> {
    let deadline = Instant::now() + READY_WITHIN;
    let mut endpoint = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if line.trim() == "Ready." => return endpoint.ok_or_else(|| "it named no endpoint".into()),
            Ok(line) => endpoint = line.trim().strip_prefix("endpoint ").map(str::to_owned).or(endpoint),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("it was not ready within {} s", READY_WITHIN.as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => return Err("it ended before it was ready".into()),
        }
    }
}

/// The error for a server that never became ready; 3 is its own word for a missing capability.
fn stillborn(mut child: Child, why: &str, log: &Path) -> StageError {
    let status = terminate(&mut child);
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let tail: Vec<&str> = said.lines().rev().take(6).collect();
    let tail: String = tail.iter().rev().map(|line| format!("\n    {line}")).collect();
    let text = format!("the private server did not start: {why}{tail}");
    match status.and_then(|status| status.code()) {
        Some(3) => StageError::Missing(text),
        _ => StageError::Unreachable(text),
    }
}

fn terminate(child: &mut Child) -> Option<ExitStatus> {
    if let Ok(Some(status)) = child.try_wait() {
        return Some(status);
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended in between; then there is nobody to tell.
        let _ = kill_process(pid, Signal::TERM);
    }
    let deadline = Instant::now() + STOP_WITHIN;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
    let _ = child.kill();
    child.wait().ok()
}
