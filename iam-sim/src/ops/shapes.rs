//! How records look to callers: AWS's members by AWS's names.

use serde_json::{Value, json};

use crate::answer::{encoded, time};
use crate::records::{AccessKey, Group, KeyStatus, ManagedPolicy, PolicyVersion, Role, Tags, User};
use crate::shelves::{Holder, Shelves};

/// A `User`.
pub(super) fn user(user: &User) -> Value {
    json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn(),
        "CreateDate": time(user.created),
        "PermissionsBoundary": boundary(user.boundary.as_deref()),
        "Tags": tags(&user.tags),
    })
}

/// A `Group`.
pub(super) fn group(group: &Group) -> Value {
    json!({
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn(),
        "CreateDate": time(group.created),
    })
}

/// A `Role`.
pub(super) fn role(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn(),
        "CreateDate": time(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust.text),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
        "PermissionsBoundary": boundary(role.boundary.as_deref()),
        "Tags": tags(&role.tags),
    })
}

/// A `Policy`.
pub(super) fn policy(policy: &ManagedPolicy, shelves: &Shelves) -> Value {
    json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": version_id(policy.default_version),
        "AttachmentCount": shelves.attachments(&policy.arn),
        "PermissionsBoundaryUsageCount": shelves.boundary_uses(&policy.arn),
        "IsAttachable": true,
        "Description": policy.description,
        "CreateDate": time(policy.created),
        "UpdateDate": time(policy.updated),
        "Tags": tags(&policy.tags),
    })
}

/// A `PolicyVersion`, with its document or without.
pub(super) fn version(policy: &ManagedPolicy, version: &PolicyVersion, with_document: bool) -> Value {
    json!({
        "Document": with_document.then(|| encoded(&version.document.text)),
        "VersionId": version_id(version.number),
        "IsDefaultVersion": version.number == policy.default_version,
        "CreateDate": time(version.created),
    })
}

/// `v1`
pub(super) fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// An `AccessKeyMetadata`.
pub(super) fn access_key(key: &AccessKey, user: Option<&str>) -> Value {
    json!({
        "UserName": user,
        "AccessKeyId": key.id,
        "Status": status(key.status),
        "CreateDate": time(key.created),
    })
}

/// A `statusType`.
pub(super) fn status(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "Active",
        KeyStatus::Inactive | KeyStatus::Deleted => "Inactive",
    }
}

/// A list of `Tag`, absent when there are none.
pub(super) fn tags(tags: &Tags) -> Option<Vec<Value>> {
    let list = || tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    (!tags.is_empty()).then(list)
}

fn boundary(arn: Option<&str>) -> Option<Value> {
    arn.map(|arn| json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn }))
}
