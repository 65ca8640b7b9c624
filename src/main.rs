//! The command line. Everything below it returns errors; this file turns them into sentences and exit codes.

use std::process::ExitCode;

use clap::Parser;
use sse_sim::flags::{Cli, Command};
use sse_sim::{commands, exit, mount, object, scenario, serve};

fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logging();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => exit::tell(&error),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Up(flags) => serve::up(&flags).await.map(|()| ExitCode::SUCCESS),
            Command::Env(endpoint) => commands::env(&endpoint),
            Command::Health(endpoint) => commands::health(&endpoint).await,
            Command::Keys(flags) => commands::keys(&flags).await,
            Command::Why(flags) => commands::why(&flags).await,
            Command::Object(flags) => object::run(&flags.verb).await,
            Command::Hsm(flags) => commands::hsm(&flags.verb).await,
            Command::Mount(flags) => mount::mount(&flags).await,
            Command::Umount(flags) => mount::umount(&flags).await,
            Command::Scenario(flags) => scenario::run(flags.verb).await,
        }
    })
}

/// Logs go to stderr; stdout is data. s3s is silenced: it logs refusals as errors, and whole requests below that.
/// `SSE_SIM_LOG` takes an env-filter such as `info` or `ebs_sim=debug`.
fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SSE_SIM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,s3s=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
