//! Time to `Ready.` and resident memory when idle.

use std::time::Duration;

use crate::server::Server;
use crate::stats::{Figure, RUNS};

/// Prints both.
pub fn report() -> anyhow::Result<()> {
    println!("Start");
    let mut memory = Vec::with_capacity(RUNS);
    let start = Figure::take(|| {
        let server = Server::start("startup", &[])?;
        std::thread::sleep(Duration::from_millis(300));
        memory.push(server.resident_mb()?);
        Ok(server.start.as_secs_f64() * 1e3)
    })?;
    println!("  to Ready.                          {:>22} ms   (wanted < 50)", start.text());
    println!(
        "  resident when idle                 {:>22} MB   (wanted < 20)",
        Figure::take(|| Ok(memory.pop().unwrap_or(0.0)))?.text()
    );
    Ok(())
}
