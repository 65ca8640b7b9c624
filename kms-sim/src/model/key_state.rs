//! A key's state as a table of moves, and what each state forbids as another. The code obeys the tables; tests print them.
//!
//! A room with states of its own adds them here as rows.

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
    /// Without (some of) its imported material.
    PendingImport,
    /// A multi-Region primary key that will wait for its end when its last replica is gone.
    PendingReplicaDeletion,
    /// A replica that is being made. Gives way to the state that the key remembers beside it.
    Creating,
    /// A multi-Region key that is changing from primary to replica or back. Gives way likewise.
    Updating,
    /// In a custom key store that is not connected. Never stored: the key's own state goes on beneath.
    Unavailable,
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
    /// ScheduleKeyDeletion of a primary key that has replicas.
    ScheduleAfterReplicas,
    /// The last replica of a primary key is deleted.
    LastReplicaGone,
    /// All imported material is there (again).
    MaterialComplete,
    /// Imported material is deleted, or expires.
    MaterialGone,
}

use Happening::{
    CancelDeletion, DatePasses, Disable, Enable, LastReplicaGone, MaterialComplete, MaterialGone,
    ScheduleAfterReplicas, ScheduleDeletion,
};
use KeyState::{
    Creating, Deleted, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable, Updating,
};

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
    (Enabled, MaterialGone, PendingImport),
    (Disabled, MaterialGone, PendingImport),
    (PendingImport, MaterialGone, PendingImport),
    (PendingDeletion, MaterialGone, PendingDeletion),
    (PendingReplicaDeletion, MaterialGone, PendingReplicaDeletion),
    (PendingImport, MaterialComplete, Enabled),
    (Enabled, MaterialComplete, Enabled),
    (Disabled, MaterialComplete, Disabled),
    (PendingImport, ScheduleDeletion, PendingDeletion),
    (Enabled, ScheduleAfterReplicas, PendingReplicaDeletion),
    (Disabled, ScheduleAfterReplicas, PendingReplicaDeletion),
    (PendingImport, ScheduleAfterReplicas, PendingReplicaDeletion),
    (PendingReplicaDeletion, CancelDeletion, Disabled),
    (PendingReplicaDeletion, LastReplicaGone, PendingDeletion),
];

/// What one can want of a key, as far as its state has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Cryptographic operations.
    Cryptography,
    /// CreateGrant.
    Granting,
    /// Handing out the public key: no use of the private one, and so possible while the key is disabled.
    PublicKey,
    /// Enabling, disabling or demanding rotation.
    RotationChange,
    /// Aliases pointing at it, tags, description.
    Decoration,
    /// Getting parameters for an import, and importing.
    Import,
    /// Deleting imported material.
    LosingMaterial,
    /// Making a replica, or another key the primary one.
    Replication,
}

/// Why a state forbids a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// DisabledException
    IsDisabled,
    /// KMSInvalidStateException, `… is pending deletion.`
    IsPendingDeletion,
    /// KMSInvalidStateException, `… is pending import.`
    IsPendingImport,
    /// KMSInvalidStateException, `… is pending replica deletion.`
    IsPendingReplicaDeletion,
    /// KMSInvalidStateException, `… is creating.`
    IsCreating,
    /// KMSInvalidStateException, `… is updating.`
    IsUpdating,
    /// KMSInvalidStateException, `… is unavailable.`
    IsUnavailable,
}

/// What is forbidden. What is not here is allowed.
pub const REFUSALS: &[(KeyState, Use, Refusal)] = &[
    (Disabled, Use::Cryptography, Refusal::IsDisabled),
    (Disabled, Use::Granting, Refusal::IsDisabled),
    (Disabled, Use::RotationChange, Refusal::IsDisabled),
    (PendingDeletion, Use::Cryptography, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::Granting, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::PublicKey, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::RotationChange, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::Decoration, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::Import, Refusal::IsPendingDeletion),
    (PendingDeletion, Use::Replication, Refusal::IsPendingDeletion),
    (Disabled, Use::Replication, Refusal::IsDisabled),
    (PendingImport, Use::Cryptography, Refusal::IsPendingImport),
    (PendingImport, Use::Granting, Refusal::IsPendingImport),
    (PendingImport, Use::PublicKey, Refusal::IsPendingImport),
    (PendingImport, Use::RotationChange, Refusal::IsPendingImport),
    (PendingReplicaDeletion, Use::Cryptography, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::Granting, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::PublicKey, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::RotationChange, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::Decoration, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::Import, Refusal::IsPendingReplicaDeletion),
    (PendingReplicaDeletion, Use::Replication, Refusal::IsPendingReplicaDeletion),
    (Creating, Use::Cryptography, Refusal::IsCreating),
    (Creating, Use::Granting, Refusal::IsCreating),
    (Creating, Use::PublicKey, Refusal::IsCreating),
    (Creating, Use::RotationChange, Refusal::IsCreating),
    (Creating, Use::Decoration, Refusal::IsCreating),
    (Creating, Use::Import, Refusal::IsCreating),
    (Creating, Use::LosingMaterial, Refusal::IsCreating),
    (Creating, Use::Replication, Refusal::IsCreating),
    (Unavailable, Use::Cryptography, Refusal::IsUnavailable),
    (Updating, Use::RotationChange, Refusal::IsUpdating),
    (Updating, Use::Decoration, Refusal::IsUpdating),
    (Updating, Use::Import, Refusal::IsUpdating),
    (Updating, Use::LosingMaterial, Refusal::IsUpdating),
    (Updating, Use::Replication, Refusal::IsUpdating),
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
            PendingImport => "PendingImport",
            PendingReplicaDeletion => "PendingReplicaDeletion",
            Creating => "Creating",
            Updating => "Updating",
            Unavailable => "Unavailable",
            Deleted => "Deleted",
        }
    }

    /// Reads AWS's word.
    pub fn parse(name: &str) -> Option<Self> {
        const SEEN: &[KeyState] =
            &[Enabled, Disabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Creating, Updating];
        SEEN.iter().copied().find(|state| state.name() == name)
    }

    /// The exception for a happening that this state does not know.
    pub fn cannot(self, happening: Happening, arn: &str) -> KmsError {
        match (self, happening) {
            (_, CancelDeletion) => KmsError::KmsInvalidState(format!("{arn} is not pending deletion.")),
            (PendingImport, _) => Refusal::IsPendingImport.about(arn),
            (PendingReplicaDeletion, _) => Refusal::IsPendingReplicaDeletion.about(arn),
            (Creating, _) => Refusal::IsCreating.about(arn),
            (Updating, _) => Refusal::IsUpdating.about(arn),
            (PendingDeletion | Unavailable | Deleted | Enabled | Disabled, _) => Refusal::IsPendingDeletion.about(arn),
        }
    }
}

