//! The door to the devices: one FUSE file system, mounted when the first volume is attached.
//!
//! ```text
//! MOUNT/<instance id>/dev/<device>       a regular file of the volume's size, until it is detached
//!
//! tree      which names there are, and which device each is     (no kernel needed to test it)
//! adapter   the kernel's requests, passed on to the tree and to devices
//! session   mounting, stale mounts, unmounting
//! host      the whole, as `attach` sees it
//! ```
//!
//! Nobody in this process touches anything under the mount point while it is mounted: the answer would have to come
//! from the thread that waits for it.

pub mod adapter;
pub mod host;
pub mod session;
pub mod tree;
