//! The keys that AWS keeps for a service in each account and region: `aws/ebs` and `aws/s3`, born on first use.

use aws_core::id::{AccountId, Region};
use serde_json::{Value, json};

/// A service that has an AWS managed key here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManagedService {
    /// EBS volumes.
    Ebs,
    /// S3 objects.
    S3,
}

impl ManagedService {
    /// All of them, in order of their aliases.
    pub const ALL: [Self; 2] = [Self::Ebs, Self::S3];

    /// `alias/aws/ebs`, …
    pub fn alias(self) -> &'static str {
        match self {
            Self::Ebs => "alias/aws/ebs",
            Self::S3 => "alias/aws/s3",
        }
    }

    /// The service of an alias.
    pub fn of_alias(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.alias() == name)
    }

    /// The key's description, in AWS's words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Ebs => "Default key that protects my EBS volumes when no other key is defined",
            Self::S3 => "Default key that protects my S3 objects when no other key is defined",
        }
    }

    /// The value of `kms:ViaService` that the key's policy demands.
    pub fn via(self, region: &Region) -> String {
        match self {
            Self::Ebs => format!("ec2.{region}.amazonaws.com"),
            Self::S3 => format!("s3.{region}.amazonaws.com"),
        }
    }

    /// The key policy, which nobody can change: use through the service, metadata for the account.
    pub fn policy(self, account: &AccountId, region: &Region) -> Value {
        let (id, word) = match self {
            Self::Ebs => ("auto-ebs-2", "EBS"),
            Self::S3 => ("auto-s3-2", "S3"),
        };
        json!({
            "Version": "2012-10-17",
            "Id": id,
            "Statement": [
                {
                    "Sid": format!("Allow access through {word} for all principals in the account that are authorized to use {word}"),
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                        "kms:DescribeKey"
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"kms:CallerAccount": account.as_str(), "kms:ViaService": self.via(region)}
                    }
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                    "Resource": "*"
                }
            ]
        })
    }
}
