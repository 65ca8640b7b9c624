//! The HSMs of KMS: look at them, tamper with one, restore them from the backup that the state folder keeps.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use kms_sim::keepers::{ClusterChange, HsmRefusal, HsmStatus};
use serde::Deserialize;

use super::{Control, refuse};

const NO_KMS: &str = "this server runs no KMS, and so has no HSMs; ask the one that does";

pub(super) async fn status(State(control): State<Control>) -> Response {
    match &control.kms {
        Some(kms) => Json(kms.hsm_status()).into_response(),
        None => refuse(StatusCode::NOT_FOUND, NO_KMS),
    }
}

pub(super) async fn tamper(State(control): State<Control>, Path(number): Path<u32>) -> Response {
    match &control.kms {
        Some(kms) => answer(kms.hsm_tamper(number).await),
        None => refuse(StatusCode::NOT_FOUND, NO_KMS),
    }
}

/// What is to change of which CloudHSM cluster.
#[derive(Deserialize)]
struct Wish {
    /// `ACCOUNT/REGION/cluster-…`
    cluster: String,
    #[serde(flatten)]
    change: ClusterChange,
}

pub(super) async fn cluster(State(control): State<Control>, body: Bytes) -> Response {
    let Some(kms) = &control.kms else { return refuse(StatusCode::NOT_FOUND, NO_KMS) };
    match serde_json::from_slice::<Wish>(&body) {
        Ok(Wish { cluster, change }) => answer(kms.hsm_cluster(&cluster, change).await),
        Err(error) => refuse(
            StatusCode::BAD_REQUEST,
            format!(r#"{error}; send {{"cluster": "ACCOUNT/REGION/cluster-…", "hsms": 2, "kmsuserPassword": "…"}}"#),
        ),
    }
}

pub(super) async fn restore(State(control): State<Control>) -> Response {
    let Some(kms) = &control.kms else { return refuse(StatusCode::NOT_FOUND, NO_KMS) };
    match control.hsm_backup.read() {
        Ok(backup) => answer(kms.hsm_restore(backup).await),
        Err(error) => refuse(StatusCode::CONFLICT, format!("the backup of the domain key cannot be read: {error:#}")),
    }
}

fn answer(outcome: Result<HsmStatus, HsmRefusal>) -> Response {
    match outcome {
        Ok(status) => Json(status).into_response(),
        Err(refusal @ (HsmRefusal::NoSuchHsm(_) | HsmRefusal::NoSuchCluster(_))) => {
            refuse(StatusCode::NOT_FOUND, refusal.to_string())
        }
        Err(refusal @ HsmRefusal::AnotherDomain) => refuse(StatusCode::CONFLICT, refusal.to_string()),
        Err(refusal @ HsmRefusal::NotKept(_)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string()),
    }
}
