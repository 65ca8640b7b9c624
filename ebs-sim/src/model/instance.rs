//! An instance: a folder of the host, and the infrastructure role under whose name the host opens data keys.

use aws_core::arn::Arn;
use aws_core::id::{AccountId, Region};
use aws_core::time::{SignedDuration, Timestamp};

use super::tags::Tags;

/// How long a terminated instance can still be described.
pub const AFTERLIFE: SignedDuration = SignedDuration::from_hours(1);

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// `r-…`: instances launched together.
    pub reservation_id: String,
    /// Position within the reservation.
    pub launch_index: u32,
    /// Owner.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// `us-east-1a`, …
    pub zone: String,
    /// `ami-…`; nothing is booted from it.
    pub image_id: String,
    /// `t3.micro`, …
    pub instance_type: String,
    /// Name of the key pair, as given.
    pub key_name: Option<String>,
    /// Device name of the root volume.
    pub root_device: String,
    /// On the simulated clock.
    pub launched_at: Timestamp,
    /// Where it stands.
    pub state: InstanceState,
    /// When it was terminated.
    pub terminated_at: Option<Timestamp>,
    /// Why it is in its state, when the owner did not ask for it.
    pub reason: Option<StateReason>,
    /// Tags.
    pub tags: Tags,
}

/// EC2's `stateReason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReason {
    /// `Client.InternalError`, …
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Where an instance stands between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Said once, in the answers to RunInstances and StartInstances.
    Pending,
    /// Its volumes are open.
    Running,
    /// Said once, in the answer to StopInstances.
    Stopping,
    /// Its volumes are attached, but no key is in memory.
    Stopped,
    /// Said once, in the answer to TerminateInstances.
    ShuttingDown,
    /// Over.
    Terminated,
}

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceEvent {
    /// StartInstances.
    Start,
    /// StopInstances.
    Stop,
    /// TerminateInstances, or a launch that failed.
    Terminate,
}

/// All moves there are. Asking for what already is, is no error.
pub const MOVES: &[(InstanceState, InstanceEvent, InstanceState)] = {
    use InstanceEvent::{Start, Stop, Terminate};
    use InstanceState::{Running, Stopped, Terminated};
    &[
        (Running, Stop, Stopped),
        (Stopped, Stop, Stopped),
        (Stopped, Start, Running),
        (Running, Start, Running),
        (Running, Terminate, Terminated),
        (Stopped, Terminate, Terminated),
        (Terminated, Terminate, Terminated),
    ]
};

impl InstanceState {
    /// Where an event leads; `None` when it cannot happen here.
    pub fn on(self, event: InstanceEvent) -> Option<Self> {
        MOVES.iter().find(|(from, by, _)| (*from, *by) == (self, event)).map(|(_, _, to)| *to)
    }

    /// EC2's number and name.
    pub fn code_and_name(self) -> (u16, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
            Self::Stopping => (64, "stopping"),
            Self::Stopped => (80, "stopped"),
        }
    }
}

impl Instance {
    /// Whether Describe still shows it.
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        self.terminated_at.is_none_or(|at| now.duration_since(at) < AFTERLIFE)
    }
}

/// An instance's ARN; `*` as id stands for one that does not exist yet.
pub fn arn_of(account: &AccountId, region: &Region, id: &str) -> String {
    Arn::new("ec2", region.as_str(), account.as_str(), format!("instance/{id}")).to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_moves_are_these() {
        let name = |state: &InstanceState| state.code_and_name().1;
        let drawn: String = MOVES.iter().map(|(a, e, b)| format!("{} --{e:?}--> {}\n", name(a), name(b))).collect();
        expect![[r#"
            running --Stop--> stopped
            stopped --Stop--> stopped
            stopped --Start--> running
            running --Start--> running
            running --Terminate--> terminated
            stopped --Terminate--> terminated
            terminated --Terminate--> terminated
        "#]]
        .assert_eq(&drawn);
        assert_eq!(InstanceState::Terminated.on(InstanceEvent::Start), None);
    }
}
