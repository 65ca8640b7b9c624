//! When a key changes its material: by schedule, or on demand. Old generations stay, so that old blobs open.

use aws_core::time::{SignedDuration, Timestamp};

use super::backing_key::Origin;

/// A year, AWS's default.
pub const DEFAULT_PERIOD_DAYS: u32 = 365;

/// On-demand rotations that a key may have in its life.
pub const ON_DEMAND_LIMIT: u32 = 25;

/// The rotation settings of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Days between two automatic rotations; remembered while rotation is off.
    pub period_days: u32,
    /// The next automatic rotation; `None` while rotation is off.
    pub next: Option<Timestamp>,
    /// When an on-demand rotation was asked for that has not been done yet.
    pub requested: Option<Timestamp>,
    /// On-demand rotations so far.
    pub on_demand_count: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { period_days: DEFAULT_PERIOD_DAYS, next: None, requested: None, on_demand_count: 0 }
    }
}

impl Rotation {
    /// A schedule that began at `now`, as AWS managed keys have it from birth.
    pub fn yearly(now: Timestamp) -> Self {
        let mut rotation = Self::default();
        rotation.enable(None, now);
        rotation
    }

    /// Turns the schedule on, counted from `now`. Without a period, the one remembered stays.
    pub fn enable(&mut self, period_days: Option<u32>, now: Timestamp) {
        self.period_days = period_days.unwrap_or(self.period_days);
        self.next = Some(after(now, self.period_days));
    }

    /// Turns the schedule off.
    pub fn disable(&mut self) {
        self.next = None;
    }

    /// Notes a demand. Repeated while one is pending, it changes nothing.
    pub fn demand(&mut self, now: Timestamp) {
        if self.requested.is_none() {
            self.requested = Some(now);
            self.on_demand_count += 1;
        }
    }

    /// The next rotation that is due, and its date. A schedule only counts while the key is enabled; a demand always.
    pub fn due(&self, enabled: bool, now: Timestamp) -> Option<(Origin, Timestamp)> {
        let scheduled = self.next.filter(|next| enabled && *next <= now).map(|next| (Origin::Automatic, next));
        let demanded = self.requested.map(|at| (Origin::OnDemand, at));
        match (scheduled, demanded) {
            (Some(a), Some(b)) => Some(if a.1 <= b.1 { a } else { b }),
            (one, other) => one.or(other),
        }
    }

    /// Notes that a due rotation was done.
    pub fn done(&mut self, origin: Origin, at: Timestamp) {
        match origin {
            Origin::Automatic => self.next = Some(after(at, self.period_days)),
            Origin::OnDemand => self.requested = None,
            Origin::Creation => {}
        }
    }

    /// A key that slept through its date rotates once when it wakes, not once for every period missed.
    pub fn wake(&mut self, now: Timestamp) {
        self.next = self.next.map(|next| next.max(now));
    }
}

/// `days` later.
pub fn after(start: Timestamp, days: u32) -> Timestamp {
    start.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u32) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, n)
    }

    #[test]
    fn a_schedule_rotates_once_per_period_even_when_the_clock_leaps() {
        let mut rotation = Rotation::yearly(day(0));
        let mut dates = Vec::new();
        while let Some((origin, at)) = rotation.due(true, day(3 * 365)) {
            rotation.done(origin, at);
            dates.push(at);
        }
        assert_eq!(dates, [day(365), day(730), day(1095)]);
    }

    #[test]
    fn a_disabled_key_sleeps_and_rotates_once_when_it_wakes() {
        let mut rotation = Rotation::yearly(day(0));
        assert_eq!(rotation.due(false, day(1000)), None);
        rotation.wake(day(1000));
        assert_eq!(rotation.due(true, day(1000)), Some((Origin::Automatic, day(1000))));
        rotation.done(Origin::Automatic, day(1000));
        assert_eq!(rotation.next, Some(day(1365)));
    }

    #[test]
    fn a_demand_is_done_once_and_regardless_of_the_state() {
        let mut rotation = Rotation::default();
        rotation.demand(day(1));
        rotation.demand(day(2));
        assert_eq!(rotation.due(false, day(2)), Some((Origin::OnDemand, day(1))));
        rotation.done(Origin::OnDemand, day(1));
        assert_eq!((rotation.due(true, day(9)), rotation.on_demand_count), (None, 1));
    }

    #[test]
    fn a_period_is_remembered_while_rotation_is_off() {
        let mut rotation = Rotation::default();
        rotation.enable(Some(90), day(0));
        rotation.disable();
        rotation.enable(None, day(10));
        assert_eq!(rotation.next, Some(day(100)));
    }
}
