//! Looking, without touching: health, the ledger, the grounds of a decision, and where ciphertext lies.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Control, refuse};

pub(super) async fn health(State(control): State<Control>) -> Response {
    let running: Map<String, Value> = control
        .services
        .iter()
        .filter_map(|service| service.to_possible_value())
        .map(|service| (service.get_name().to_owned(), json!("running")))
        .collect();
    Json(json!({
        "services": running,
        "edition": "sse-sim",
        "version": env!("CARGO_PKG_VERSION"),
        "kms": control.kms_line.as_deref().unwrap_or("in this process"),
        "trail": {
            "records": control.trail.records(),
            "waits": control.trail.waits(),
            "stalled": control.trail.stalled(),
        },
        "ebs": control.ebs.as_ref().map(|ebs| ebs.status()),
        "s3": control.s3.as_ref().map(|s3| s3.status()),
    }))
    .into_response()
}

pub(super) async fn keys(State(control): State<Control>) -> Response {
    if let Some(s3) = &control.s3 {
        s3.expire_bucket_keys();
    }
    let trail = control.trail.clone();
    match tokio::task::spawn_blocking(move || {
        trail.flush();
        trail.ledger()
    })
    .await
    {
        Ok(ledger) => Json(ledger).into_response(),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the ledger cannot be read"),
    }
}

pub(super) async fn why(State(control): State<Control>, Path(event_id): Path<String>) -> Response {
    let trail = control.trail.clone();
    let asked = event_id.clone();
    let found = tokio::task::spawn_blocking(move || {
        trail.flush();
        trail.why(&asked)
    })
    .await;
    match found {
        Ok(Ok(Some(why))) => Json(why).into_response(),
        Ok(Ok(None)) => refuse(StatusCode::NOT_FOUND, format!("no call has the event id {event_id}")),
        Ok(Err(_)) | Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the trail cannot be read"),
    }
}

/// Query of `/_sim/disk`.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    /// `volume/<id>` or `object/<bucket>/<key>`.
    subject: String,
}

pub(super) async fn disk(State(control): State<Control>, Query(Subject { subject }): Query<Subject>) -> Response {
    let found = match subject.split_once('/') {
        Some(("volume", id)) => volume_files(&control, id),
        Some(("object", rest)) => rest.split_once('/').and_then(|(bucket, key)| object_files(&control, bucket, key)),
        Some(_) | None => None,
    };
    match found {
        Some(view) => Json(view).into_response(),
        None => {
            refuse(StatusCode::NOT_FOUND, format!("nothing on disk for {subject:?}; ask for volume/… or object/…/…"))
        }
    }
}

fn volume_files(control: &Control, id: &str) -> Option<Value> {
    let path = control.ebs.as_ref()?.data_path(id)?;
    Some(json!({ "files": [path], "inline": null }))
}

fn object_files(control: &Control, bucket: &str, key: &str) -> Option<Value> {
    let view = control.s3.as_ref()?.disk(bucket, key)?;
    let inline = view.inline.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes));
    Some(json!({ "files": view.files, "inline": inline }))
}
