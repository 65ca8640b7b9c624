//! IAM's answers for a storage process that shares our secret.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::{Control, refuse};
use crate::remote;

pub(super) async fn identities(State(control): State<Control>, body: Bytes) -> Response {
    let Some(peer) = &control.peer else {
        return refuse(StatusCode::FORBIDDEN, "this server shares no secret; start it with --kms-secret FILE");
    };
    match remote::answer(peer, &*control.identities, &body) {
        Ok(sealed) => sealed.into_response(),
        Err(error) => refuse(StatusCode::FORBIDDEN, error.to_string()),
    }
}
