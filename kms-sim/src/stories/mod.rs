//! Stories told to the whole KMS through its wire, one line each.
//!
//! `check("create-key; encrypt x; disable-key; decrypt $last", expect!["DisabledException 400: KEY is disabled."])`
//!
//! A step is an operation in kebab case. Words after it are members (`Name=value`, the value as JSON or as plain
//! text), pairs of the encryption context (`a:b`), or the one thing that the operation is about (a plaintext, a blob,
//! an alias). `KeyId` is the key made last, unless named. `$key`, `$last` (blob), `$grant`, `$token` and `$was-key` stand for
//! what earlier steps answered. `as NAME` changes the caller, `days N` moves the clock, `restart` opens the store anew,
//! `tamper N` touches an HSM that should be left alone, `bring-backup` restores.

mod aliases;
mod contract;
mod crowd;
mod cryptography;
mod disk;
mod grants;
mod hsm;
mod imports;
mod ledger;
mod permissions;
mod regions;
mod rotation;
mod services;
mod stage;
mod states;
mod trail;
mod usage;

use expect_test::Expect;

use self::stage::Stage;

/// Plays a story; what the last step answered must be as expected.
#[track_caller]
fn check(story: &str, wanted: Expect) {
    wanted.assert_eq(&Stage::new().play(story));
}
