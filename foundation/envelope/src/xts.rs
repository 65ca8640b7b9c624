//! The cipher of a volume: AES-256-XTS over 512-byte data units, as dm-crypt's `aes-xts-plain64` writes it.
//!
//! ```text
//! 64-byte data key = K1 (data) ‖ K2 (tweak)
//! data unit n, block j:   T = AES-K2(LE128(n)) · x^j in GF(2^128)        C = AES-K1(P ⊕ T) ⊕ T
//! ```
//!
//! The tweak is the number of the 512-byte sector on the volume. So the file of a volume is what dm-crypt, qemu and
//! nbdkit read, given the key; a sector is rewritten alone; and equal plaintexts in two places look different.
//! XTS has no integrity: a flipped ciphertext bit garbles one block of 16 bytes, silently.
//!
//! ```text
//! fused      AVX-512 and VAES, written by hand: where the processor has them      (unsafe, one module)
//! batched    whole batches of blocks through the `aes` crate: everywhere          (safe)
//! reference  the `xts-mode` crate, block by block: the oracle, `--cipher reference`
//! null       identity: for volumes without encryption, and as the benchmarks' control
//! ```
//!
//! All expanded keys live in one page of locked memory. No copy of the 64 bytes is kept: the cipher holds K1 once, as
//! the first two round keys of its schedule (`tests/key_in_memory.rs` counts, also on the stacks).
//!
//! Deliberately absent: ciphertext stealing (a volume is whole sectors), files, and holes (`ebs-sim` decides what was
//! never written).

mod batched;
#[cfg(target_arch = "x86_64")]
mod fused;
mod reference;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use aes::cipher::inout::InOutBuf;
use subtle::ConstantTimeEq;

use crate::data_key::PlaintextDataKey;
use crate::locked::{LockError, Locked};

/// Bytes of one data unit: a sector.
pub const DATA_UNIT_BYTES: usize = 512;
/// Bytes of a volume's data key.
pub const VOLUME_KEY_BYTES: usize = 64;

/// Number of a 512-byte data unit on its volume, from 0. It is the tweak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataUnit(pub u64);

/// Which implementation does the work. All give the same bytes, except `Null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// AVX-512 and VAES by hand.
    Fused,
    /// Safe Rust over whole batches of blocks.
    Batched,
    /// Block by block, as the standard is written.
    Reference,
    /// No encryption at all.
    Null,
}

/// Why a cipher cannot be made of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// Not 64 bytes.
    #[error("a volume key has 64 bytes, not {0}")]
    KeyLength(usize),
    /// Both halves are equal, which FIPS 140 forbids: XTS would lose its proof.
    #[error("the two halves of a volume key are equal")]
    EqualHalves,
    /// No locked memory.
    #[error(transparent)]
    Memory(#[from] LockError),
    /// This machine lacks what the backend needs.
    #[error("the {0} cipher needs AVX-512 and VAES")]
    Unsupported(Backend),
}

/// A volume's key, expanded and ready, in locked memory. Wiped on drop.
#[derive(Debug)]
pub struct VolumeCipher(Engine);

#[derive(Debug)]
enum Engine {
    #[cfg(target_arch = "x86_64")]
    Fused(Locked<fused::Schedules>),
    Batched(Locked<batched::Schedules>),
    Reference(Locked<reference::Schedules>),
    Null,
}

impl VolumeCipher {
    /// Expands `key` for the fastest backend of this machine. The key may be dropped afterwards.
    pub fn new(key: &PlaintextDataKey) -> Result<Self, CipherError> {
        Self::with_backend(key, Backend::fastest())
    }

    /// Expands `key` for one backend. `Null` takes any key and looks at none.
    pub fn with_backend(key: &PlaintextDataKey, backend: Backend) -> Result<Self, CipherError> {
        if backend == Backend::Null {
            return Ok(Self::null());
        }
        let key = key.expose().try_into().map_err(|_| CipherError::KeyLength(key.len()))?;
        let halves = Halves::split(key)?;
        let engine = match backend {
            Backend::Fused => fused_engine(halves)?,
            Backend::Batched => Engine::Batched(Locked::build(|| batched::Schedules::expand(halves))?),
            Backend::Reference => Engine::Reference(Locked::build(|| reference::Schedules::expand(halves))?),
            Backend::Null => Engine::Null,
        };
        Ok(Self(engine))
    }

    /// The identity, for a volume without encryption.
    pub fn null() -> Self {
        Self(Engine::Null)
    }

