//! Records of one call in several accounts: same `sharedEventID`, different `eventID`. Both ids follow from the call's own,
//! so that a replay prints the same records.

use aws_core::event::ApiCall;
use aws_core::id::{self, AccountId};

/// Accounts other than the caller's whose resources a successful call used.
pub(super) fn other_accounts(call: &ApiCall) -> Vec<&AccountId> {
    if call.error.is_some() {
        return Vec::new();
    }
    let owners = call.resources.iter().map(|resource| &resource.account);
    let mut others: Vec<&AccountId> = owners.filter(|owner| *owner != call.context.account()).collect();
    others.sort();
    others.dedup();
    others
}

pub(super) fn event_id(of_caller: &str, account: &AccountId) -> String {
    derived(&format!("{of_caller} in {account}"))
}

pub(super) fn shared_id(of_caller: &str) -> String {
    derived(&format!("{of_caller} shared"))
}

/// FNV-1a over 128 bits: spreads, and keeps no secret.
fn derived(text: &str) -> String {
    let hash = text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    id::uuid(hash.to_be_bytes())
}
