//! Exit codes, and how an error is told: what, why, and what to do next.

use std::process::ExitCode;

/// A check failed.
pub const CHECK_FAILED: u8 = 1;
/// The command line or a file cannot be understood.
pub const USAGE: u8 = 2;
/// Something this machine lacks.
pub const MISSING: u8 = 3;
/// The server does not answer.
pub const UNREACHABLE: u8 = 4;

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Coded {
    /// One of the codes above.
    pub code: u8,
    /// What, why, and what next.
    pub message: String,
}

/// An error of the given code.
pub fn coded(code: u8, message: impl Into<String>) -> anyhow::Error {
    Coded { code, message: message.into() }.into()
}

/// Prints an error to stderr, with its chain, and gives its exit code (1 unless it knows better).
pub fn tell(error: &anyhow::Error) -> ExitCode {
    eprintln!("sse-sim: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    let code = error.chain().find_map(|cause| cause.downcast_ref::<Coded>()).map_or(CHECK_FAILED, |coded| coded.code);
    ExitCode::from(code)
}
