//! What every KMS promises to the services that hold one, asked of the real one and of the double that their tests use:
//! a double that is kinder than the original proves nothing.

use aws_core::call::{CallContext, Via};
use aws_core::event::Place;
use aws_core::id::{AccountId, Region};
use aws_core::principal::{Caller, Principal};
use kms_api::client::Kms;
use kms_api::custody::{Custodian, Custody};
use kms_api::double::DoubleKms;
use kms_api::error::KmsError;
use kms_api::shapes::{
    Blob, ContextMap, CreateGrantRequest, DecryptRequest, DescribeKeyRequest, GenerateDataKeyRequest, GrantConstraints,
    ReEncryptRequest, RetireGrantRequest,
};
use serde_json::json;

use super::stage::{ACCOUNT, Stage};

/// A KMS, and the few things that its owner can do to it.
struct House<'a> {
    kms: &'a dyn Kms,
    custodian: Custodian,
    key: String,
    other: String,
    disable: &'a dyn Fn(&str),
    enable: &'a dyn Fn(&str),
    schedule_deletion: &'a dyn Fn(&str),
}

/// Runs a promise against each KMS.
fn both(promise: impl AsyncFn(&House<'_>)) {
    let mut stage = Stage::new();
    stage.play("create-key; create-key");
    let arn = |name: &str| format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{}", stage.named(name));
    let act = |verb: &str, key: &str| drop(stage.call_blocking(verb, &json!({"KeyId": key})));
    let custodian = stage.world.custodian();
    let real = House {
        kms: &*stage.kms,
        custodian: custodian.clone(),
        key: arn("was-key"),
        other: arn("key"),
        disable: &|key| act("disable-key", key),
        enable: &|key| act("enable-key", key),
        schedule_deletion: &|key| act("schedule-key-deletion", key),
    };
    stage.block_on(promise(&real));
    let double = DoubleKms::new(AccountId::parse(ACCOUNT).unwrap(), Region::default_region());
    let (key, other) = (double.create_key(), double.create_key());
    let played = House {
        kms: &double,
        custodian,
        key,
        other,
        disable: &|key| double.disable(key),
        enable: &|key| double.enable(key),
        schedule_deletion: &|key| double.schedule_deletion(key),
    };
    stage.block_on(promise(&played));
}

impl House<'_> {
    fn custody(&self) -> Custody {
        self.custodian.custody("volume/vol-1", Place::HypervisorMemory)
    }

    async fn sealed(&self) -> Blob {
        let request = GenerateDataKeyRequest {
            key_id: self.key.clone(),
            encryption_context: volume("vol-1"),
            number_of_bytes: Some(64),
            ..GenerateDataKeyRequest::default()
        };
        self.kms.generate_data_key_without_plaintext(&user(), request).await.unwrap().ciphertext_blob
    }

    async fn open(&self, ctx: &CallContext, request: DecryptRequest) -> Result<usize, KmsError> {
        self.kms.decrypt(ctx, request, self.custody()).await.map(|opened| opened.plaintext.len())
    }
}

fn user() -> CallContext {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let user = CallContext::local(Principal::Root { account }, Region::default_region(), "request");
    user.forwarded(via(Some("ec2.us-east-1.amazonaws.com")), "request".into())
}

fn via(service: Option<&str>) -> Via {
    Via {
        via_service: service.map(Into::into),
        invoked_by: "ec2-frontend-api.amazonaws.com".into(),
        for_aws_resource: true,
        in_scope_of_instance: None,
    }
}

/// The role of the host that runs an instance.
fn host() -> CallContext {
    let role = Principal::AssumedRole {
        account: AccountId::parse(ACCOUNT).unwrap(),
        role_id: format!("{ACCOUNT}:aws:ec2-infrastructure"),
        path: "/".into(),
        role: "aws:ec2-infrastructure".into(),
        session: "i-1".into(),
    };
    user().acting_as(Caller::new(role, "ASIAEXAMPLE"), via(None), "request".into())
}

fn volume(id: &str) -> ContextMap {
    ContextMap::from([("aws:ebs:id".into(), id.into())])
}

fn decrypt(blob: &Blob, id: &str) -> DecryptRequest {
    DecryptRequest { ciphertext_blob: blob.clone(), encryption_context: volume(id), ..DecryptRequest::default() }
}

