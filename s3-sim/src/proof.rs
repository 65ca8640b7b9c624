//! The proof in a row: AEAD under a key derived from the data key.
//!
//! ```text
//! key   HKDF-SHA256(data key, info = "SEA1 row")
//! AAD   a label, the name of what the row describes, then the row's plain members as JSON: sizes, pieces, ETag, times, headers
//! text  the checksums, which describe the plaintext and so must not stand beside the ciphertext in clear
//! ```
//! Whoever rolls back a size, exchanges a piece or edits an ETag must know the data key to make a new proof.

use envelope::data_key::PlaintextDataKey;
use envelope::derive::hkdf_sha256;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use envelope::wrap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Outcome, damaged};

/// What a proof belongs to; one row's cannot stand in for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Row<'a> {
    /// A whole object, by its ARN.
    Object(&'a str),
    /// A part, by the id of its upload.
    Part(&'a str),
}

/// Seals `hidden`, bound to `plain`.
pub(crate) fn seal(
    key: &PlaintextDataKey,
    row: Row<'_>,
    plain: &impl Serialize,
    hidden: &impl Serialize,
    entropy: &dyn Entropy,
) -> Vec<u8> {
    wrap::wrap(&row_key(key), &bound_to(row, plain), &encode(hidden), entropy)
}

/// Opens a proof; fails when any member of `plain` is not what it was.
pub(crate) fn open<H: DeserializeOwned>(
    key: &PlaintextDataKey,
    row: Row<'_>,
    plain: &impl Serialize,
    proof: &[u8],
) -> Outcome<H> {
    let opened = wrap::unwrap(&row_key(key), &bound_to(row, plain), proof).map_err(|_| damaged("a metadata row"))?;
    serde_json::from_slice(opened.expose()).map_err(|_| damaged("a metadata row"))
}

fn row_key(key: &PlaintextDataKey) -> Secret {
    Secret::filled(32, |out| hkdf_sha256(key.expose(), b"", b"SEA1 row", out))
}

fn bound_to(row: Row<'_>, plain: &impl Serialize) -> Vec<u8> {
    encode(&(row, plain))
}

/// JSON: every member by name and in the order of its struct, maps sorted; so one value has one form.
fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("rows have string keys and no failing members")
}
