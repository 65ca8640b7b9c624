//! AWS's own managed policies, as far as they speak of the services simulated here. The documents stand beside this
//! file, one JSON each; what they say of other services (load balancers, organizations, …) is left out.

use std::sync::Arc;

use aws_core::time::Timestamp;

use crate::records::{Document, ManagedPolicy, PolicyVersion};

/// Where AWS's policies live.
const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Name, unique id, the day AWS made it, and the document.
type Published = (&'static str, &'static str, &'static str, &'static str);

const PUBLISHED: &[Published] = &[
    (
        "AWSCloudTrail_ReadOnlyAccess",
        "ANPAXK5RIWJ6PLE2TAR7Z",
        "2022-06-14T17:19:05Z",
        include_str!("managed/AWSCloudTrail_ReadOnlyAccess.json"),
    ),
    (
        "AWSKeyManagementServicePowerUser",
        "ANPAJNPP7PPPPMJRV2SA4",
        "2015-02-06T18:40:40Z",
        include_str!("managed/AWSKeyManagementServicePowerUser.json"),
    ),
    (
        "AdministratorAccess",
        "ANPAIWMBCKSKIEE64ZLYK",
        "2015-02-06T18:39:46Z",
        include_str!("managed/AdministratorAccess.json"),
    ),
    (
        "AmazonEC2FullAccess",
        "ANPAI3VAJF5ZCRZ7MCQE6",
        "2015-02-06T18:40:15Z",
        include_str!("managed/AmazonEC2FullAccess.json"),
    ),
    (
        "AmazonEC2ReadOnlyAccess",
        "ANPAIGDT4SV4GSETWTBZK",
        "2015-02-06T18:40:17Z",
        include_str!("managed/AmazonEC2ReadOnlyAccess.json"),
    ),
    (
        "AmazonS3FullAccess",
        "ANPAIFIR6V6BVTRAHWINE",
        "2015-02-06T18:40:58Z",
        include_str!("managed/AmazonS3FullAccess.json"),
    ),
    (
        "AmazonS3ReadOnlyAccess",
        "ANPAIZTJ4DXE7G6AGAE6M",
        "2015-02-06T18:40:59Z",
        include_str!("managed/AmazonS3ReadOnlyAccess.json"),
    ),
    ("IAMFullAccess", "ANPAI7XKCFMBPM3QQRRVQ", "2015-02-06T18:40:38Z", include_str!("managed/IAMFullAccess.json")),
    (
        "IAMReadOnlyAccess",
        "ANPAJKSO7NDY4T57MWDSQ",
        "2015-02-06T18:40:39Z",
        include_str!("managed/IAMReadOnlyAccess.json"),
    ),
    ("PowerUserAccess", "ANPAJYRXTHIB4FOVS3ZXS", "2015-02-06T18:39:47Z", include_str!("managed/PowerUserAccess.json")),
    ("ReadOnlyAccess", "ANPAILL3HVNFSB6DCOWYQ", "2015-02-06T18:39:48Z", include_str!("managed/ReadOnlyAccess.json")),
];

/// All of them, by ARN.
pub(crate) fn shelf() -> impl Iterator<Item = (String, Arc<ManagedPolicy>)> {
    PUBLISHED.iter().map(|published| {
        let policy = policy(published);
        (policy.arn.clone(), Arc::new(policy))
    })
}

/// Whether a policy is AWS's own, which nobody can change.
pub(crate) fn is_aws(arn: &str) -> bool {
    arn.starts_with(PREFIX)
}

fn policy(&(name, id, made, text): &Published) -> ManagedPolicy {
    let document = Document::try_from(text.to_owned()).expect("the documents beside this file are policies");
    let created: Timestamp = made.parse().expect("the dates above are dates");
    ManagedPolicy {
        arn: format!("{PREFIX}{name}"),
        id: id.into(),
        path: "/".into(),
        name: name.into(),
        description: None,
        created,
        updated: created,
        versions: vec![PolicyVersion { number: 1, document, created }],
        default_version: 1,
        last_number: 1,
        tags: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_policy_parses_and_is_known_by_its_arn() {
        let all: Vec<_> = shelf().collect();
        assert_eq!(all.len(), PUBLISHED.len());
        for (arn, policy) in all {
            assert!(is_aws(&arn) && !policy.in_force().document.parsed.statements.is_empty(), "{arn}");
        }
        assert!(!is_aws("arn:aws:iam::111122223333:policy/mine"));
    }
}
