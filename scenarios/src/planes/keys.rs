//! Where keys are, by the server's ledger: which key, in which place, usable or wrapped under what.

use std::collections::BTreeMap;

use aws_core::event::{Form, Place};
use serde::{Deserialize, Serialize};

use crate::script::expect::{PLACES, PlaceWord, Whereabouts, place_word};
use crate::script::variables::Variables;
use crate::stage::StageError;
use crate::stage::http::Http;

use super::Check;

/// The ledger as the control plane prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Ledger {
    subjects: BTreeMap<String, Standings>,
}

/// Where one key is.
pub type Standings = BTreeMap<Place, Standing>;

/// In which form, and how many copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Usable, or wrapped under what.
    pub form: Form,
    /// Two attachments of one volume hold two.
    pub copies: u32,
}

impl Ledger {
    /// What the ledger says now.
    pub async fn read(http: &Http) -> Result<Self, StageError> {
        let value = http.control("/_sim/keys").await?;
        serde_json::from_value(value)
            .map_err(|error| StageError::Unreachable(format!("/_sim/keys is not as expected: {error}")))
    }

    /// Where a key is; nowhere, if the ledger does not know it.
    pub fn standings(&self, subject: &str) -> Standings {
        self.subjects.get(subject).cloned().unwrap_or_default()
    }
}

/// Expectations by subject.
pub type KeysExpect = BTreeMap<String, BTreeMap<PlaceWord, Whereabouts>>;

/// Judges the places of the keys that a step names.
pub fn check(expect: &KeysExpect, ledger: &Ledger, variables: &Variables) -> Vec<Check> {
    let mut checks = Vec::new();
    for (subject, places) in expect {
        match variables.fill(subject) {
            Ok(subject) => checks.extend(check_subject(&subject, places, &ledger.standings(&subject), variables)),
            Err(name) => checks.push(Check::broken("keys", subject.clone(), format!("nobody captured ${name}"))),
        }
    }
    checks
}

fn check_subject(
    subject: &str,
    wanted: &BTreeMap<PlaceWord, Whereabouts>,
    seen: &Standings,
    variables: &Variables,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (word, form) in wanted {
        let form = match filled(form, variables) {
            Ok(form) => form,
            Err(why) => {
                checks.push(Check::broken("keys", format!("{subject} in {}", word.word()), why));
                continue;
            }
        };
        let what = format!("{subject}: {} in {}", words(&form), word.word());
        let places = places_of(*word, wanted);
        let wrong = places.iter().find(|place| !stands(&form, seen.get(*place)));
        let picture = wrong.map(|place| format!("{} in {}", standing_words(seen.get(place)), place_word(*place)));
        checks.push(Check::decided("keys", what, wrong.is_none(), picture.unwrap_or_default()));
    }
    checks
}

/// The places a word stands for: itself, or all that the same list does not name.
fn places_of(word: PlaceWord, wanted: &BTreeMap<PlaceWord, Whereabouts>) -> Vec<Place> {
    match word {
        PlaceWord::At(place) => vec![place],
        PlaceWord::Elsewhere => {
            let all = PLACES.iter().map(|(place, _)| *place);
            all.filter(|place| !wanted.contains_key(&PlaceWord::At(*place))).collect()
        }
    }
}

fn filled(form: &Whereabouts, variables: &Variables) -> Result<Whereabouts, String> {
    match form {
        Whereabouts::Wrapped(Some(key)) => {
            let key = variables.fill(key).map_err(|name| format!("nobody captured ${name}"))?;
            Ok(Whereabouts::Wrapped(Some(key)))
        }
        Whereabouts::Absent | Whereabouts::Plaintext | Whereabouts::Wrapped(None) => Ok(form.clone()),
    }
}

fn stands(wanted: &Whereabouts, seen: Option<&Standing>) -> bool {
    match (wanted, seen.map(|standing| &standing.form)) {
        (Whereabouts::Absent, None)
        | (Whereabouts::Plaintext, Some(Form::Plaintext))
        | (Whereabouts::Wrapped(None), Some(Form::Wrapped { .. })) => true,
        // A key may be named by its ARN or by its id alone.
        (Whereabouts::Wrapped(Some(key)), Some(Form::Wrapped { by })) => by == key || by.ends_with(&format!("/{key}")),
        _ => false,
    }
}

fn words(form: &Whereabouts) -> String {
    match form {
        Whereabouts::Absent => "absent".into(),
        Whereabouts::Plaintext => "plaintext".into(),
        Whereabouts::Wrapped(None) => "wrapped".into(),
        Whereabouts::Wrapped(Some(key)) => format!("wrapped by {key}"),
    }
}

fn standing_words(standing: Option<&Standing>) -> String {
    match standing.map(|standing| &standing.form) {
        None => "absent".into(),
        Some(Form::Plaintext) => "plaintext".into(),
        Some(Form::Wrapped { by }) => format!("wrapped by {by}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ledger() -> Ledger {
        let value = json!({"subjects": {"volume/vol-1": {
            "hypervisor.memory": {"form": "plaintext", "copies": 1, "since": "2026-01-15T09:00:00Z"},
            "ebs.metadata": {"form": {"wrapped": {"by": "arn:aws:kms:us-east-2:111122223333:key/k-1"}}, "copies": 1, "since": "2026-01-15T09:00:00Z"},
        }}});
        serde_json::from_value(value).unwrap()
    }

    fn failures(yaml: &str) -> Vec<String> {
        let expect: KeysExpect = serde_saphyr::from_str(yaml).unwrap();
        let mut variables = Variables::default();
        variables.set("VOL", "vol-1");
        variables.set("KEY", "k-1");
        check(&expect, &ledger(), &variables).into_iter().filter(Check::failed).map(|check| check.what).collect()
    }

    #[test]
    fn forms_are_judged_place_by_place() {
        let right = "volume/$VOL: {hypervisor.memory: plaintext, ebs.metadata: wrapped by $KEY, kms.store: absent, elsewhere: absent}";
        assert_eq!(failures(right), Vec::<String>::new());
        assert_eq!(
            failures("volume/$VOL: {ebs.metadata: wrapped, elsewhere: absent}"),
            ["volume/vol-1: absent in elsewhere"]
        );
        assert_eq!(failures("volume/$VOL: {ebs.metadata: plaintext}"), ["volume/vol-1: plaintext in ebs.metadata"]);
        assert_eq!(
            failures("volume/$VOL: {ebs.metadata: wrapped by other}"),
            ["volume/vol-1: wrapped by other in ebs.metadata"]
        );
        assert_eq!(failures("volume/unknown: {hsm: plaintext}"), ["volume/unknown: plaintext in hsm"]);
    }

    #[test]
    fn the_servers_own_ledger_reads_back() {
        let mut real = aws_core::ledger::Ledger::default();
        real.apply(&aws_core::event::Event::KeyPlaced(aws_core::event::KeyPlaced {
            ordinal: aws_core::event::Ordinal(0),
            time: aws_core::time::Timestamp::UNIX_EPOCH,
            subject: "kms/k".into(),
            place: Place::KmsStore,
            form: Form::Wrapped { by: "hsm root".into() },
        }));
        let read: Ledger = serde_json::from_value(serde_json::to_value(&real).unwrap()).unwrap();
        assert_eq!(read.standings("kms/k")[&Place::KmsStore].form, Form::Wrapped { by: "hsm root".into() });
    }
}
