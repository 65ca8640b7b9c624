//! What can go wrong below the services. Cloneable, because one failed commit is told to every writer that shared it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why rows or blobs could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, has the file open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The file is damaged, or is no store at all.
    #[error("{} is damaged or is not a store: {reason}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The operating system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The backend could not read or commit.
    #[error("the table store failed: {0}")]
    Backend(String),
    /// A value cannot be written as bytes.
    #[error("a row of table {table} cannot be encoded: {reason}")]
    Encode {
        /// Table name.
        table: &'static str,
        /// What the encoder said.
        reason: String,
    },
    /// A stored value is not of the table's type.
    #[error("row {key} of table {table} cannot be decoded: {reason}")]
    Decode {
        /// Table name.
        table: &'static str,
        /// Key of the row.
        key: String,
        /// What the decoder said.
        reason: String,
    },
    /// A writer's closure panicked, or the writing thread did: nobody will say how the write went.
    #[error("a write was abandoned before it was committed")]
    Abandoned,
    /// A blob id with other characters than letters, digits, `.`, `-` and `_`, or too long, or starting with a dot.
    #[error("{0:?} is not a blob id")]
    BlobId(String),
}

impl StoreError {
    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        move |source| Self::Io { doing, source: Arc::new(source) }
    }

    /// Whether the operating system says that the file does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
