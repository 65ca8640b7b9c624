//! The claim of the ledger, held against the memory of this very process: while a volume is attached its key stands
//! there exactly once, and after the detach nowhere.
//!
//! The test cannot know the key from the outside, since nobody hands it out. So it asks KMS itself for it, remembers
//! only the key's exclusive-or with a pad, and looks for bytes that match after the same pad is laid over them.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;

use kms_api::client::Kms;
use kms_api::shapes::{Blob, DecryptRequest};
use support::Lab;

const PAD: u8 = 0xa5;

/// The first 32 bytes of a volume's data key, hidden from the search for it.
struct HiddenKey([u8; 32]);

impl HiddenKey {
    fn of(key: &[u8]) -> Self {
        Self(std::array::from_fn(|n| key[n] ^ PAD))
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.iter().zip(&self.0).all(|(byte, hidden)| byte ^ PAD == *hidden)
    }

    /// How often the key stands in the writable memory of this process.
    fn count(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        regions().into_iter().map(|(start, end)| self.count_in(&memory, start, end)).sum()
    }

    fn count_in(&self, memory: &File, start: u64, end: u64) -> usize {
        const STEP: u64 = 1 << 20;
        // One buffer, wiped after each step: the search must not leave what it looks for.
        let mut buffer = vec![0; STEP as usize + 31];
        let mut found = 0;
        for from in (start..end).step_by(STEP as usize) {
            let len = (end - from).min(STEP + 31) as usize;
            if memory.read_exact_at(&mut buffer[..len], from).is_ok() {
                let own = buffer.as_ptr() as u64;
                let inside_own = |at: u64| (own..own + buffer.len() as u64).contains(&at);
                let starts = 0..len.saturating_sub(31).min(STEP as usize);
                found +=
                    starts.filter(|at| !inside_own(from + *at as u64) && self.is_at(&buffer[*at..*at + 32])).count();
            }
            buffer.fill(0);
        }
        found
    }
}

/// The writable regions of this process.
fn regions() -> Vec<(u64, u64)> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let region = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let writable = rest.starts_with("rw") && !rest.contains("[vvar");
        writable.then_some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
    };
    maps.lines().filter_map(region).collect()
}

/// Has KMS open the volume's wrapped key once more, hides it and forgets it.
async fn hidden_key(lab: &Lab, volume: &str) -> HiddenKey {
    let call = lab.kms.calls().into_iter().find(|call| call.operation == "Decrypt").unwrap();
    let request = DecryptRequest {
        ciphertext_blob: Blob(lab.wrapped_key(volume)),
        encryption_context: call.encryption_context.clone(),
        ..DecryptRequest::default()
    };
    let custodian = kms_api::custody::Custodian::new(lab.sink.clone(), lab.clock.clone());
    let custody = custodian.custody("test", aws_core::event::Place::Caller);
    let opened = lab.kms.decrypt(&call.context, request, custody).await.unwrap();
    HiddenKey::of(opened.plaintext.expose())
}

#[tokio::test]
async fn the_key_stands_in_memory_once_while_attached_and_nowhere_after() {
    if File::open("/proc/self/mem").is_err() {
        eprintln!("skipped: needs /proc/self/mem");
        return;
    }
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    let key = hidden_key(&lab, &volume).await;
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped, HypervisorMemory plaintext");
    assert_eq!(key.count(), 1);

    lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    assert_eq!(key.count(), 0);
}