    /// What does the work.
    pub fn backend(&self) -> Backend {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Engine::Fused(_) => Backend::Fused,
            Engine::Batched(_) => Backend::Batched,
            Engine::Reference(_) => Backend::Reference,
            Engine::Null => Backend::Null,
        }
    }

    /// Encrypts consecutive data units from `src` to `dst`; `first` is the number of the first.
    ///
    /// # Panics
    /// When the lengths differ or are not whole data units.
    pub fn encrypt(&self, first: DataUnit, src: &[u8], dst: &mut [u8]) {
        self.encrypt_run(first, run(src, dst));
    }

    /// Encrypts consecutive data units where they stand.
    ///
    /// # Panics
    /// When `data` is not whole data units.
    pub fn encrypt_in_place(&self, first: DataUnit, data: &mut [u8]) {
        self.encrypt_run(first, data.into());
    }

    /// Decrypts consecutive data units from `src` to `dst`.
    ///
    /// # Panics
    /// When the lengths differ or are not whole data units.
    pub fn decrypt(&self, first: DataUnit, src: &[u8], dst: &mut [u8]) {
        self.decrypt_run(first, run(src, dst));
    }

    /// Decrypts consecutive data units where they stand.
    ///
    /// # Panics
    /// When `data` is not whole data units.
    pub fn decrypt_in_place(&self, first: DataUnit, data: &mut [u8]) {
        self.decrypt_run(first, data.into());
    }

    fn encrypt_run(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        assert_whole_units(data.len());
        match &self.0 {
            #[cfg(target_arch = "x86_64")]
            Engine::Fused(keys) => keys.encrypt(first, data),
            Engine::Batched(keys) => keys.encrypt(first, data),
            Engine::Reference(keys) => keys.encrypt(first, data.into_out_with_copied_in()),
            Engine::Null => _ = data.into_out_with_copied_in(),
        }
    }

    fn decrypt_run(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        assert_whole_units(data.len());
        match &self.0 {
            #[cfg(target_arch = "x86_64")]
            Engine::Fused(keys) => keys.decrypt(first, data),
            Engine::Batched(keys) => keys.decrypt(first, data),
            Engine::Reference(keys) => keys.decrypt(first, data.into_out_with_copied_in()),
            Engine::Null => _ = data.into_out_with_copied_in(),
        }
    }
}

impl Backend {
    /// The fastest that encrypts and that this machine can run.
    pub fn fastest() -> Self {
        if fused_available() { Self::Fused } else { Self::Batched }
    }

    /// All that this machine can run.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Batched, Self::Reference, Self::Null];
        all.extend(fused_available().then_some(Self::Fused));
        all
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Batched => "batched",
            Self::Reference => "reference",
            Self::Null => "null",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = NoSuchBackend;

    fn from_str(name: &str) -> Result<Self, NoSuchBackend> {
        let all = [Self::Fused, Self::Batched, Self::Reference, Self::Null];
        all.into_iter().find(|backend| backend.name() == name).ok_or(NoSuchBackend)
    }
}

/// Not the name of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a volume cipher is one of fused, batched, reference, null")]
pub struct NoSuchBackend;

/// The two keys within a volume's data key.
#[derive(Clone, Copy)]
struct Halves<'a> {
    data: &'a [u8; 32],
    tweak: &'a [u8; 32],
}

impl<'a> Halves<'a> {
    fn split(key: &'a [u8; VOLUME_KEY_BYTES]) -> Result<Self, CipherError> {
        let (data, tweak) = key.split_first_chunk().expect("64 bytes are 32 and 32");
        let tweak = tweak.first_chunk().expect("64 bytes are 32 and 32");
        if data.ct_eq(tweak).into() { Err(CipherError::EqualHalves) } else { Ok(Self { data, tweak }) }
    }
}

#[cfg(target_arch = "x86_64")]
fn fused_available() -> bool {
    fused::available()
}

#[cfg(not(target_arch = "x86_64"))]
fn fused_available() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn fused_engine(halves: Halves<'_>) -> Result<Engine, CipherError> {
    let keys = fused::Schedules::locked(halves)?;
    keys.map(Engine::Fused).ok_or(CipherError::Unsupported(Backend::Fused))
}

#[cfg(not(target_arch = "x86_64"))]
fn fused_engine(_: Halves<'_>) -> Result<Engine, CipherError> {
    Err(CipherError::Unsupported(Backend::Fused))
}

fn run<'src, 'dst>(src: &'src [u8], dst: &'dst mut [u8]) -> InOutBuf<'src, 'dst, u8> {
    InOutBuf::new(src, dst).expect("source and destination of a cipher have the same length")
}

fn assert_whole_units(len: usize) {
    assert!(len.is_multiple_of(DATA_UNIT_BYTES), "{len} bytes are not whole data units");
}
