//! The stage of a lesson: a server, the people of its account, and a folder where commands run.

pub mod http;
pub mod people;
pub mod server;
pub mod shell;

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
