//! Aliases: names that point at a key and can be moved to another.

use aws_core::time::Timestamp;
use kms_api::error::KmsError;

use super::address::{AliasAddress, KeyAddress};

/// Most aliases that one key may have.
pub const ALIASES_PER_KEY: usize = 50;

/// A name for a key of the same account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its full name.
    pub address: AliasAddress,
    /// Id of the key it points at.
    pub target: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last pointed elsewhere.
    pub updated: Timestamp,
}

impl Alias {
    /// The key it points at.
    pub fn target(&self) -> KeyAddress {
        let AliasAddress { account, region, .. } = self.address.clone();
        KeyAddress { account, region, id: self.target.clone() }
    }
}

/// Accepts a name that a customer may give. The names under `alias/aws/` belong to AWS.
pub fn check_customer_name(name: &str) -> Result<(), KmsError> {
    let Some(tail) = name.strip_prefix("alias/") else {
        return Err(KmsError::Validation(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                .into(),
        ));
    };
    if tail == "aws" || tail.starts_with("aws/") {
        return Err(KmsError::NotAuthorized);
    }
    if tail.is_empty() || tail.contains(':') {
        return Err(KmsError::InvalidAliasName(format!("{name} contains invalid characters for an alias")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_checked_for_prefix_owner_and_characters() {
        let code = |name| check_customer_name(name).map_err(|e| e.code().to_owned());
        assert_eq!(code("alias/app/db_1-x"), Ok(()));
        assert_eq!(code("app"), Err("ValidationException".into()));
        assert_eq!(code("alias/aws/ebs"), Err("NotAuthorizedException".into()));
        assert_eq!(code("alias/awsome"), Ok(()));
        assert_eq!(code("alias/my:alias"), Err("InvalidAliasNameException".into()));
    }
}
