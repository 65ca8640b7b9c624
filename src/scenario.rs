//! `sse-sim scenario run|test|lint`: hands files to the runner and turns its outcome into an exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;

use crate::flags::{ScenarioRun, ScenarioVerb};

/// Runs the verb.
pub async fn run(verb: ScenarioVerb) -> anyhow::Result<ExitCode> {
    let outcome = match verb {
        ScenarioVerb::Run(run) => play(run, true).await?,
        ScenarioVerb::Test(run) => play(run, false).await?,
        ScenarioVerb::Lint { files } => scenarios::lint(&files, &mut std::io::stdout())?,
    };
    Ok(ExitCode::from(outcome.exit_code()))
}

async fn play(run: ScenarioRun, narrate: bool) -> anyhow::Result<scenarios::Outcome> {
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let options = scenarios::Options {
        server_exe: std::env::current_exe().context("finding this program")?,
        target: run.target,
        color,
        json: run.json,
        narrate,
    };
    scenarios::run(&run.files, &options, &mut std::io::stdout()).await
}
