//! What must be gone before a user, group or role may go.

use crate::fault::{IamError, Usage};
use crate::records::Policies;

/// Refuses while `still` holds.
pub(super) fn must_not(still: bool, usage: Usage) -> Result<(), IamError> {
    if still { Err(IamError::InUse(usage)) } else { Ok(()) }
}

impl Policies {
    /// Refuses while a policy is left.
    pub(super) fn must_be_empty(&self) -> Result<(), IamError> {
        must_not(!self.attached.is_empty(), Usage::AttachedPolicies)?;
        must_not(!self.inline.is_empty(), Usage::InlinePolicies)
    }
}
