//! Many callers at once, and callers who hang up.

use std::sync::Arc;

use aws_core::fault::ApiFault;
use aws_wire::service::JsonService;
use serde_json::{Value, json};

use super::stage::{Stage, context};
use crate::KmsSim;

async fn call(kms: &KmsSim, operation: &str, request: Value) -> Result<Value, ApiFault> {
    let answer = kms.call(&context("root"), operation, request.to_string().as_bytes()).await?;
    Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
}

async fn new_key(kms: &KmsSim) -> String {
    let made = call(kms, "CreateKey", json!({})).await.unwrap();
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

/// Runs `count` tasks on several threads; tells how many succeeded.
fn crowd<F>(kms: &Arc<KmsSim>, count: usize, task: impl Fn(Arc<KmsSim>, usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..count).map(|n| runtime.spawn(task(kms.clone(), n))).collect();
    runtime.block_on(async move {
        let mut succeeded = 0;
        for task in tasks {
            succeeded += usize::from(task.await.unwrap());
        }
        succeeded
    })
}

#[test]
fn of_many_who_want_one_name_one_gets_it() {
    let mut stage = Stage::new();
    stage.play("create-key");
    let key = stage.named("key").to_owned();
    let winners = crowd(&stage.kms, 16, |kms, _| {
        let request = json!({"AliasName": "alias/one", "TargetKeyId": key});
        async move { call(&kms, "CreateAlias", request).await.is_ok() }
    });
    assert_eq!(winners, 1);
}

#[test]
fn of_many_who_retry_a_grant_all_get_the_same() {
    let mut stage = Stage::new();
    stage.play("create-key");
    let key = stage.named("key").to_owned();
    let request = json!({
        "KeyId": key, "Name": "n", "Operations": ["Decrypt"],
        "GranteePrincipal": "arn:aws:iam::111122223333:user/bob",
    });
    let granted = crowd(&stage.kms, 16, |kms, _| {
        let request = request.clone();
        async move { call(&kms, "CreateGrant", request).await.is_ok() }
    });
    assert_eq!(granted, 16);
    assert_eq!(stage.play("list-grants .Grants.0.Name .Grants.1"), "n absent");
}

#[test]
fn a_managed_key_is_born_once_however_many_ask() {
    let mut stage = Stage::new();
    crowd(
        &stage.kms,
        16,
        |kms, _| async move { call(&kms, "DescribeKey", json!({"KeyId": "alias/aws/s3"})).await.is_ok() },
    );
    assert_eq!(stage.play("list-keys .Keys.1"), "absent");
}

#[test]
fn changes_to_one_key_are_all_kept_and_names_that_swap_do_not_block() {
    let mut stage = Stage::new();
    stage.play("create-key; create-alias alias/a; create-key; create-alias alias/b");
    let keys = [stage.named("was-key").to_owned(), stage.named("key").to_owned()];
    let done = crowd(&stage.kms, 40, |kms, n| {
        let key = keys[n % 2].clone();
        async move {
            let name = format!("t{n}");
            let tag = json!({"KeyId": key, "Tags": [{"TagKey": name, "TagValue": ""}]});
            let alias = if n % 4 < 2 { "alias/a" } else { "alias/b" };
            let moved = call(&kms, "UpdateAlias", json!({"AliasName": alias, "TargetKeyId": key})).await;
            let fair = moved.is_ok() || moved.is_err_and(|fault| fault.code == "ConflictException");
            fair && call(&kms, "TagResource", tag).await.is_ok()
        }
    });
    assert_eq!(done, 40);
    let tags =
        |key: &str| stage.call("list-resource-tags", &json!({"KeyId": key})).unwrap()["Tags"].as_array().unwrap().len();
    assert_eq!((tags(&keys[0]), tags(&keys[1])), (20, 20));
}

#[test]
fn a_client_who_hangs_up_leaves_a_whole_key_and_one_event() {
    let stage = Stage::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let caller = context("root");
        let hasty = stage.kms.call(&caller, "CreateKey", b"{}");
        assert!(futures_now(hasty).await.is_none(), "the store has not answered yet");
        // Whoever comes next waits for the same writer, so the first key is there before this one.
        new_key(&stage.kms).await;
        let listed = call(&stage.kms, "ListKeys", json!({})).await.unwrap();
        assert_eq!(listed["Keys"].as_array().unwrap().len(), 2);
    });
    let created = stage.calls().into_iter().filter(|call| call.name == "CreateKey" && call.error.is_none());
    assert_eq!(created.count(), 2);
}

/// Polls once, and hangs up.
async fn futures_now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