impl Refusal {
    /// The exception, about the key of this ARN.
    pub fn about(self, arn: &str) -> KmsError {
        match self {
            Self::IsDisabled => KmsError::Disabled(arn.into()),
            Self::IsPendingDeletion => KmsError::KmsInvalidState(format!("{arn} is pending deletion.")),
            Self::IsPendingImport => KmsError::KmsInvalidState(format!("{arn} is pending import.")),
            Self::IsPendingReplicaDeletion => KmsError::KmsInvalidState(format!("{arn} is pending replica deletion.")),
            Self::IsCreating => KmsError::KmsInvalidState(format!("{arn} is creating.")),
            Self::IsUnavailable => KmsError::KmsInvalidState(format!("{arn} is unavailable.")),
            Self::IsUpdating => KmsError::KmsInvalidState(format!("{arn} is updating.")),
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
            Enabled          MaterialGone      PendingImport
            Disabled         MaterialGone      PendingImport
            PendingImport    MaterialGone      PendingImport
            PendingDeletion  MaterialGone      PendingDeletion
            PendingReplicaDeletion MaterialGone      PendingReplicaDeletion
            PendingImport    MaterialComplete  Enabled
            Enabled          MaterialComplete  Enabled
            Disabled         MaterialComplete  Disabled
            PendingImport    ScheduleDeletion  PendingDeletion
            Enabled          ScheduleAfterReplicas PendingReplicaDeletion
            Disabled         ScheduleAfterReplicas PendingReplicaDeletion
            PendingImport    ScheduleAfterReplicas PendingReplicaDeletion
            PendingReplicaDeletion CancelDeletion    Disabled
            PendingReplicaDeletion LastReplicaGone   PendingDeletion
            Disabled         forbids Cryptography    IsDisabled
            Disabled         forbids Granting        IsDisabled
            Disabled         forbids RotationChange  IsDisabled
            PendingDeletion  forbids Cryptography    IsPendingDeletion
            PendingDeletion  forbids Granting        IsPendingDeletion
            PendingDeletion  forbids PublicKey       IsPendingDeletion
            PendingDeletion  forbids RotationChange  IsPendingDeletion
            PendingDeletion  forbids Decoration      IsPendingDeletion
            PendingDeletion  forbids Import          IsPendingDeletion
            PendingDeletion  forbids Replication     IsPendingDeletion
            Disabled         forbids Replication     IsDisabled
            PendingImport    forbids Cryptography    IsPendingImport
            PendingImport    forbids Granting        IsPendingImport
            PendingImport    forbids PublicKey       IsPendingImport
            PendingImport    forbids RotationChange  IsPendingImport
            PendingReplicaDeletion forbids Cryptography    IsPendingReplicaDeletion
            PendingReplicaDeletion forbids Granting        IsPendingReplicaDeletion
            PendingReplicaDeletion forbids PublicKey       IsPendingReplicaDeletion
            PendingReplicaDeletion forbids RotationChange  IsPendingReplicaDeletion
            PendingReplicaDeletion forbids Decoration      IsPendingReplicaDeletion
            PendingReplicaDeletion forbids Import          IsPendingReplicaDeletion
            PendingReplicaDeletion forbids Replication     IsPendingReplicaDeletion
            Creating         forbids Cryptography    IsCreating
            Creating         forbids Granting        IsCreating
            Creating         forbids PublicKey       IsCreating
            Creating         forbids RotationChange  IsCreating
            Creating         forbids Decoration      IsCreating
            Creating         forbids Import          IsCreating
            Creating         forbids LosingMaterial  IsCreating
            Creating         forbids Replication     IsCreating
            Unavailable      forbids Cryptography    IsUnavailable
            Updating         forbids RotationChange  IsUpdating
            Updating         forbids Decoration      IsUpdating
            Updating         forbids Import          IsUpdating
            Updating         forbids LosingMaterial  IsUpdating
            Updating         forbids Replication     IsUpdating
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