#[test]
fn a_data_key_opens_in_its_context_and_in_no_other() {
    both(async |house| {
        let blob = house.sealed().await;
        assert_eq!(house.open(&user(), decrypt(&blob, "vol-1")).await, Ok(64));
        assert_eq!(house.open(&user(), decrypt(&blob, "vol-2")).await, Err(KmsError::InvalidCiphertext));
        let wrong = DecryptRequest { key_id: Some(house.other.clone()), ..decrypt(&blob, "vol-1") };
        assert_eq!(house.open(&user(), wrong).await, Err(KmsError::IncorrectKey));
    });
}

#[test]
fn the_state_of_the_key_is_obeyed() {
    both(async |house| {
        let blob = house.sealed().await;
        (house.disable)(&house.key);
        let disabled = KmsError::Disabled(house.key.clone());
        assert_eq!(house.open(&user(), decrypt(&blob, "vol-1")).await, Err(disabled));
        (house.enable)(&house.key);
        assert_eq!(house.open(&user(), decrypt(&blob, "vol-1")).await, Ok(64));
        (house.schedule_deletion)(&house.key);
        let pending = KmsError::KmsInvalidState(format!("{} is pending deletion.", house.key));
        assert_eq!(house.open(&user(), decrypt(&blob, "vol-1")).await, Err(pending));
    });
}

#[test]
fn a_grant_opens_one_volume_for_one_host_until_it_is_retired() {
    both(async |house| {
        let blob = house.sealed().await;
        let request = CreateGrantRequest {
            key_id: house.key.clone(),
            grantee_principal: host().principal_arn(),
            retiring_principal: Some("ec2.us-east-1.amazonaws.com".into()),
            operations: vec!["Decrypt".into()],
            constraints: Some(GrantConstraints {
                encryption_context_subset: Some(volume("vol-1")),
                encryption_context_equals: None,
            }),
            ..CreateGrantRequest::default()
        };
        let grant = house.kms.create_grant(&user(), request).await.unwrap();
        assert_eq!(grant.grant_id.len(), 64);
        let with = |token: &str, id| DecryptRequest { grant_tokens: vec![token.into()], ..decrypt(&blob, id) };
        assert_eq!(house.open(&host(), with(&grant.grant_token, "vol-1")).await, Ok(64));
        let refused = async |request| house.open(&host(), request).await.unwrap_err().code().to_owned();
        assert_eq!(refused(with(&grant.grant_token, "vol-2")).await, "AccessDeniedException");
        assert_eq!(refused(with("junk", "vol-1")).await, "InvalidGrantTokenException");
        let retire = RetireGrantRequest { grant_token: Some(grant.grant_token.clone()), ..Default::default() };
        house.kms.retire_grant(&user(), retire).await.unwrap();
        assert_eq!(refused(with(&grant.grant_token, "vol-1")).await, "AccessDeniedException");
    });
}

#[test]
fn a_data_key_can_be_moved_under_another_key() {
    both(async |house| {
        let request = ReEncryptRequest {
            ciphertext_blob: house.sealed().await,
            source_encryption_context: volume("vol-1"),
            destination_key_id: house.other.clone(),
            destination_encryption_context: volume("snap-1"),
            ..ReEncryptRequest::default()
        };
        let moved = house.kms.re_encrypt(&user(), request).await.unwrap();
        assert_eq!((&moved.source_key_id, &moved.key_id), (&house.key, &house.other));
        assert_eq!(house.open(&user(), decrypt(&moved.ciphertext_blob, "snap-1")).await, Ok(64));
    });
}

#[test]
fn a_managed_key_is_there_when_its_service_asks() {
    both(async |house| {
        let request = || DescribeKeyRequest { key_id: "alias/aws/ebs".into(), ..DescribeKeyRequest::default() };
        let first = house.kms.describe_key(&user(), request()).await.unwrap();
        let again = house.kms.describe_key(&user(), request()).await.unwrap();
        assert_eq!((&first.key_manager, &first.key_state), (&"AWS".to_owned(), &"Enabled".to_owned()));
        assert_eq!(first.arn, again.arn);
    });
}
