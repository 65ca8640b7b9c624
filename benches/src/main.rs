//! Measurements, each beside a peer or a limit, in one run on one machine: ratios travel between machines, figures do not.
//!
//! ```text
//! xts       this house's XTS beside OpenSSL's, one core
//! volume    an attached volume beside the same daemon with a null cipher
//! kms       GenerateDataKey and Decrypt beside a bare axum handler
//! startup   time to `Ready.`, resident memory when idle
//! ```
//!
//! `make bench` runs all; `cargo run --release -p benches -- kms` one. Medians of five; the spread is printed.
#![allow(clippy::print_stdout, reason = "a report is what this program is for")]

mod bare;
mod client;
mod kms;
mod server;
mod startup;
mod stats;
mod volume;
mod xts;

fn main() -> anyhow::Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.first().map(String::as_str) == Some("bare-axum") {
        return bare::serve();
    }
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    if wanted("xts") {
        xts::report()?;
    }
    if wanted("startup") {
        startup::report()?;
    }
    if wanted("kms") {
        kms::report()?;
    }
    if wanted("volume") {
        volume::report()?;
    }
    Ok(())
}
