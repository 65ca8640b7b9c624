//! The simulated clock: read it, move it forward, set it.

use aws_core::time::{Clock, SignedDuration, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Control, refuse};
use crate::os::WallClock;

/// What may be asked of the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum Move {
    /// A friendly duration such as `365d`, `2h 30m` or ISO 8601 `P1Y`-less forms that jiff reads.
    Advance(String),
    /// An RFC 3339 time.
    Set(Timestamp),
}

pub(super) async fn read(State(control): State<Control>) -> Response {
    Json(json!({ "sim": control.clock.now(), "wall": WallClock.now() })).into_response()
}

pub(super) async fn write(State(control): State<Control>, body: Bytes) -> Response {
    let asked: Move = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let hint = r#"send {"advance": "365d"} or {"set": "2026-01-15T09:00:00Z"}"#;
            return refuse(StatusCode::BAD_REQUEST, format!("{error}; {hint}"));
        }
    };
    let moved = match asked {
        Move::Set(target) => control.clock.set(target),
        Move::Advance(text) => match days_and_more(&text) {
            Some(by) => control.clock.advance(by),
            None => return refuse(StatusCode::BAD_REQUEST, format!("{text:?} is no duration; try 365d or 2h 30m")),
        },
    };
    if let Err(error) = moved {
        return refuse(StatusCode::BAD_REQUEST, error.to_string());
    }
    if let Some(kms) = &control.kms {
        kms.tick().await;
    }
    read(State(control)).await
}

/// Durations with days and weeks of 24 hours and years of 365 days: the simulated clock knows no calendar.
fn days_and_more(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let hours = match unit {
        'd' => 24,
        'w' => 24 * 7,
        'y' => 24 * 365,
        _ => return text.parse().ok(),
    };
    match text[..text.len() - 1].trim().parse::<i64>() {
        Ok(count) => count.checked_mul(hours * 3600).map(SignedDuration::from_secs),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(days_and_more("365d"), Some(SignedDuration::from_hours(24 * 365)));
        assert_eq!(days_and_more("1y"), days_and_more("365d"));
        assert_eq!(days_and_more("2h 30m"), Some(SignedDuration::from_mins(150)));
        for nonsense in ["", "d", "soon", "9223372036854775807d", "1.5d"] {
            assert_eq!(days_and_more(nonsense), None, "{nonsense}");
        }
    }
}
