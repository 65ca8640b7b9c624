//! What can go wrong outside of a call, and the sentences of AWS that several rooms need.

use aws_core::id::Region;
use kms_api::error::KmsError;
use store::StoreError;

/// KMS cannot open.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The tables cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row reads, but means nothing.
    #[error("row {1} of table {0} is not one of this KMS")]
    Row(&'static str, String),
    /// The HSM's root key has a length other than 32 bytes.
    #[error("the HSM root key is {0} bytes long, not 32")]
    RootKey(usize),
}

/// A key that is not there, in the caller's own account.
pub(crate) fn no_such_key(arn: &str) -> KmsError {
    KmsError::NotFound(format!("Key '{arn}' does not exist"))
}

/// An alias that is not there.
pub(crate) fn no_such_alias(arn: &str) -> KmsError {
    KmsError::NotFound(format!("Alias {arn} is not found."))
}

/// An ARN of another region than the one asked.
pub(crate) fn other_region(region: &Region) -> KmsError {
    KmsError::NotFound(format!("Invalid arn {region}"))
}

/// Management operations want the key itself.
pub(crate) fn aliases_not_supported() -> KmsError {
    KmsError::InvalidArn("Key Aliases are not supported for this operation.".into())
}

/// A blob of a key that the caller may not even know of.
pub(crate) fn unknown_ciphertext() -> KmsError {
    KmsError::AccessDenied(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you \
         are not allowed to access."
            .into(),
    )
}

/// What AWS says of keys of other accounts that are not there, and of those that are but may not be used: the same.
pub(crate) fn hidden_resource(principal: &str, action: &str) -> KmsError {
    KmsError::AccessDenied(format!(
        "User: {principal} is not authorized to perform: {action} on this resource because the resource does not \
         exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies \
         access"
    ))
}
