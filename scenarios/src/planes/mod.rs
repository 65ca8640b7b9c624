//! What is true after a step, plane by plane. Each plane turns an expectation and what was seen into checks.

pub mod command;
pub mod disk;
pub mod grants;
pub mod keys;
pub mod trail;

use serde::Serialize;

use crate::script::expect::Expect;
use crate::script::matcher::{Matcher, shown};
use crate::script::variables::Variables;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// `exit`, `result`, `trail`, …
    pub plane: &'static str,
    /// What was expected, as a sentence without subject: `KeyMetadata.KeyState is Enabled`.
    pub what: String,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// As expected.
    Passed {
        /// What was seen, where the expectation leaves room for surprise.
        #[serde(skip_serializing_if = "Option::is_none")]
        seen: Option<String>,
    },
    /// Not as expected.
    Failed {
        /// What was seen instead.
        seen: String,
    },
    /// Nobody looked; never counts as passed.
    NotChecked {
        /// Why not.
        reason: String,
    },
}

impl Check {
    /// A check of `matcher` against a value (absent: `None`).
    pub fn of(
        plane: &'static str,
        subject: &str,
        matcher: &Matcher,
        seen: Option<&serde_json::Value>,
        variables: &Variables,
    ) -> Self {
        let what = format!("{subject} {}", matcher.predicate(variables));
        let picture = seen.map_or_else(|| "nothing".into(), |value| shortened(shown(value).trim_end()));
        let verdict = match matcher.accepts(seen, variables) {
            Ok(true) => Verdict::Passed { seen: matcher.source().is_object().then_some(picture) },
            Ok(false) => Verdict::Failed { seen: picture },
            Err(why) => Verdict::Failed { seen: why },
        };
        Self { plane, what, verdict }
    }

    /// A check that was decided elsewhere.
    pub fn decided(plane: &'static str, what: impl Into<String>, passed: bool, seen: impl Into<String>) -> Self {
        let verdict = if passed { Verdict::Passed { seen: None } } else { Verdict::Failed { seen: seen.into() } };
        Self { plane, what: what.into(), verdict }
    }

    /// A check that failed because something could not be found out.
    pub fn broken(plane: &'static str, what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::decided(plane, what, false, why.to_string())
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
    }
}

/// The planes that the language has and the runner does not judge yet.
pub fn not_yet(expect: &Expect) -> Vec<Check> {
    let check = |plane: &'static str| Check {
        plane,
        what: "expectation".into(),
        verdict: Verdict::NotChecked { reason: "the runner does not judge this plane yet".into() },
    };
    let why = expect.why.as_ref().map(|_| check("why"));
    let cost = expect.cost.as_ref().map(|_| check("cost"));
    why.into_iter().chain(cost).collect()
}

/// Long values are cut and put on one line, so that a report stays readable.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = line.chars();
    let head: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() { format!("{head}…") } else { head }
}
