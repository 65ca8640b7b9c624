//! What a caller said when naming a key: id, key ARN, alias name or alias ARN. What it resolves to is a `KeyAddress`.

use aws_core::arn::Arn;
use aws_core::id::{AccountId, Region};
use kms_api::error::KmsError;

/// A key as named in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// A bare key id.
    Id(String),
    /// A key ARN.
    KeyArn {
        /// Account in the ARN.
        account: AccountId,
        /// Region in the ARN.
        region: Region,
        /// The bare key id.
        id: String,
    },
    /// `alias/…`
    AliasName(String),
    /// An alias ARN.
    AliasArn {
        /// Account in the ARN.
        account: AccountId,
        /// Region in the ARN.
        region: Region,
        /// With its prefix: `alias/…`.
        name: String,
    },
}

impl KeyRef {
    /// Reads a `KeyId` member. Whether a bare id is well formed is only asked when no key has it.
    pub fn parse(text: &str) -> Result<Self, KmsError> {
        if text.starts_with("alias/") {
            return Ok(Self::AliasName(text.into()));
        }
        if text.starts_with("arn:") {
            return Self::parse_arn(text).ok_or_else(|| KmsError::InvalidArn(format!("Invalid arn {text}")));
        }
        Ok(Self::Id(text.into()))
    }

    fn parse_arn(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let account = AccountId::parse(&arn.account)?;
        let region = Region::parse(&arn.region)?;
        if arn.service != "kms" {
            return None;
        }
        if arn.resource.starts_with("alias/") {
            return Some(Self::AliasArn { account, region, name: arn.resource });
        }
        let id = arn.resource.strip_prefix("key/")?.to_owned();
        Some(Self::KeyArn { account, region, id })
    }

    /// Whether this names an alias, which management operations refuse.
    pub fn is_alias(&self) -> bool {
        matches!(self, Self::AliasName(_) | Self::AliasArn { .. })
    }
}

/// Whether a bare id has the form of one: a UUID, or `mrk-` and 32 hex digits.
pub fn is_well_formed_id(id: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(tail) = id.strip_prefix("mrk-") {
        return tail.len() == 32 && hex(tail);
    }
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|g| hex(g))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_forms_are_told_apart_and_the_rest_refused() {
        assert!(matches!(KeyRef::parse("alias/a"), Ok(KeyRef::AliasName(_))));
        assert!(matches!(KeyRef::parse("arn:aws:kms:us-east-1:111122223333:alias/a"), Ok(KeyRef::AliasArn { .. })));
        assert!(matches!(KeyRef::parse("arn:aws:kms:us-east-1:111122223333:key/a"), Ok(KeyRef::KeyArn { .. })));
        assert!(matches!(KeyRef::parse("1234abcd"), Ok(KeyRef::Id(_))));
        for bad in ["arn:aws:s3:us-east-1:111122223333:key/a", "arn:aws:kms:us-east-1:1:key/a", "arn:", "arn:aws:kms:x"]
        {
            assert!(matches!(KeyRef::parse(bad), Err(KmsError::InvalidArn(_))), "{bad}");
        }
    }

    #[test]
    fn ids_are_uuids_or_multi_region_ids() {
        assert!(is_well_formed_id("1234abcd-12ab-34cd-56ef-1234567890ab"));
        assert!(is_well_formed_id("mrk-1234abcd12ab34cd56ef1234567890ab"));
        assert!(!is_well_formed_id("0a1b2c3d4e5f-6789-0123"));
        assert!(!is_well_formed_id(""));
    }
}
