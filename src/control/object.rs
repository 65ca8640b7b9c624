//! `GET /_sim/object?bucket=…&key=…`: an object as it is stored.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Control, refuse};

/// Which object.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    bucket: String,
    key: String,
}

pub(super) async fn inspect(State(control): State<Control>, Query(which): Query<Which>) -> Response {
    let Some(s3) = control.s3 else { return refuse(StatusCode::NOT_FOUND, "this server runs no s3") };
    let Which { bucket, key } = which;
    let told = format!("there is no object s3://{bucket}/{key}");
    match tokio::task::spawn_blocking(move || s3.inspect(&bucket, &key)).await {
        Ok(Some(view)) => Json(view).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, told),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the object cannot be read"),
    }
}
