//! Where is every key now, and in which form? A fold of `KeyPlaced` and `KeyDropped`, and of nothing else.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::event::{Event, Form, Place};
use crate::time::Timestamp;

/// How many `data-key/…` and `object/…` subjects are remembered; older ones leave first. KMS keys and volumes always stay.
pub const REMEMBERED_SUBJECTS: usize = 10_000;

/// Where one key is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// In which form.
    pub form: Form,
    /// How many copies are there (two attachments of one volume hold two).
    pub copies: u32,
    /// Since when.
    pub since: Timestamp,
}

/// The fold.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    subjects: BTreeMap<String, BTreeMap<Place, Standing>>,
    #[serde(skip)]
    passing: VecDeque<String>,
}

impl Ledger {
    /// Takes one event into account.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::KeyPlaced(placed) => {
                self.remember(&placed.subject);
                let places = self.subjects.entry(placed.subject.clone()).or_default();
                let standing = places.entry(placed.place).or_insert(Standing {
                    form: placed.form.clone(),
                    copies: 0,
                    since: placed.time,
                });
                standing.form = placed.form.clone();
                standing.copies = if placed.form == Form::Plaintext { standing.copies + 1 } else { 1 };
            }
            Event::KeyDropped(dropped) => self.drop_copy(&dropped.subject, dropped.place),
            Event::Api(_) | Event::Service(_) => {}
        }
    }

    /// All subjects, in order, with the places each is in. A subject without any place is forgotten.
    pub fn subjects(&self) -> &BTreeMap<String, BTreeMap<Place, Standing>> {
        &self.subjects
    }

    fn drop_copy(&mut self, subject: &str, place: Place) {
        let Some(places) = self.subjects.get_mut(subject) else { return };
        if let Some(standing) = places.get_mut(&place) {
            standing.copies -= 1;
            if standing.copies == 0 {
                places.remove(&place);
            }
        }
        if places.is_empty() {
            self.subjects.remove(subject);
        }
    }

    fn remember(&mut self, subject: &str) {
        let passes = subject.starts_with("data-key/") || subject.starts_with("object/");
        if !passes || self.subjects.contains_key(subject) {
            return;
        }
        self.passing.push_back(subject.into());
        while self.passing.len() > REMEMBERED_SUBJECTS {
            if let Some(oldest) = self.passing.pop_front() {
                self.subjects.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{KeyDropped, KeyPlaced, Ordinal};

    fn placed(subject: &str, place: Place, form: Form) -> Event {
        Event::KeyPlaced(KeyPlaced {
            ordinal: Ordinal(0),
            time: Timestamp::UNIX_EPOCH,
            subject: subject.into(),
            place,
            form,
        })
    }

    fn dropped(subject: &str, place: Place) -> Event {
        Event::KeyDropped(KeyDropped {
            ordinal: Ordinal(0),
            time: Timestamp::UNIX_EPOCH,
            subject: subject.into(),
            place,
        })
    }

    #[test]
    fn two_attachments_hold_two_copies_and_the_last_detach_wipes_the_place() {
        let mut ledger = Ledger::default();
        let wrapped = Form::Wrapped { by: "arn:key".into() };
        ledger.apply(&placed("volume/v", Place::EbsMetadata, wrapped.clone()));
        ledger.apply(&placed("volume/v", Place::EbsMetadata, wrapped));
        ledger.apply(&placed("volume/v", Place::HypervisorMemory, Form::Plaintext));
        ledger.apply(&placed("volume/v", Place::HypervisorMemory, Form::Plaintext));
        ledger.apply(&dropped("volume/v", Place::HypervisorMemory));
        assert_eq!(ledger.subjects()["volume/v"][&Place::HypervisorMemory].copies, 1);
        ledger.apply(&dropped("volume/v", Place::HypervisorMemory));
        assert!(!ledger.subjects()["volume/v"].contains_key(&Place::HypervisorMemory));
        ledger.apply(&dropped("volume/v", Place::EbsMetadata));
        assert!(ledger.subjects().is_empty());
    }

    #[test]
    fn passing_subjects_are_bounded_and_keys_are_not_forgotten() {
        let mut ledger = Ledger::default();
        ledger.apply(&placed("kms/k", Place::Hsm, Form::Plaintext));
        for n in 0..=REMEMBERED_SUBJECTS {
            ledger.apply(&placed(&format!("object/b/{n}"), Place::S3Metadata, Form::Plaintext));
        }
        assert_eq!(ledger.subjects().len(), REMEMBERED_SUBJECTS + 1);
        assert!(!ledger.subjects().contains_key("object/b/0"));
        assert!(ledger.subjects().contains_key("kms/k"));
    }
}
