//! XTS in safe Rust: whole batches of blocks through the `aes` crate, which picks VAES, AES-NI or ARMv8 itself.
//!
//! What makes it quick: the first tweaks of many data units are encrypted in one call of key 2, and blocks of
//! neighbouring units share one batch of key 1, so that the processor's AES pipeline never runs dry at a unit's
//! end. All of it happens inside the `aes` crate's closure, where its instructions are inlined.

use aes::cipher::inout::InOutBuf;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure,
    BlockCipherEncrypt, BlockSizeUser, KeyInit, ParBlocks, consts::U16,
};
use aes::{Aes256Dec, Aes256Enc, Block};

use super::{DATA_UNIT_BYTES, DataUnit, Halves};

/// Blocks of one data unit.
const UNIT_BLOCKS: usize = DATA_UNIT_BYTES / 16;
/// Data units whose first tweaks are computed together.
const TWEAKED_TOGETHER: usize = 64;
/// Data units whose blocks and tweaks stay in the first-level cache together.
const UNITS_TOGETHER: usize = 8;

pub(super) struct Schedules {
    data_enc: Aes256Enc,
    data_dec: Aes256Dec,
    tweak: Aes256Enc,
}

impl Schedules {
    pub(super) fn expand(halves: Halves<'_>) -> Self {
        let data_enc = Aes256Enc::new(halves.data.into());
        Self { data_dec: Aes256Dec::from(&data_enc), data_enc, tweak: Aes256Enc::new(halves.tweak.into()) }
    }

    pub(super) fn encrypt(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        self.each_batch(first, data, |tweaks, blocks| self.data_enc.encrypt_with_backend(Run { tweaks, blocks }));
    }

    pub(super) fn decrypt(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        self.each_batch(first, data, |tweaks, blocks| self.data_dec.decrypt_with_backend(Run { tweaks, blocks }));
    }

    fn each_batch(
        &self,
        DataUnit(mut unit): DataUnit,
        data: InOutBuf<'_, '_, u8>,
        mut each: impl FnMut(&[Block], InOutBuf<'_, '_, Block>),
    ) {
        let (mut blocks, _) = data.into_chunks::<U16>();
        while !blocks.is_empty() {
            let units = (blocks.len() / UNIT_BLOCKS).min(TWEAKED_TOGETHER);
            let (batch, rest) = blocks.split_at(units * UNIT_BLOCKS);
            let mut tweaks = [Block::default(); TWEAKED_TOGETHER];
            let tweaks = &mut tweaks[..units];
            for tweak in tweaks.iter_mut() {
                tweak[..8].copy_from_slice(&unit.to_le_bytes());
                unit = unit.wrapping_add(1);
            }
            self.tweak.encrypt_blocks(tweaks);
            each(tweaks, batch);
            blocks = rest;
        }
    }
}

/// Consecutive data units, with the first tweak of each.
struct Run<'t, 'src, 'dst> {
    tweaks: &'t [Block],
    blocks: InOutBuf<'src, 'dst, Block>,
}

impl BlockSizeUser for Run<'_, '_, '_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Run<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        self.each_group(|powers, blocks| {
            let (batches, tail) = blocks.into_chunks::<B::ParBlocksSize>();
            let (whole, rest) = powers.split_at(batches.len() * B::ParBlocksSize::USIZE);
            for (mut batch, powers) in batches.into_iter().zip(whole.chunks_exact(B::ParBlocksSize::USIZE)) {
                let mut work: ParBlocks<B> = batch.clone_in();
                xor(&mut work, powers);
                backend.encrypt_par_blocks_inplace(&mut work);
                xor(&mut work, powers);
                *batch.get_out() = work;
            }
            each_single(tail, rest, |block| backend.encrypt_block_inplace(block));
        });
    }
}

impl BlockCipherDecClosure for Run<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        self.each_group(|powers, blocks| {
            let (batches, tail) = blocks.into_chunks::<B::ParBlocksSize>();
            let (whole, rest) = powers.split_at(batches.len() * B::ParBlocksSize::USIZE);
            for (mut batch, powers) in batches.into_iter().zip(whole.chunks_exact(B::ParBlocksSize::USIZE)) {
                let mut work: ParBlocks<B> = batch.clone_in();
                xor(&mut work, powers);
                backend.decrypt_par_blocks_inplace(&mut work);
                xor(&mut work, powers);
                *batch.get_out() = work;
            }
            each_single(tail, rest, |block| backend.decrypt_block_inplace(block));
        });
    }
}

