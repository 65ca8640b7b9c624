//! Where randomness comes from: the caller. The binary hands in the operating system's; `--seed` hands in a replay.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

/// A source of random bytes. Shared between threads, so it is asked by `&self`.
pub trait Entropy: Send + Sync {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// A replayable source: SHA-256 of a seed and a counter. Only for tests and `--seed`; its keys are no secrets.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededEntropy {
    /// The same seed gives the same bytes in the same order.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut counter = self.counter.lock().expect("no holder of the counter panics");
        for chunk in out.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(b"sse-sim seeded entropy");
            hash.update(self.seed.to_le_bytes());
            hash.update(counter.to_le_bytes());
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
            *counter += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_another_seed_does_not() {
        let draw = |seed| {
            let source: &dyn Entropy = &SeededEntropy::new(seed);
            (source.array::<16>(), source.array::<40>())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1).0, draw(2).0);
        assert_ne!(draw(1).0[..], draw(1).1[..16], "the second draw goes on where the first ended");
    }
}
