//! What is sealed twice: by KMS inside, by an external key manager outside.
//!
//! ```text
//!  0   01 02 {02|03} 01 78    as a blob begins, but for the fourth byte
//!  5   key material id        32 bytes, of the material of KMS
//! 37   u8 length, ciphertext metadata of the proxy (at most 20 bytes)
//!      u8 length, initialization vector (12 or 16 bytes)
//!      authentication tag     16 bytes
//!      ciphertext             as long as the blob that it hides
//! ```
//!
//! The header and the encryption context are the additional data that the external key manager authenticates.

use envelope::blob::{CiphertextBlob, Origin};
use envelope::context::EncryptionContext;
use sha2::{Digest, Sha256};

use crate::model::backing_key::MaterialId;

const HEADER_BYTES: usize = 37;

/// What an external key manager made of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outer {
    /// Whatever the proxy wants to see again.
    pub metadata: Vec<u8>,
    /// Initialization vector.
    pub iv: Vec<u8>,
    /// Authentication tag.
    pub tag: Vec<u8>,
    /// Ciphertext.
    pub ciphertext: Vec<u8>,
}

/// A blob sealed twice, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwiceSealed {
    /// The first 37 bytes.
    pub header: [u8; HEADER_BYTES],
    /// The rest.
    pub outer: Outer,
}

impl TwiceSealed {
    /// The header that belongs to an inner blob; `None` if it is none.
    pub fn header_of(inner: &[u8]) -> Option<[u8; HEADER_BYTES]> {
        let mut header: [u8; HEADER_BYTES] = *inner.first_chunk()?;
        header[3] = 1;
        Some(header)
    }

    /// Takes it apart; `None` if it is something else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let known = matches!(header[..5], [1, 2, 2 | 3, 1, 0x78]);
        let (metadata, rest) = prefixed(rest).filter(|(metadata, _)| known && metadata.len() <= 20)?;
        let (iv, rest) = prefixed(rest).filter(|(iv, _)| matches!(iv.len(), 12 | 16))?;
        let (tag, ciphertext) = rest.split_at_checked(16)?;
        let [metadata, iv, tag, ciphertext] = [metadata, iv, tag, ciphertext].map(<[u8]>::to_vec);
        Some(Self { header: *header, outer: Outer { metadata, iv, tag, ciphertext } })
    }

    /// Puts it together. The outer parts have the lengths that [`Self::parse`] demands.
    pub fn encode(&self) -> Vec<u8> {
        let Outer { metadata, iv, tag, ciphertext } = &self.outer;
        let lengths = [metadata.len(), iv.len()].map(|len| [u8::try_from(len).unwrap_or(u8::MAX)]);
        [&self.header, &lengths[0][..], metadata, &lengths[1], iv, tag, ciphertext].concat()
    }

    /// Of the material of KMS.
    pub fn material(&self) -> MaterialId {
        MaterialId(*self.header[5..].first_chunk().expect("the header ends with 32 bytes of id"))
    }

    /// Which operation made it.
    pub fn origin(&self) -> Origin {
        if self.header[2] == 3 { Origin::DataKey } else { Origin::Encrypt }
    }

    /// Whether `inner` is the blob that this header announces.
    pub fn holds(&self, inner: &CiphertextBlob) -> bool {
        inner.material_id == self.material().0 && inner.origin == self.origin()
    }
}

/// The additional data for the external key manager.
pub fn additional_data(header: &[u8], context: &EncryptionContext) -> [u8; 32] {
    Sha256::new().chain_update(header).chain_update(context.canonical()).finalize().into()
}

fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_put_together_comes_apart_alike(
            metadata in proptest::collection::vec(any::<u8>(), 0..=20),
            iv in proptest::collection::vec(any::<u8>(), 12),
            ciphertext in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut header = [7; HEADER_BYTES];
            header[..5].copy_from_slice(&[1, 2, 3, 1, 0x78]);
            let made = TwiceSealed { header, outer: Outer { metadata, iv, tag: vec![9; 16], ciphertext } };
            prop_assert_eq!(TwiceSealed::parse(&made.encode()), Some(made));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(parsed) = TwiceSealed::parse(&bytes) {
                prop_assert_eq!(parsed.encode(), bytes);
            }
        }
    }
}
