//! `sse-sim up`: bind, compose, say so, serve until told to stop, and leave in order.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::compose::House;
use crate::exit::{USAGE, coded};
use crate::flags::{Auth, UpFlags};
use crate::os;

/// How often time-driven work (rotation, deletion) is looked at. The clock's own moves are looked at at once.
const TICK: Duration = Duration::from_secs(1);

/// Serves until SIGINT or SIGTERM.
pub async fn up(flags: &UpFlags) -> anyhow::Result<()> {
    if !flags.bind.is_loopback() && flags.auth == Auth::Open {
        return Err(coded(
            USAGE,
            format!(
                "refusing to bind {} with --auth open: unknown keys act as account root there.\n\
                 Use --auth verify, or bind a loopback address.",
                flags.bind
            ),
        ));
    }
    os::harden_process()?;
    // The signals are caught before `Ready.` is printed, so that whoever waits for it may stop the server at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind((flags.bind, flags.port)).await.with_context(|| {
        format!("binding {}:{}; choose another port with --port, or 0 for a free one", flags.bind, flags.port)
    })?;
    let address = listener.local_addr()?;
    let house = House::open(flags, address.port()).await?;
    if let Some(missing) = house.missing_for(flags) {
        house.close().await;
        return Err(missing);
    }
    announce(flags, &house, address)?;
    let ticking = tokio::spawn(tick(house.kms.clone()));
    let stop = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    aws_wire::serve::serve(listener, house.doors.clone(), stop).await?;
    ticking.abort();
    house.close().await;
    Ok(())
}

async fn tick(kms: Option<std::sync::Arc<kms_sim::KmsSim>>) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        if let Some(kms) = &kms {
            kms.tick().await;
        }
    }
}

/// `endpoint …` and `Ready.` are read by programs: test fixtures, compose files, the scenario runner.
fn announce(flags: &UpFlags, house: &House, address: SocketAddr) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "sse-sim {}: a simulator; its HSM is a file. Keep no real secrets in it.",
        env!("CARGO_PKG_VERSION")
    )?;
    let keeping = if house.state().is_ephemeral() { "state (gone at exit)" } else { "state" };
    writeln!(out, "{keeping} {}", house.state().path().display())?;
    if let Some(file) = &house.root_credentials {
        writeln!(out, "root credentials {}", file.display())?;
    }
    if let Some(line) = &house.kms_line {
        writeln!(out, "kms {line}")?;
    }
    if let Some(seed) = flags.seed {
        writeln!(out, "seed {seed}: ids, keys and nonces are replayed and are no secrets")?;
    }
    writeln!(out, "endpoint http://{address}")?;
    writeln!(out, "Ready.")?;
    out.flush()?;
    Ok(())
}
