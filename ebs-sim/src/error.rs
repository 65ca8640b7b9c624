//! What can go wrong, by AWS's names. One table says how each goes over the wire.

use std::io;

use aws_core::fault::ApiFault;
use store::StoreError;

use crate::device::block_device::IoFault;
use crate::model::tags::BadTag;
use crate::model::volume_type::BadPerformance;

/// Why a call of EC2 or EBS is refused. Texts are AWS's own.
#[derive(Debug, thiserror::Error)]
pub enum EbsError {
    /// No such volume in this account and region.
    #[error("The volume '{0}' does not exist.")]
    VolumeNotFound(String),
    /// Not a volume id.
    #[error("Invalid id: \"{0}\" (expecting \"vol-...\")")]
    VolumeIdMalformed(String),
    /// The id that was wished for belongs to another volume or instance.
    #[error("The ID '{0}' is already in use.")]
    IdInUse(String),
    /// No such instance in this account and region.
    #[error("The instance ID '{0}' does not exist")]
    InstanceNotFound(String),
    /// Not an instance id.
    #[error("Invalid id: \"{0}\" (expecting \"i-...\")")]
    InstanceIdMalformed(String),
    /// A resource id that is neither a volume's nor a snapshot's nor an instance's.
    #[error("The ID '{0}' is not valid")]
    InvalidId(String),
    /// No such snapshot in this account and region.
    #[error("The snapshot '{0}' does not exist.")]
    SnapshotNotFound(String),
    /// Not a snapshot id.
    #[error("Invalid id: \"{0}\" (expecting \"snap-...\")")]
    SnapshotIdMalformed(String),
    /// Only a completed snapshot can become a volume.
    #[error("Snapshot is in invalid state - {0}")]
    SnapshotState(&'static str),
    /// So many snapshots of one volume may be pending, and no more.
    #[error("Maximum allowed in-progress snapshots for a single volume exceeded.")]
    ConcurrentSnapshotLimitExceeded,
    /// A volume takes so many modifications a day.
    #[error(
        "You've reached the maximum modification rate per volume limit. Wait at least 24 hours between modifications per EBS volume."
    )]
    VolumeModificationRateExceeded,
    /// The volume was never modified.
    #[error("Modification for volume '{0}' does not exist.")]
    ModificationNotFound(String),
    /// The volume is attached elsewhere, or under another device name.
    #[error("The volume '{volume}' is not attached to instance '{instance}' as device '{device}'.")]
    AttachmentNotFound {
        /// The volume.
        volume: String,
        /// The instance named or found.
        instance: String,
        /// The device named or found.
        device: String,
    },
    /// The place on the instance is taken. EC2's list of codes has `InvalidDevice.InUse` for it; what it answers is this.
    #[error("Invalid value '{0}' for unixDevice. Attachment point {0} is already in use")]
    DeviceInUse(String),
    /// Volume and instance are in different zones.
    #[error("The volume '{volume}' is not in the same availability zone as instance '{instance}'")]
    ZoneMismatch {
        /// The volume.
        volume: String,
        /// The instance.
        instance: String,
    },
    /// Attached volumes cannot be deleted.
    #[error("Volume {volume} is currently attached to {instance}")]
    AttachedVolume {
        /// The volume.
        volume: String,
        /// Where it is attached.
        instance: String,
    },
    /// A volume is attached to one instance at a time.
    #[error("{0} is already attached to an instance")]
    AlreadyAttached(String),
    /// The volume's state forbids it.
    #[error("Volume '{volume}' is in the '{state}' state.")]
    VolumeState {
        /// The volume.
        volume: String,
        /// Its state.
        state: &'static str,
    },
    /// The instance's state forbids it.
    #[error("The instance '{0}' is not in a state from which it can be {1}.")]
    InstanceState(String, &'static str),
    /// Only running and stopped instances take volumes.
    #[error("Instance '{0}' is not 'running'.")]
    InstanceNotRunning(String),
    /// The root volume leaves a stopped instance only.
    #[error("Unable to detach root volume '{volume}' from instance '{instance}'")]
    RootVolume {
        /// The volume.
        volume: String,
        /// The instance.
        instance: String,
    },
    /// KMS refused, whatever the reason; the trail has it.
    #[error("Volume {0} cannot be attached. The encrypted volume was unable to access the KMS key.")]
    CustomerKeyHasBeenRevoked(String),
    /// An instance takes so many volumes and no more.
    #[error("Volume attachment limit exceeded for instance '{0}'")]
    AttachmentLimitExceeded(String),
    /// Not a volume type.
    #[error("Unsupported volume type '{0}' for volume creation.")]
    UnknownVolumeType(String),
    /// No such zone in this region.
    #[error("The zone '{0}' does not exist.")]
    ZoneNotFound(String),
    /// A value out of its range or form.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// Parameters that exclude each other.
    #[error("{0}")]
    InvalidParameterCombination(String),
    /// A parameter that needs another.
    #[error("The parameter {0} requires the parameter {1} to be set.")]
    InvalidParameterDependency(&'static str, &'static str),
    /// A parameter that must be there.
    #[error("The request must contain the parameter {0}")]
    MissingParameter(String),
    /// Size, IOPS and throughput do not go together.
    #[error(transparent)]
    Performance(#[from] BadPerformance),
    /// A tag is refused.
    #[error(transparent)]
    Tag(#[from] BadTag),
    /// Too many tags.
    #[error("The maximum number of Tags for a resource has been reached.")]
    TagLimitExceeded,
    /// The same client token with other parameters.
    #[error("The client token you have provided is associated with a resource that has different parameters.")]
    IdempotentParameterMismatch,
    /// More at once than one call may ask for.
    #[error("You have requested more instances ({0}) than your current instance limit of {1} allows.")]
    InstanceLimitExceeded(u32, u32),
    /// ext4, for one, ends at 16 TiB.
    #[error("The file system of the state folder cannot hold a volume of {0}GiB.")]
    TooLargeForHost(u32),
    /// Known to AWS, absent here.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// Policies refuse; holds AWS's sentence.
    #[error("You are not authorized to perform this operation. {0}")]
    Unauthorized(String),
    /// All checks passed, and nothing was done, as asked.
    #[error("Request would have succeeded, but DryRun flag is set.")]
    DryRun,
    /// No such action.
    #[error("The action {0} is not valid for this web service.")]
    InvalidAction(String),
    /// The tables failed.
    #[error("An internal error has occurred")]
    Store(#[from] StoreError),
    /// The state folder failed.
    #[error("An internal error has occurred")]
    Files(#[from] io::Error),
    /// A volume's data file failed.
    #[error("An internal error has occurred")]
    Device(#[from] IoFault),
    /// A data key came back that is none.
    #[error("An internal error has occurred")]
    Cipher(#[from] envelope::xts::CipherError),
    /// A task of ours died.
    #[error("An internal error has occurred")]
    Task,
}

impl EbsError {
    /// The code and status on the wire.
    fn code_and_status(&self) -> (&'static str, u16) {
        match self {
            Self::VolumeNotFound(_) => ("InvalidVolume.NotFound", 400),
            Self::VolumeIdMalformed(_) => ("InvalidVolumeID.Malformed", 400),
            Self::IdInUse(_) | Self::DeviceInUse(_) | Self::InvalidParameterValue(_) => ("InvalidParameterValue", 400),
            Self::InstanceNotFound(_) => ("InvalidInstanceID.NotFound", 400),
            Self::InstanceIdMalformed(_) => ("InvalidInstanceID.Malformed", 400),
            Self::InvalidId(_) => ("InvalidID", 400),
            Self::SnapshotNotFound(_) => ("InvalidSnapshot.NotFound", 400),
            Self::SnapshotIdMalformed(_) => ("InvalidSnapshotID.Malformed", 400),
            Self::SnapshotState(_) => ("IncorrectState", 400),
            Self::ConcurrentSnapshotLimitExceeded => ("ConcurrentSnapshotLimitExceeded", 400),
            Self::ModificationNotFound(_) => ("InvalidVolumeModification.NotFound", 400),
            Self::VolumeModificationRateExceeded => ("VolumeModificationRateExceeded", 400),
            Self::AttachmentNotFound { .. } => ("InvalidAttachment.NotFound", 400),
            Self::ZoneMismatch { .. } => ("InvalidVolume.ZoneMismatch", 400),
            Self::AttachedVolume { .. } | Self::AlreadyAttached(_) => ("VolumeInUse", 400),
            Self::VolumeState { .. } | Self::InstanceNotRunning(_) => ("IncorrectState", 400),
            Self::InstanceState(..) => ("IncorrectInstanceState", 400),
            Self::RootVolume { .. } => ("OperationNotPermitted", 400),
            Self::CustomerKeyHasBeenRevoked(_) => ("CustomerKeyHasBeenRevoked", 400),
            Self::AttachmentLimitExceeded(_) => ("AttachmentLimitExceeded", 400),
            Self::UnknownVolumeType(_) => ("UnknownVolumeType", 400),
            Self::ZoneNotFound(_) => ("InvalidZone.NotFound", 400),
            Self::InvalidParameterCombination(_) => ("InvalidParameterCombination", 400),
            Self::InvalidParameterDependency(..) => ("InvalidParameterDependency", 400),
            Self::MissingParameter(_) => ("MissingParameter", 400),
            Self::Performance(bad) => (performance_code(bad), 400),
            Self::Tag(_) => ("InvalidParameterValue", 400),
            Self::TagLimitExceeded => ("TagLimitExceeded", 400),
            Self::IdempotentParameterMismatch => ("IdempotentParameterMismatch", 400),
            Self::InstanceLimitExceeded(..) => ("InstanceLimitExceeded", 400),
            Self::UnsupportedOperation(_) | Self::TooLargeForHost(_) => ("UnsupportedOperation", 400),
            Self::Unauthorized(_) => ("UnauthorizedOperation", 403),
            Self::DryRun => ("DryRunOperation", 412),
            Self::InvalidAction(_) => ("InvalidAction", 400),
            Self::Store(_) | Self::Files(_) | Self::Device(_) | Self::Cipher(_) | Self::Task => ("InternalError", 500),
        }
    }

    /// The fault that the wire prints. What is our own fault is told to the log, not to the caller.
    pub fn fault(&self) -> ApiFault {
        let (code, status) = self.code_and_status();
        if status == 500 {
            tracing::error!(error = ?self, "an EC2 call failed");
        }
        ApiFault::client(code, self.to_string()).with_status(status)
    }
}

fn performance_code(bad: &BadPerformance) -> &'static str {
    match bad {
        BadPerformance::Size { .. } | BadPerformance::Iops { .. } | BadPerformance::Throughput { .. } => {
            "InvalidParameterValue"
        }
        BadPerformance::IopsMissing => "MissingParameter",
        BadPerformance::IopsNotSupported(_) | BadPerformance::ThroughputNotSupported => "InvalidParameterCombination",
    }
}
