//! One action, one file: decode → authorize → do → answer.
//!
//! ```text
//! finding   a volume or instance by id, or AWS's complaint     filters   Filter.N and pages
//! making    a new volume, for CreateVolume and RunInstances    shapes    the XML of volumes and instances
//! contents  what a new volume holds, and its key
//! tagging   TagSpecification.N                                 tokens    ClientToken
//! ```

mod contents;
mod filters;
mod finding;
mod making;
mod shapes;
mod snapping;
mod tagging;
mod tokens;

pub(crate) mod attach_volume;
pub(crate) mod create_snapshot;
pub(crate) mod create_snapshots;
pub(crate) mod create_tags;
pub(crate) mod create_volume;
pub(crate) mod delete_snapshot;
pub(crate) mod delete_tags;
pub(crate) mod delete_volume;
pub(crate) mod describe_availability_zones;
pub(crate) mod describe_instance_status;
pub(crate) mod describe_instances;
pub(crate) mod describe_regions;
pub(crate) mod describe_snapshots;
pub(crate) mod describe_tags;
pub(crate) mod describe_volume_status;
pub(crate) mod describe_volumes;
pub(crate) mod describe_volumes_modifications;
pub(crate) mod detach_volume;
pub(crate) mod disable_ebs_encryption_by_default;
pub(crate) mod enable_ebs_encryption_by_default;
pub(crate) mod get_ebs_default_kms_key_id;
pub(crate) mod get_ebs_encryption_by_default;
pub(crate) mod modify_ebs_default_kms_key_id;
pub(crate) mod modify_volume;
pub(crate) mod reset_ebs_default_kms_key_id;
pub(crate) mod run_instances;
pub(crate) mod start_instances;
pub(crate) mod stop_instances;
pub(crate) mod terminate_instances;
