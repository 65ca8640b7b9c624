//! Encryption context: the map of names and values that a ciphertext is bound to (its additional authenticated data).
//!
//! The canonical form must be unambiguous: `{"a": "bc"}` and `{"ab": "c"}` are different contexts. So pairs are
//! sorted by name, and every part carries its length:
//!
//! ```text
//! u32be pairs ‖ ( u32be |name| ‖ name ‖ u32be |value| ‖ value ) × pairs
//! ```
//!
//! Deliberately absent: limits. How large a context may be is KMS's affair.

use std::collections::BTreeMap;

/// Names and values, exact and case-sensitive. The order in which a caller wrote them does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// The bytes that go into the AAD.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.size_bytes() + 8 * self.0.len());
        push_length(&mut out, self.0.len());
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            push_length(&mut out, part.len());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }

    /// Whether there are no pairs. An empty context and an absent one are the same.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all names and values, UTF-8.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The pairs, sorted by name.
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl From<BTreeMap<String, String>> for EncryptionContext {
    fn from(pairs: BTreeMap<String, String>) -> Self {
        Self(pairs)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for EncryptionContext {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn push_length(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("a context part of 4 GiB does not pass any door");
    out.extend_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_canonical_form_is_sorted_and_length_prefixed() {
        let context = EncryptionContext::from([("b", "2"), ("a", "")]);
        assert_eq!(context.canonical(), b"\0\0\0\x02\0\0\0\x01a\0\0\0\0\0\0\0\x01b\0\0\0\x012");
        assert_eq!(context.size_bytes(), 3);
        assert_eq!(EncryptionContext::default().canonical(), [0; 4]);
    }

    #[test]
    fn moving_a_letter_across_the_border_makes_another_context() {
        let one = EncryptionContext::from([("a", "bc")]);
        let other = EncryptionContext::from([("ab", "c")]);
        assert_ne!(one.canonical(), other.canonical());
    }

    proptest! {
        #[test]
        fn different_contexts_never_share_a_canonical_form(
            one in proptest::collection::btree_map("[ab]{0,3}", "[ab]{0,3}", 0..4),
            other in proptest::collection::btree_map("[ab]{0,3}", "[ab]{0,3}", 0..4),
        ) {
            let same = one == other;
            let (one, other) = (EncryptionContext::from(one), EncryptionContext::from(other));
            prop_assert_eq!(one.canonical() == other.canonical(), same);
        }
    }
}
