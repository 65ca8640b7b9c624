//! Amazon Resource Names: `arn:partition:service:region:account:resource`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A parsed ARN. `region` and `account` may be empty (IAM has no region, S3 neither).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `kms`, `s3`, `iam`, `sts`, `ec2`, …
    pub service: String,
    /// Empty for global services.
    pub region: String,
    /// Twelve digits, `aws`, or empty.
    pub account: String,
    /// All that follows the fifth colon, colons included.
    pub resource: String,
}

/// The text is not of the form `arn:partition:service:region:account:resource`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN: {0}")]
pub struct NotAnArn(pub String);

impl Arn {
    /// An ARN of the `aws` partition.
    pub fn new(service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: "aws".into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        }
    }
}

impl FromStr for Arn {
    type Err = NotAnArn;

    fn from_str(text: &str) -> Result<Self, NotAnArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, region, account, resource]
                if !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Self { partition: (*partition).into(), ..Self::new(service, region, account, *resource) })
            }
            _ => Err(NotAnArn(text.into())),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl TryFrom<String> for Arn {
    type Error = NotAnArn;

    fn try_from(text: String) -> Result<Self, NotAnArn> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_survives_the_round_trip_colons_and_all() {
        for text in ["arn:aws:s3:::bucket/key:with:colons", "arn:aws:kms:us-east-1:111122223333:key/abc"] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
        for text in ["", "arn:aws:s3", "arn:aws:s3:::", "urn:aws:s3:::x"] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
