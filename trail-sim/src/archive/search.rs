//! Finding records again: newest first for LookupEvents, by id for `why`.

use std::collections::BTreeMap;
use std::io;

use super::Archive;
use super::frame::Frame;
use super::index::{Index, id_hash};
use super::segment::Segment;
use crate::card::{Card, Position};

/// Which stretch of time is searched; both ends in seconds since the epoch, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Not before.
    pub from: i64,
    /// Not after.
    pub to: i64,
    /// Only what is older than this: where the page before ended.
    pub before: Option<Position>,
}

/// A record that was looked up.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its card.
    pub card: Card,
    /// The CloudTrail record, as JSON text.
    pub record: String,
}

impl Range {
    fn contains(&self, at: Position) -> bool {
        (self.from..=self.to).contains(&at.time) && self.before.is_none_or(|before| at < before)
    }

    fn may_meet(&self, segment: &Segment) -> bool {
        let span = segment.summary();
        let begins_before = self.before.is_none_or(|before| span.oldest < before);
        span.oldest.time <= self.to && span.newest.time >= self.from && begins_before
    }
}

impl Archive {
    /// The newest `limit` records of a range that are `wanted`, newest first.
    pub fn newest(&self, range: Range, wanted: impl Fn(&Card) -> bool, limit: usize) -> io::Result<Vec<Found>> {
        let mut segments = self.snapshot();
        segments.retain(|segment| range.may_meet(segment));
        segments.sort_by_key(|segment| segment.summary().newest);
        let mut found: BTreeMap<Position, Found> = BTreeMap::new();
        // Segments overlap a little, because calls are recorded when they end and dated when they start. A page is
        // complete when no segment that is left reaches into it.
        while let Some(segment) = segments.pop() {
            let complete = found.len() == limit && found.keys().next().is_none_or(|o| segment.summary().newest < *o);
            if complete {
                break;
            }
            unless_retired(segment.visit(|frame| {
                take(&mut found, frame, limit, |card| range.contains(card.position) && wanted(card));
                true
            }))?;
        }
        Ok(found.into_values().rev().collect())
    }

    /// The frame of one event id.
    pub fn by_id(&self, id: &str) -> io::Result<Option<Frame>> {
        let hash = id_hash(id);
        for segment in self.snapshot().iter().rev().filter(|segment| may_hold(segment, hash)) {
            let mut found = None;
            unless_retired(segment.visit(|frame| {
                found = frame.card().is_some_and(|card| card.id == id).then(|| frame.clone());
                found.is_none()
            }))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn take(found: &mut BTreeMap<Position, Found>, frame: &Frame, limit: usize, wanted: impl Fn(&Card) -> bool) {
    let Some(card) = frame.card().filter(|card| wanted(card)) else { return };
    found.insert(card.position, Found { card, record: frame.record().to_owned() });
    if found.len() > limit {
        found.pop_first();
    }
}

/// Without a readable index, the segment itself must be asked.
fn may_hold(segment: &Segment, hash: u64) -> bool {
    let index = segment.path().and_then(|path| std::fs::read(path.with_extension("idx")).ok());
    index.and_then(|bytes| Index::from_bytes(&bytes)).is_none_or(|index| index.ids.contains(&hash))
}

/// A segment may be retired between the snapshot and the reading; its records are simply no longer there.
fn unless_retired(read: io::Result<()>) -> io::Result<()> {
    match read {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
