//! Command lines, run as a student would run them: bash, the genuine aws-cli, a folder of one's own.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::script::variables::Variables;

use super::StageError;
use super::http::Http;
use super::people::Credentials;

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);
/// The largest part of a command's output that is kept.
const KEPT_BYTES: u64 = 16 << 20;

/// The folder and the surroundings of a lesson's commands.
pub struct Shell {
    work: PathBuf,
    config: PathBuf,
    path: OsString,
    endpoint: String,
    region: String,
}

/// What a command left behind.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// Exit status; 128 + signal for a killed command, 124 for one that took too long.
    pub exit: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl Shell {
    /// Commands run in `folder`/work; the folder of `server_exe` comes first on their PATH.
    pub fn new(folder: &Path, server_exe: &Path, http: &Http) -> Result<Self, StageError> {
        let trouble = |error| StageError::Missing(format!("cannot prepare {}: {error}", folder.display()));
        let (work, config) = (folder.join("work"), folder.join("aws-config"));
        std::fs::create_dir_all(&work).map_err(trouble)?;
        // aws-cli 2 reads blobs as base64 unless told otherwise; the course's commands predate that.
        std::fs::write(&config, "[default]\ncli_binary_format = raw-in-base64-out\ncli_pager =\n").map_err(trouble)?;
        let endpoint = http.endpoint().to_owned();
        Ok(Self { work, config, path: search_path(server_exe), endpoint, region: http.region().to_owned() })
    }

    /// Where commands run.
    pub fn folder(&self) -> &Path {
        &self.work
    }

    /// Runs a script to its end.
    pub fn run(&self, script: &str, who: &Credentials, variables: &Variables) -> Result<Ran, StageError> {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(&self.work);
        self.surround(&mut command, who, variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child =
            command.spawn().map_err(|error| StageError::Missing(format!("cannot run bash: {error}; install it")))?;
        Ok(collect(child))
    }

    /// Whether a command is on the PATH of the lesson.
    pub fn has(&self, command: &str) -> bool {
        std::env::split_paths(&self.path).any(|folder| folder.join(command).is_file())
    }

    fn surround(&self, command: &mut Command, who: &Credentials, variables: &Variables) {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.envs(variables.iter());
        command.env("PATH", &self.path).env("LC_ALL", "C.UTF-8").env_remove("BASH_ENV");
        command.env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_DEFAULT_REGION", &self.region);
        command.env("AWS_ACCESS_KEY_ID", &who.access_key).env("AWS_SECRET_ACCESS_KEY", &who.secret);
        command.env("AWS_CONFIG_FILE", &self.config).env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_PAGER", "").env("AWS_MAX_ATTEMPTS", "1");
    }
}

/// The server's folder first, so that `sse-sim` in a lesson is the one under test; the system's own tools at the end.
fn search_path(server_exe: &Path) -> OsString {
    let own = server_exe.canonicalize().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = own.into_iter().chain(std::env::split_paths(&inherited)).chain(system);
    std::env::join_paths(folders).unwrap_or(inherited)
}

fn collect(mut child: Child) -> Ran {
    let stdout = child.stdout.take().map(keep);
    let stderr = child.stderr.take().map(keep);
    let status = wait(&mut child);
    let text = |reader: Option<JoinHandle<Vec<u8>>>| {
        let bytes = reader.and_then(|thread| thread.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ran { exit: status.map_or(124, exit_code), stdout: text(stdout), stderr: text(stderr) }
}

/// Reads a stream to its end on a thread, so that a full pipe never blocks the command.
fn keep(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = stream.by_ref().take(KEPT_BYTES).read_to_end(&mut kept);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        kept
    })
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The whole group, or a grandchild would keep the pipes open.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    None
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> (tempfile::TempDir, Shell) {
        let folder = tempfile::tempdir().unwrap();
        let http = Http::new("http://127.0.0.1:1", "111122223333", "us-east-2").unwrap();
        let shell = Shell::new(folder.path(), Path::new("/bin/true"), &http).unwrap();
        (folder, shell)
    }

    fn run(script: &str) -> Ran {
        let (_folder, shell) = shell();
        let who = Credentials { access_key: "AK".into(), secret: "S".into() };
        let mut variables = Variables::default();
        variables.set("VOL", "vol-1");
        shell.run(script, &who, &variables).unwrap()
    }

    #[test]
    fn a_command_sees_captures_credentials_and_its_own_folder() {
        let ran = run("echo $VOL $AWS_ACCESS_KEY_ID $AWS_DEFAULT_REGION; pwd; echo oops >&2");
        assert_eq!(ran.exit, 0);
        assert!(ran.stdout.starts_with("vol-1 AK us-east-2\n"), "{}", ran.stdout);
        assert!(ran.stdout.trim_end().ends_with("/work"), "{}", ran.stdout);
        assert_eq!(ran.stderr, "oops\n");
    }

    #[test]
    fn a_failure_anywhere_in_a_pipe_or_an_unknown_variable_is_a_failure() {
        assert_eq!(run("false | cat").exit, 1);
        assert_ne!(run("echo $NOBODY").exit, 0);
        assert_eq!(run("kill -TERM $$").exit, 128 + 15);
    }
}
