//! The house's entropy as the crates of the ML algorithms want to see it.

use std::convert::Infallible;

use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};

use crate::entropy::Entropy;

/// Draws that come from the caller's source and cannot fail.
pub(super) struct Draws<'a>(pub(super) &'a dyn Entropy);

impl TryRng for Draws<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.array()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Draws<'_> {}
