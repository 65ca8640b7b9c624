//! What would turn a refusal: the smallest changes, each confirmed by evaluating again with it applied.
//!
//! ```text
//! candidates   changes that could help, the narrowest first       world   the voices, owned, so that they can be changed
//! change       one change, as data and as a sentence
//! ```
//!
//! Nothing is proposed that was not tried. A Deny that spoke must fall silent whatever else is changed, so those
//! changes come first; then one more change is tried, and where no single one helps, two together. Where two do not,
//! nothing is proposed: such a refusal is better redesigned than patched.
//!
//! Deliberately absent: judging whether a change is wise. A statement that allows all actions is never widened to
//! another principal, though: that would hand over far more than was asked for.

mod candidates;
mod change;
#[cfg(test)]
mod tests;
mod world;

use std::slice;

use serde::{Deserialize, Serialize};

pub use self::change::{Change, Step};

use self::candidates::Candidates;
use self::change::Edit;
use self::world::World;
use crate::policy::evaluate::{Question, Voices, evaluate};
use crate::policy::explain::Layer;

/// How many remedies are proposed at most.
pub const MOST: usize = 3;

/// Candidates of which pairs are tried: bounds the evaluations at 276, however long the policies are.
const PAIRED: usize = 24;

/// A change, or a few that belong together, after which the call is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// Whose voice changes first; for a change of the request, whose condition asked for it.
    pub layer: Layer,
    /// What to do, for a person.
    pub sentence: String,
    /// What to do, for a program; all of it together.
    pub steps: Vec<Step>,
}

/// Up to [`MOST`] remedies of a refusal, the narrowest first; none for an allowed call, and none where none was found.
///
/// `fixed` names layers that nobody can change, such as the key policy and the grants of a key that AWS manages.
pub fn remedies(question: &Question<'_>, voices: &Voices<'_>, fixed: &[Layer]) -> Vec<Remedy> {
    let refusal = evaluate(question, voices);
    if refusal.allowed() {
        return Vec::new();
    }
    let search = Search { question, voices };
    let world = World::new(question, voices);
    let candidates = Candidates::of(&search, &world, &refusal, fixed);
    let mut found = Found::default();
    search.try_each(&world, &[], &candidates.requests, &mut found);
    for silencing in &candidates.silencing {
        search.complete(&world.with_all(silencing), silencing, &candidates.others, &mut found);
    }
    found.edits.iter().take(MOST).map(|edits| search.remedy(edits)).collect()
}

/// What is asked, and of whom.
struct Search<'a> {
    question: &'a Question<'a>,
    voices: &'a Voices<'a>,
}

/// What was confirmed, without two remedies that do the same in the same place.
#[derive(Default)]
struct Found {
    edits: Vec<Vec<Edit>>,
}

impl Found {
    fn add(&mut self, edits: Vec<Edit>) {
        let same = |known: &Vec<Edit>| {
            known.len() == edits.len() && known.iter().zip(&edits).all(|(one, other)| one.purpose() == other.purpose())
        };
        if !self.edits.iter().any(same) {
            self.edits.push(edits);
        }
    }

    fn enough(&self) -> bool {
        self.edits.len() >= MOST
    }
}

impl Search<'_> {
    /// With the Denies silent, whatever else it takes: nothing, one change, or two.
    fn complete(&self, world: &World, before: &[Edit], others: &[Edit], found: &mut Found) {
        if world.allows(self.question, self.voices) {
            return found.add(before.to_vec());
        }
        let singles = found.edits.len();
        self.try_each(world, before, others, found);
        if found.edits.len() == singles {
            self.try_pairs(world, before, &others[..others.len().min(PAIRED)], found);
        }
    }

    fn try_each(&self, world: &World, before: &[Edit], edits: &[Edit], found: &mut Found) {
        for edit in edits {
            if found.enough() {
                return;
            }
            if world.with(edit).allows(self.question, self.voices) {
                found.add([before, slice::from_ref(edit)].concat());
            }
        }
    }

    fn try_pairs(&self, world: &World, before: &[Edit], edits: &[Edit], found: &mut Found) {
        for (index, first) in edits.iter().enumerate() {
            let before = [before, slice::from_ref(first)].concat();
            self.try_each(&world.with(first), &before, &edits[index + 1..], found);
        }
    }

    fn remedy(&self, edits: &[Edit]) -> Remedy {
        let sentences: Vec<String> = edits.iter().map(|edit| edit.sentence(self)).collect();
        Remedy {
            layer: edits.first().map_or(Layer::IdentityPolicy, |edit| edit.place.layer),
            sentence: sentences.join("; and "),
            steps: edits.iter().map(Edit::step).collect(),
        }
    }
}
