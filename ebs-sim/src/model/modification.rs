//! A change of a volume's size or performance. It is over by the next read, as all transitions here.

use aws_core::time::{SignedDuration, Timestamp};

use super::volume_type::Performance;

/// How many modifications a volume takes within [`WINDOW`].
pub const MOST_MODIFICATIONS: usize = 4;

/// 24 hours, rolling.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// What a volume was and what it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modification {
    /// On the simulated clock.
    pub at: Timestamp,
    /// Size and performance before.
    pub original: (u32, Performance),
    /// Size and performance since.
    pub target: (u32, Performance),
}

/// Whether a volume may be modified once more at `now`.
pub fn is_allowed(done: &[Modification], now: Timestamp) -> bool {
    done.iter().filter(|one| now.duration_since(one.at) < WINDOW).count() < MOST_MODIFICATIONS
}
