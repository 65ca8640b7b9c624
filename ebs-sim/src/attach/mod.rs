//! How a volume comes to an instance and leaves it again.
//!
//! ```text
//!  attach  CreateGrant (the caller, through EC2)          grantee: the instance's infrastructure role, Decrypt only
//!          Decrypt     (that role, with the grant)        the 64-byte key goes into locked memory, as a cipher
//!          row, then device file
//!  I/O     no KMS call at all
//!  detach  drain, flush, wipe, device file gone
//!          RetireGrant (EC2 itself)
//!          row
//! ```
//!
//! The grant is why a host can open the volume again after a restart, though the user is not there: `resume` decrypts
//! through the grant that exists. Its order matters twice. A crash between two steps of a detach leaves an attachment
//! whose grant is gone, which can be detached again, and never a grant without attachment. And a key is in memory only
//! while a row says where.
//!
//! ```text
//! identity   under whose name each call is made      bench    the devices in use
//! key_flow   the calls to KMS                        move_in  move_out  resume
//! ```

pub(crate) mod bench;
pub(crate) mod identity;
pub(crate) mod key_flow;
pub(crate) mod move_in;
pub(crate) mod move_out;
pub(crate) mod resume;
