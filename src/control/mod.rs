//! The control plane under `/_sim`, with the names that LocalStack's and moto's users already type.
//! The wire has refused a foreign Origin and a non-loopback Host before anything here is reached.
//!
//! ```text
//! GET  /_sim/health (/_localstack/health, /health)   how is everything
//! GET  /_sim/clock   POST {"advance":"365d"} | {"set":"2026-01-15T09:00:00Z"}
//! GET  /_sim/events  server-sent events; ?format=json&since=N for what already happened
//! GET  /_sim/keys    the ledger                      GET /_sim/why/{eventId}  the decision behind a call
//! GET  /_sim/disk?subject=volume/… | object/…        where the ciphertext lies, for looking at it
//! GET  /_sim/object?bucket=…&key=…                  an object as it is stored: wrapped key, headers, ciphertext
//! GET  /_sim/hsm     POST /_sim/hsm/{n}/tamper   POST /_sim/hsm/restore
//! POST /_sim/hsm/cluster {"cluster":"ACCOUNT/REGION/cluster-…","hsms":0}   starve a CloudHSM cluster, or feed it
//! POST /_sim/peer/identities                         IAM's answers for a storage process that shares our secret
//! ```

mod clock;
mod events;
mod hsm;
mod inspect;
mod object;
mod peer;

use std::sync::Arc;

use aws_core::identity::Identities;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::flags::Service;
use crate::os::SimClock;
use crate::remote::Peer;
use crate::state::KeptSecret;

/// What the control plane may look at and move.
#[derive(Clone)]
pub struct Control {
    /// Events, decisions, the ledger.
    pub trail: Arc<trail_sim::Trail>,
    /// The simulated clock.
    pub clock: Arc<SimClock>,
    /// Told when the clock moved.
    pub kms: Option<Arc<kms_sim::KmsSim>>,
    /// Where the domain key can be had again.
    pub hsm_backup: KeptSecret,
    /// Asked for data files and device status.
    pub ebs: Option<Arc<ebs_sim::EbsSim>>,
    /// Asked for data files.
    pub s3: Option<Arc<s3_sim::S3Sim>>,
    /// What runs here.
    pub services: Vec<Service>,
    /// Which KMS is used, when it is not the one in this process.
    pub kms_line: Option<String>,
    /// The secret shared with another process, if there is one.
    pub peer: Option<Peer>,
    /// The IAM of this process.
    pub identities: Arc<dyn Identities>,
}

/// The routes.
pub fn router(control: Control) -> Router {
    Router::new()
        .route("/_sim/health", get(inspect::health))
        .route("/_localstack/health", get(inspect::health))
        .route("/health", get(inspect::health))
        .route("/_sim/clock", get(clock::read).post(clock::write))
        .route("/_sim/events", get(events::events))
        .route("/_sim/keys", get(inspect::keys))
        .route("/_sim/why/{event_id}", get(inspect::why))
        .route("/_sim/disk", get(inspect::disk))
        .route("/_sim/object", get(object::inspect))
        .route("/_sim/hsm", get(hsm::status))
        .route("/_sim/hsm/{number}/tamper", post(hsm::tamper))
        .route("/_sim/hsm/restore", post(hsm::restore))
        .route("/_sim/hsm/cluster", post(hsm::cluster))
        .route("/_sim/peer/identities", post(peer::identities))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "the control plane has no such page; see /_sim/health") })
        .with_state(control)
}

/// A refusal in the control plane's own words.
fn refuse(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({ "error": why.into() }))).into_response()
}
