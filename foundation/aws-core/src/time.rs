//! Time arrives from outside. `wall` judges signatures and never moves; `sim` dates everything else.

use std::sync::Mutex;

pub use jiff::{SignedDuration, Timestamp};

/// A source of the present. Only the binary knows the real one.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands until it is told to move: for tests, and for replays.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves forward (or, with a negative duration, back).
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("no holder of a clock panics");
        *now += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no holder of a clock panics")
    }
}

/// Seconds since the epoch with milliseconds, as AWS JSON 1.1 prints times.
pub fn epoch_seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// `2026-01-15T09:00:00Z`: whole seconds, as CloudTrail and IAM print times.
pub fn iso_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-15T09:00:00.000Z`: milliseconds, as EC2 and S3 print times.
pub fn iso_millis(at: Timestamp) -> String {
    format!("{}.{:03}Z", at.strftime("%Y-%m-%dT%H:%M:%S"), at.as_millisecond().rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at("2026-01-15T09:00:00.25Z".parse().unwrap());
        assert_eq!(iso_millis(clock.now()), "2026-01-15T09:00:00.250Z");
        clock.advance(SignedDuration::from_hours(24 * 365));
        assert_eq!(iso_seconds(clock.now()), "2027-01-15T09:00:00Z");
        assert_eq!(epoch_seconds(Timestamp::UNIX_EPOCH), 0.0);
    }
}
