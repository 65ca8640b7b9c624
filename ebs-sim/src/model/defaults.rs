//! Encryption by default, per account and region. It concerns what is made afterwards, never what exists.

/// The key that is used when nobody names another: an AWS managed key, born on first use.
pub const AWS_MANAGED_KEY: &str = "alias/aws/ebs";

/// An account's settings in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionDefaults {
    /// Whether new volumes are encrypted without being asked to.
    pub by_default: bool,
    /// The default key, as an ARN; `None` for [`AWS_MANAGED_KEY`].
    pub kms_key: Option<String>,
}

impl EncryptionDefaults {
    /// The key for a new volume: `None` when it is to stay unencrypted.
    pub fn key_for(&self, encrypted: Option<bool>, named: Option<&str>) -> Option<String> {
        let wanted = encrypted.unwrap_or(false) || self.by_default;
        let key = named.or(self.kms_key.as_deref()).unwrap_or(AWS_MANAGED_KEY);
        wanted.then(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_then_the_account_then_aws() {
        let off = EncryptionDefaults::default();
        let on = EncryptionDefaults { by_default: true, kms_key: Some("arn:mine".into()) };
        assert_eq!(off.key_for(None, None), None);
        assert_eq!(off.key_for(Some(true), None).as_deref(), Some("alias/aws/ebs"));
        assert_eq!(on.key_for(None, None).as_deref(), Some("arn:mine"));
        assert_eq!(on.key_for(Some(false), None).as_deref(), Some("arn:mine"), "nobody opts out of the default");
        assert_eq!(on.key_for(Some(true), Some("alias/x")).as_deref(), Some("alias/x"));
    }
}
