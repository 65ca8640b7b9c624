//! The event stream: live as server-sent events, or as JSON for what already happened.

use std::convert::Infallible;
use std::sync::Arc;

use aws_core::event::Event;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::Stream;
use serde::Deserialize;
use serde_json::json;

use super::Control;

/// At most this many events in one JSON answer.
const PAGE: usize = 10_000;

/// Query of `/_sim/events`.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// `json` for a list instead of a stream.
    format: Option<String>,
    /// First ordinal of interest; the list starts there.
    since: Option<u64>,
}

pub(super) async fn events(State(control): State<Control>, Query(wanted): Query<Wanted>) -> Response {
    if wanted.format.as_deref() == Some("json") {
        return list(control, wanted.since.unwrap_or(0)).await;
    }
    Sse::new(live(control)).keep_alive(KeepAlive::default()).into_response()
}

/// Everything emitted before the request, from `since` on, in order. `next` is what to ask for next time.
async fn list(control: Control, since: u64) -> Response {
    let trail = control.trail.clone();
    let gathered = tokio::task::spawn_blocking(move || {
        trail.flush();
        // The trail counts from one and is asked for what came after an ordinal.
        trail.events_since(since.saturating_sub(1), PAGE)
    })
    .await;
    let events: Vec<Arc<Event>> = gathered.unwrap_or_default();
    let next = events.last().map_or(since, |event| event.ordinal().0 + 1);
    Json(json!({ "next": next, "events": events })).into_response()
}

fn live(control: Control) -> impl Stream<Item = Result<axum::response::sse::Event, Infallible>> {
    let receiver = control.trail.subscribe();
    futures::stream::unfold(receiver, |mut receiver| async move {
        use tokio::sync::broadcast::error::RecvError;
        let message = match receiver.recv().await {
            Ok(event) => axum::response::sse::Event::default()
                .id(event.ordinal().0.to_string())
                .json_data(&*event)
                .unwrap_or_else(|error| axum::response::sse::Event::default().event("error").data(error.to_string())),
            // A reader that fell behind is told how much it missed; it can fetch the gap with ?format=json&since=.
            Err(RecvError::Lagged(missed)) => {
                axum::response::sse::Event::default().event("lagged").data(missed.to_string())
            }
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(message), receiver))
    })
}
