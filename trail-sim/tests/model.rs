//! The archive is a sorted list, however calls overlap, clocks jump and segments break.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use aws_core::event::Sink;
use aws_core::event::{Event, Ordinal};
use aws_core::time::SignedDuration;
use proptest::prelude::*;
use support::{call, start};
use trail_sim::Trail;
use trail_sim::archive::Range;
use trail_sim::card::Position;

/// Seconds after the start, and which of a shuffled run of ordinals the event has.
fn events() -> impl Strategy<Value = Vec<(u32, u64)>> {
    proptest::collection::vec(0..60u32, 1..120).prop_flat_map(|seconds| {
        let ordinals: Vec<u64> = (1..=seconds.len() as u64).collect();
        (Just(seconds), Just(ordinals).prop_shuffle()).prop_map(|(s, o)| s.into_iter().zip(o).collect())
    })
}

fn fill(trail: &Arc<Trail>, events: &[(u32, u64)]) -> Vec<Position> {
    let mut positions = Vec::new();
    for (seconds, ordinal) in events {
        let time = start() + SignedDuration::from_secs(i64::from(*seconds));
        let mut call = call(&**trail, *ordinal, time);
        call.ordinal = Ordinal(*ordinal);
        positions.push(Position { time: time.as_second(), ordinal: *ordinal });
        trail.emit(Event::Api(Box::new(call)));
        // Written one by one, so that segments of sixteen records break where they can.
        trail.flush();
    }
    positions.sort_unstable_by(|a, b| b.cmp(a));
    positions
}

fn page(trail: &Trail, range: Range, limit: usize) -> Vec<Position> {
    let odd = |ordinal: u64| ordinal % 2 == 1;
    let found = trail.archive().newest(range, |card| odd(card.position.ordinal), limit).unwrap();
    found.into_iter().map(|found| found.card.position).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_any_size_join_to_the_sorted_list(events in events(), size in 1..20usize, from in 0..60i64, length in 0..60i64) {
        let trail = Trail::open(None, 128).unwrap();
        let from = start().as_second() + from;
        let mut range = Range { from, to: from + length, before: None };
        let inside = |at: &Position| at.ordinal % 2 == 1 && (range.from..=range.to).contains(&at.time);
        let expected: Vec<Position> = fill(&trail, &events).into_iter().filter(inside).collect();
        let mut joined = Vec::new();
        loop {
            let next = page(&trail, range, size);
            let Some(last) = next.last() else { break };
            range.before = Some(*last);
            joined.extend(next);
        }
        prop_assert_eq!(joined, expected);
    }
}
