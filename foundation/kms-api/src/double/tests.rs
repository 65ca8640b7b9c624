//! The double must fail as the real one does, or the tests that lean on it prove nothing.

use std::sync::Arc;

use aws_core::event::{MemorySink, Place};
use aws_core::principal::Principal;
use aws_core::time::{ManualClock, Timestamp};

use super::*;
use crate::custody::Custodian;

fn double() -> (DoubleKms, String) {
    let kms = DoubleKms::new(AccountId::default_account(), Region::default_region());
    let key = kms.create_key();
    (kms, key)
}

fn ctx() -> CallContext {
    let account = AccountId::default_account();
    CallContext::local(Principal::Root { account }, Region::default_region(), "request")
}

fn custody() -> Custody {
    let custodian = Custodian::new(Arc::new(MemorySink::default()), Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
    custodian.custody("volume/vol-1", Place::HypervisorMemory)
}

fn volume(id: &str) -> ContextMap {
    ContextMap::from([("aws:ebs:id".into(), id.into())])
}

fn volume_key(key: &str) -> GenerateDataKeyRequest {
    let encryption_context = volume("vol-1");
    GenerateDataKeyRequest { key_id: key.into(), encryption_context, number_of_bytes: Some(64), ..Default::default() }
}

fn decrypt(ciphertext_blob: Blob, id: &str) -> DecryptRequest {
    DecryptRequest { ciphertext_blob, encryption_context: volume(id), ..Default::default() }
}

#[tokio::test]
async fn a_data_key_opens_in_its_context_only_and_calls_are_remembered() {
    let (kms, key) = double();
    let made = kms.generate_data_key(&ctx(), volume_key(&key), custody()).await.unwrap();
    let opened = kms.decrypt(&ctx(), decrypt(made.ciphertext_blob.clone(), "vol-1"), custody()).await.unwrap();
    assert_eq!(opened.plaintext.expose(), made.plaintext.expose());
    assert_eq!(opened.key_id, key);
    let refused = kms.decrypt(&ctx(), decrypt(made.ciphertext_blob, "vol-2"), custody()).await.unwrap_err();
    assert_eq!(refused, KmsError::InvalidCiphertext);
    assert_eq!(kms.operations(), ["GenerateDataKey", "Decrypt", "Decrypt"]);
    assert_eq!(kms.calls()[2].encryption_context, volume("vol-2"));
}

#[tokio::test]
async fn a_disabled_key_refuses_until_it_is_enabled() {
    let (kms, key) = double();
    let made = kms.generate_data_key_without_plaintext(&ctx(), volume_key(&key)).await.unwrap();
    let ctx = ctx();
    let open = || kms.decrypt(&ctx, decrypt(made.ciphertext_blob.clone(), "vol-1"), custody());
    kms.disable(&key);
    assert_eq!(open().await.unwrap_err(), KmsError::Disabled(key.clone()));
    kms.enable(&key);
    assert!(open().await.is_ok());
    kms.schedule_deletion(&key);
    assert_eq!(open().await.unwrap_err(), KmsError::KmsInvalidState(format!("{key} is pending deletion.")));
}

#[tokio::test]
async fn a_grant_serves_its_context_until_it_is_retired() {
    let (kms, key) = double();
    let made = kms.generate_data_key_without_plaintext(&ctx(), volume_key(&key)).await.unwrap();
    let constraints =
        GrantConstraints { encryption_context_subset: Some(volume("vol-1")), encryption_context_equals: None };
    let grant = CreateGrantRequest {
        key_id: key,
        operations: vec!["Decrypt".into()],
        constraints: Some(constraints),
        ..Default::default()
    };
    let grant = kms.create_grant(&ctx(), grant).await.unwrap();
    let with = |token: &str, id| DecryptRequest {
        grant_tokens: vec![token.into()],
        ..decrypt(made.ciphertext_blob.clone(), id)
    };
    assert!(kms.decrypt(&ctx(), with(&grant.grant_token, "vol-1"), custody()).await.is_ok());
    let code = async |request| kms.decrypt(&ctx(), request, custody()).await.unwrap_err().code().to_owned();
    assert_eq!(code(with(&grant.grant_token, "vol-2")).await, "AccessDeniedException");
    assert_eq!(code(with("junk", "vol-1")).await, "InvalidGrantTokenException");
    let retire = RetireGrantRequest { grant_token: Some(grant.grant_token.clone()), ..Default::default() };
    kms.retire_grant(&ctx(), retire).await.unwrap();
    assert_eq!(code(with(&grant.grant_token, "vol-1")).await, "AccessDeniedException");
    assert!(kms.grants()[0].retired);
}

#[tokio::test]
async fn re_encryption_moves_a_data_key_under_another_key_and_context() {
    let (kms, key) = double();
    let other = kms.create_key();
    kms.alias("alias/other", &other);
    let made = kms.generate_data_key(&ctx(), volume_key(&key), custody()).await.unwrap();
    let request = ReEncryptRequest {
        ciphertext_blob: made.ciphertext_blob,
        source_encryption_context: volume("vol-1"),
        destination_key_id: "alias/other".into(),
        destination_encryption_context: volume("snap-1"),
        ..Default::default()
    };
    let moved = kms.re_encrypt(&ctx(), request).await.unwrap();
    assert_eq!((moved.source_key_id, moved.key_id), (key.clone(), other));
    let by_the_old_key = DecryptRequest { key_id: Some(key), ..decrypt(moved.ciphertext_blob.clone(), "snap-1") };
    assert_eq!(kms.decrypt(&ctx(), by_the_old_key, custody()).await.unwrap_err(), KmsError::IncorrectKey);
    let opened = kms.decrypt(&ctx(), decrypt(moved.ciphertext_blob, "snap-1"), custody()).await.unwrap();
    assert_eq!(opened.plaintext.expose(), made.plaintext.expose());
}

#[tokio::test]
async fn an_aws_managed_key_comes_into_being_once() {
    let (kms, _) = double();
    let describe = |key_id: &str| DescribeKeyRequest { key_id: key_id.into(), ..Default::default() };
    let first = kms.describe_key(&ctx(), describe("alias/aws/ebs")).await.unwrap();
    let again = kms.describe_key(&ctx(), describe(&kms.arn_of("alias/aws/ebs"))).await.unwrap();
    assert_eq!((first.arn, first.key_manager.as_str()), (again.arn, "AWS"));
    let unknown = kms.describe_key(&ctx(), describe("alias/nobody")).await.unwrap_err();
    assert_eq!(unknown.to_string(), "Alias arn:aws:kms:us-east-1:000000000000:alias/nobody is not found.");
}

#[tokio::test]
async fn ordered_failures_come_one_by_one() {
    let (kms, key) = double();
    kms.fail_next(KmsError::Throttling("Rate exceeded".into()));
    let refused = kms.generate_data_key(&ctx(), volume_key(&key), custody()).await.unwrap_err();
    assert_eq!(refused, KmsError::Throttling("Rate exceeded".into()));
    assert!(kms.generate_data_key(&ctx(), volume_key(&key), custody()).await.is_ok());
}