impl Run<'_, '_, '_> {
    /// Hands out groups of data units, every block with its tweak.
    #[inline(always)]
    fn each_group(self, mut each: impl FnMut(&[u128], InOutBuf<'_, '_, Block>)) {
        let mut blocks = self.blocks;
        let mut powers = [0; UNITS_TOGETHER * UNIT_BLOCKS];
        for firsts in self.tweaks.chunks(UNITS_TOGETHER) {
            let powers = &mut powers[..firsts.len() * UNIT_BLOCKS];
            for (first, powers) in firsts.iter().zip(powers.chunks_exact_mut(UNIT_BLOCKS)) {
                fill_powers(u128::from_le_bytes((*first).into()), powers);
            }
            let (group, rest) = blocks.split_at(powers.len());
            each(powers, group);
            blocks = rest;
        }
    }
}

/// `tweak · x^j` for each block j of a unit.
#[inline(always)]
fn fill_powers(mut tweak: u128, powers: &mut [u128]) {
    for power in powers {
        *power = tweak;
        tweak = (tweak << 1) ^ (0x87 & (tweak as i128 >> 127) as u128);
    }
}

#[inline(always)]
fn each_single(blocks: InOutBuf<'_, '_, Block>, powers: &[u128], mut cipher: impl FnMut(&mut Block)) {
    for (mut block, power) in blocks.into_iter().zip(powers.chunks_exact(1)) {
        let mut work = [block.clone_in()];
        xor(&mut work, power);
        cipher(&mut work[0]);
        xor(&mut work, power);
        *block.get_out() = work[0];
    }
}

#[inline(always)]
fn xor(blocks: &mut [Block], powers: &[u128]) {
    for (block, power) in blocks.iter_mut().zip(powers) {
        *block = (u128::from_le_bytes((*block).into()) ^ power).to_le_bytes().into();
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use aes::cipher::array::ArraySize;
    use aes::cipher::consts::{U1, U8, U30, U64};
    use aes::cipher::inout::InOut;
    use aes::cipher::{BlockCipherDecBackend, BlockCipherEncBackend, ParBlocksSizeUser};

    use super::*;

    /// A processor that takes `N` blocks at a time, whatever this machine's takes.
    struct Processor<'k, N>(&'k Schedules, PhantomData<N>);

    impl<N> BlockSizeUser for Processor<'_, N> {
        type BlockSize = U16;
    }

    impl<N: ArraySize> ParBlocksSizeUser for Processor<'_, N> {
        type ParBlocksSize = N;
    }

    impl<N: ArraySize> BlockCipherEncBackend for Processor<'_, N> {
        fn encrypt_block(&self, block: InOut<'_, '_, Block>) {
            self.0.data_enc.encrypt_block_inout(block);
        }
    }

    impl<N: ArraySize> BlockCipherDecBackend for Processor<'_, N> {
        fn decrypt_block(&self, block: InOut<'_, '_, Block>) {
            self.0.data_dec.decrypt_block_inout(block);
        }
    }

    fn check<N: ArraySize>(units: usize) {
        let keys = Schedules::expand(Halves { data: &[1; 32], tweak: &[2; 32] });
        let processor = Processor::<N>(&keys, PhantomData);
        let plain: Vec<u8> = (0..units * DATA_UNIT_BYTES).map(|at| (at ^ (at >> 8)) as u8).collect();
        let mut expected = plain.clone();
        keys.encrypt(DataUnit(9), expected.as_mut_slice().into());
        let mut data = plain.clone();
        keys.each_batch(DataUnit(9), data.as_mut_slice().into(), |tweaks, blocks| {
            BlockCipherEncClosure::call(Run { tweaks, blocks }, &processor);
        });
        assert!(data == expected, "encrypting {units} units by {}", N::USIZE);
        keys.each_batch(DataUnit(9), data.as_mut_slice().into(), |tweaks, blocks| {
            BlockCipherDecClosure::call(Run { tweaks, blocks }, &processor);
        });
        assert!(data == plain, "decrypting {units} units by {}", N::USIZE);
    }

    #[test]
    fn processors_of_every_width_agree() {
        for units in [1, 2, 7, 8, 9, 65] {
            check::<U1>(units);
            check::<U8>(units);
            check::<U30>(units);
            check::<U64>(units);
        }
    }
}
