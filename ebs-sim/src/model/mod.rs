//! What EBS and the little of EC2 around it are made of. Neither wire shapes (`ops`) nor stored shapes (`store`).

pub mod attachment;
pub mod defaults;
pub mod device_name;
pub mod ids;
pub mod instance;
pub mod modification;
pub mod snapshot;
pub mod tags;
pub mod volume;
pub mod volume_type;
pub mod zone;
