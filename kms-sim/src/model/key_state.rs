//! A key's state as a table of moves, and what each state forbids as another. The code obeys the tables; tests print them.
//!
//! The rooms for imported, replicated and custom-store keys will add their states here as rows.

use kms_api::error::KmsError;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Usable.
    Enabled,
    /// Set aside; can be enabled again.
    Disabled,
    /// Waiting for its end; can be taken back into `Disabled`.
    PendingDeletion,
    /// Its material is destroyed. No key is ever seen in this state: it vanishes with the move.
    Deleted,
}

/// What can happen to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// EnableKey
    Enable,
    /// DisableKey
    Disable,
    /// ScheduleKeyDeletion
    ScheduleDeletion,
    /// CancelKeyDeletion
    CancelDeletion,
    /// The deletion date passes.
    DatePasses,
}

use Happening::{CancelDeletion, DatePasses, Disable, Enable, ScheduleDeletion};
use KeyState::{Deleted, Disabled, Enabled, PendingDeletion};

/// All moves there are. What is not here does not happen.
pub const MOVES: &[(KeyState, Happening, KeyState)] = &[
    (Enabled, Enable, Enabled),
    (Enabled, Disable, Disabled),
    (Enabled, ScheduleDeletion, PendingDeletion),
    (Disabled, Enable, Enabled),
    (Disabled, Disable, Disabled),
    (Disabled, ScheduleDeletion, PendingDeletion),
    (PendingDeletion, CancelDeletion, Disabled),
    (PendingDeletion, DatePasses, Deleted),
];

/// What one can want of a key, as far as its state has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Cryptographic operations and CreateGrant.
    Cryptography,
    /// Enabling, disabling or demanding rotation.
    RotationChange,
    /// Aliases pointing at it, tags, description.
    Decoration,
}

/// Why a state forbids a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// DisabledException
    IsDisabled,
    /// KMSInvalidStateException, `… is pending deletion.`
    IsPendingDeletion,
}

/// What is forbidden. What is not here is allowed.
pub const REFUSALS: &[(KeyState, Use, Refusal)] = &[
    (Disabled, Use::Cryptography, Refusal::IsDisabled),
    (Disabled, Use::RotationChange, Refusal::IsDisabled),
    (PendingDeletion, Use::Cryptography, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::RotationChange, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::Decoration, Refusal::IsPendingDeletion),
];

impl KeyState {
    /// The state after `happening`, or `None` when it cannot happen now.
    pub fn on(self, happening: Happening) -> Option<Self> {
        MOVES.iter().find(|(from, by, _)| (*from, *by) == (self, happening)).map(|(_, _, to)| *to)
    }

    /// Whether this state lets the key be used so.
    pub fn permits(self, purpose: Use) -> Result<(), Refusal> {
        let found = REFUSALS.iter().find(|(state, forbidden, _)| (*state, *forbidden) == (self, purpose));
        found.map_or(Ok(()), |(_, _, refusal)| Err(*refusal))
    }

    /// AWS's word.
    pub fn name(self) -> &'static str {
        match self {
            Enabled => "Enabled",
            Disabled => "Disabled",
            PendingDeletion => "PendingDeletion",
            Deleted => "Deleted",
        }
    }

    /// Reads AWS's word.
    pub fn parse(name: &str) -> Option<Self> {
        [Enabled, Disabled, PendingDeletion].into_iter().find(|state| state.name() == name)
    }

    /// The exception for a happening that this state does not know.
    pub fn cannot(self, happening: Happening, arn: &str) -> KmsError {
        match (self, happening) {
            (_, CancelDeletion) => KmsError::KmsInvalidState(format!("{arn} is not pending deletion.")),
            (PendingDeletion | Deleted | Enabled | Disabled, _) => Refusal::IsPendingDeletion.about(arn),
        }
    }
}

impl Refusal {
    /// The exception, about the key of this ARN.
    pub fn about(self, arn: &str) -> KmsError {
        match self {
            Self::IsDisabled => KmsError::Disabled(arn.into()),
            Self::IsPendingDeletion => KmsError::KmsInvalidState(format!("{arn} is pending deletion.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write;

    #[test]
    fn the_life_of_a_key_on_one_page() {
        let mut page = String::new();
        for (from, by, to) in MOVES {
            writeln!(page, "{:<16} {:<17} {}", from.name(), format!("{by:?}"), to.name()).unwrap();
        }
        for (state, purpose, refusal) in REFUSALS {
            writeln!(page, "{:<16} forbids {:<15} {:?}", state.name(), format!("{purpose:?}"), refusal).unwrap();
        }
        expect![[r#"
            Enabled          Enable            Enabled
            Enabled          Disable           Disabled
            Enabled          ScheduleDeletion  PendingDeletion
            Disabled         Enable            Enabled
            Disabled         Disable           Disabled
            Disabled         ScheduleDeletion  PendingDeletion
            PendingDeletion  CancelDeletion    Disabled
            PendingDeletion  DatePasses        Deleted
            Disabled         forbids Cryptography    IsDisabled
            Disabled         forbids RotationChange  IsDisabled
            PendingDeletion  forbids Cryptography    IsPendingDeletion
            PendingDeletion  forbids RotationChange  IsPendingDeletion
            PendingDeletion  forbids Decoration      IsPendingDeletion
        "#]]
        .assert_eq(&page);
    }

    #[test]
    fn each_state_and_happening_has_at_most_one_move() {
        for (index, (from, by, _)) in MOVES.iter().enumerate() {
            assert!(!MOVES[..index].iter().any(|(f, b, _)| (f, b) == (from, by)), "{from:?} on {by:?} twice");
        }
    }

    #[test]
    fn what_cannot_happen_says_why() {
        assert_eq!(Enabled.on(CancelDeletion), None);
        assert_eq!(Enabled.cannot(CancelDeletion, "K").to_string(), "K is not pending deletion.");
        assert_eq!(PendingDeletion.cannot(Enable, "K").to_string(), "K is pending deletion.");
        assert_eq!(Disabled.permits(Use::Cryptography).unwrap_err().about("K").to_string(), "K is disabled.");
        assert_eq!(Disabled.permits(Use::Decoration), Ok(()));
    }
}
