//! XTS as the standard is written, block by block, by the `xts-mode` crate: slow, and the oracle for the others.

use aes::{Aes256, cipher::KeyInit};
use xts_mode::{Xts128, get_tweak_default};

use super::{DATA_UNIT_BYTES, DataUnit, Halves};

pub(super) struct Schedules(Xts128<Aes256>);

impl Schedules {
    pub(super) fn expand(halves: Halves<'_>) -> Self {
        Self(Xts128::new(Aes256::new(halves.data.into()), Aes256::new(halves.tweak.into())))
    }

    pub(super) fn encrypt(&self, first: DataUnit, data: &mut [u8]) {
        self.0.encrypt_area(data, DATA_UNIT_BYTES, first.0.into(), get_tweak_default);
    }

    pub(super) fn decrypt(&self, first: DataUnit, data: &mut [u8]) {
        self.0.decrypt_area(data, DATA_UNIT_BYTES, first.0.into(), get_tweak_default);
    }
}
