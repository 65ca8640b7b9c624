//! Secret bytes behind one door: `expose`. Wiped on drop, never printed, never cloned.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that must not be seen. The allocation never grows, so no stale copy is left behind by a reallocation.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes over. A vector with spare capacity is copied and its old allocation wiped.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let exact = bytes.as_slice().into();
        bytes.zeroize();
        Self(exact)
    }

    /// Copies from a slice; wiping the source is the caller's affair.
    pub fn copied(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// `len` bytes written in place by `fill`, so that no intermediate copy exists.
    pub fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = vec![0; len].into_boxed_slice();
        fill(&mut bytes);
        Self(bytes)
    }

    /// The one door.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a fixed-size key; `None` when they are of another length.
    pub fn array<const N: usize>(&self) -> Option<&[u8; N]> {
        self.0.as_ref().try_into().ok()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes withheld)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_gives_its_bytes_through_one_door_only() {
        let secret = Secret::copied(b"attack at dawn");
        assert_eq!(secret.expose(), b"attack at dawn");
        assert_eq!(format!("{secret:?}"), "Secret(14 bytes withheld)");
    }

    #[test]
    fn a_vector_with_room_to_spare_is_taken_over_whole() {
        let mut bytes = Vec::with_capacity(100);
        bytes.extend_from_slice(b"key");
        assert_eq!(Secret::new(bytes).expose(), b"key");
        assert_eq!(Secret::filled(3, |out| out.copy_from_slice(b"key")).expose(), b"key");
    }

    #[test]
    fn only_the_right_length_is_a_key_of_that_length() {
        let secret = Secret::copied(&[1; 32]);
        assert_eq!(secret.array::<32>(), Some(&[1; 32]));
        assert_eq!(secret.array::<16>(), None);
    }
}
