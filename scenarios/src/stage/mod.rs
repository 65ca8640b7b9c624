//! The stage of a lesson: a server, the people of its account, and a folder where commands run.

pub mod http;
pub mod people;
pub mod server;
pub mod shell;

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::Options;
use crate::script::load::Lesson;
use crate::script::{Need, World};

use http::Http;
use people::People;
use server::Server;
use shell::Shell;

/// Why the curtain cannot rise.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The machine lacks something; says what, why, and how to get it.
    #[error("{0}")]
    Missing(String),
    /// The server does not answer, or not as a sse-sim would.
    #[error("{0}")]
    Unreachable(String),
    /// A file of the lesson is not what it should be.
    #[error("{0}")]
    Script(String),
}

/// Everything a lesson plays with. Fields fall in this order: the server stops before its folder goes.
pub struct Stage {
    /// The way to the server.
    pub http: Http,
    /// Who can be at the keyboard.
    pub people: People,
    /// Where commands run.
    pub shell: Shell,
    server: Option<Server>,
    _folder: TempDir,
}

impl Stage {
    /// Starts (or finds) the server, looks for what the lesson needs, and lets its people enter.
    pub async fn rise(lesson: &Lesson, options: &Options) -> Result<Self, StageError> {
        let world = &lesson.scenario.world;
        let needs = &lesson.scenario.needs;
        needs.iter().try_for_each(|need| local(*need))?;
        let folder = tempfile::Builder::new().prefix("sse-sim-lesson-").tempdir();
        let folder = folder.map_err(|error| StageError::Missing(format!("cannot make a temporary folder: {error}")))?;
        let server = match &options.target {
            Some(_) => None,
            None => Some(Server::start(&options.server_exe, folder.path(), world.seed, needs.contains(&Need::Fuse))?),
        };
        let endpoint = options.target.as_deref().or(server.as_ref().map(Server::endpoint)).unwrap_or_default();
        let http = Http::new(endpoint, &world.account, &world.region)?;
        let shell = Shell::new(folder.path(), &options.server_exe, &http)?;
        tools(&shell, needs)?;
        if needs.contains(&Need::Fuse) {
            device_files(&http.control("/_sim/health").await?)?;
        }
        let people = people::enter(&http, world, &lesson.shelf).await?;
        Ok(Self { http, people, shell, server, _folder: folder })
    }

    /// Takes everything away. Where a server lives on, the lesson's people leave it.
    pub async fn fall(self, world: &World) {
        if self.server.is_none() {
            people::leave(&self.http, world, &self.people).await;
        }
    }
}

/// What can be found out before a server runs.
fn local(need: Need) -> Result<(), StageError> {
    match need {
        Need::Root if !rustix::process::geteuid().is_root() => Err(StageError::Missing(
            "this lesson mounts a file system, which only root may: run it with sudo, or as root in a container".into(),
        )),
        Need::Fuse if !Path::new("/dev/fuse").exists() => Err(StageError::Missing(
            "this lesson needs FUSE, and /dev/fuse is absent: load the module (modprobe fuse) and install fuse3, or give a container --device /dev/fuse".into(),
        )),
        Need::Root | Need::Fuse | Need::Openssl => Ok(()),
    }
}

fn tools(shell: &Shell, needs: &[Need]) -> Result<(), StageError> {
    if !shell.has("aws") {
        let text =
            "the aws-cli is absent, and every lesson runs it: `pip install awscli`, or https://aws.amazon.com/cli";
        return Err(StageError::Missing(text.into()));
    }
    if needs.contains(&Need::Openssl) && !shell.has("openssl") {
        return Err(StageError::Missing("this lesson needs the openssl command: install the package openssl".into()));
    }
    Ok(())
}

/// Whether the server says that attached volumes are device files; silence counts as yes.
fn device_files(health: &Value) -> Result<(), StageError> {
    let fuse = &health["ebs"]["fuse"];
    if fuse["available"] != Value::Bool(false) {
        return Ok(());
    }
    let reason = fuse["reason"].as_str().unwrap_or("its health says no more");
    let text = format!("the server serves no device files: {reason}; install fuse3 and start it again");
    Err(StageError::Missing(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_without_device_files_says_why() {
        let without = json!({"ebs": {"fuse": {"available": false, "reason": "/dev/fuse is absent"}}});
        assert!(device_files(&without).unwrap_err().to_string().contains("/dev/fuse is absent"));
        assert!(device_files(&json!({"ebs": {"fuse": {"available": true, "reason": null}}})).is_ok());
        assert!(device_files(&json!({})).is_ok());
    }
}
