//! One volume on one instance.

use aws_core::time::Timestamp;

/// An attachment. That the volume's key is in memory is not said here: it may not be (a stopped instance, a key that
/// was unusable at the last start).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// `i-…`
    pub instance_id: String,
    /// As the caller spelled it, e.g. `/dev/sdf`.
    pub device: String,
    /// On the simulated clock.
    pub attached_at: Timestamp,
    /// Whether the volume goes when the instance does.
    pub delete_on_termination: bool,
    /// Attached, or waiting for the guest to let go.
    pub state: AttachmentState,
    /// The grant that lets the host open the data key; `None` for unencrypted volumes and on stopped instances.
    pub grant: Option<KeyGrant>,
}

/// A grant as its retirement needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    /// 64 hex digits.
    pub id: String,
    /// ARN of the KMS key.
    pub kms_key_arn: String,
}

/// Where an attachment stands between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentState {
    /// In use, or ready for it.
    Attached,
    /// A detach was asked for while the guest held the device.
    Busy,
    /// Over; the volume forgets the attachment.
    Detached,
}

/// What can happen to an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentEvent {
    /// DetachVolume while the device is open.
    AskedWhileOpen,
    /// Nobody holds the device (any more).
    LetGo,
    /// Force, stop or terminate: the device is taken away.
    Cut,
}

/// All moves there are.
pub const MOVES: &[(AttachmentState, AttachmentEvent, AttachmentState)] = {
    use AttachmentEvent::{AskedWhileOpen, Cut, LetGo};
    use AttachmentState::{Attached, Busy, Detached};
    &[
        (Attached, LetGo, Detached),
        (Attached, AskedWhileOpen, Busy),
        (Busy, AskedWhileOpen, Busy),
        (Busy, LetGo, Detached),
        (Attached, Cut, Detached),
        (Busy, Cut, Detached),
    ]
};

impl AttachmentState {
    /// Where an event leads; `None` when it cannot happen here.
    pub fn on(self, event: AttachmentEvent) -> Option<Self> {
        MOVES.iter().find(|(from, by, _)| (*from, *by) == (self, event)).map(|(_, _, to)| *to)
    }

    /// As EC2 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Busy => "busy",
            Self::Detached => "detached",
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_moves_are_these() {
        let drawn: String = MOVES.iter().map(|(a, e, b)| format!("{} --{e:?}--> {}\n", a.name(), b.name())).collect();
        expect![[r#"
            attached --LetGo--> detached
            attached --AskedWhileOpen--> busy
            busy --AskedWhileOpen--> busy
            busy --LetGo--> detached
            attached --Cut--> detached
            busy --Cut--> detached
        "#]]
        .assert_eq(&drawn);
        assert_eq!(AttachmentState::Detached.on(AttachmentEvent::Cut), None);
    }
}
