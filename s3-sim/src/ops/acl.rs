//! ACLs, the canned ones: of buckets and of objects. Where ownership is enforced they are off, and only say so.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, not_implemented};
use crate::label::{canned, no_acls};
use crate::model::bucket::Bucket;
use crate::model::version::{VersionId, told_version};
use crate::ops::owner;
use crate::store::documents::Kind;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

pub(crate) async fn get_bucket(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketAclInput>,
) -> Outcome<S3Response<GetBucketAclOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let acl: Option<String> = sim.rows.document(&bucket.name, Kind::Acl)?;
    let owner = owner(&bucket.owner);
    Ok(S3Response::new(GetBucketAclOutput { grants: Some(grants(&owner, acl.as_deref())), owner: Some(owner) }))
}

pub(crate) async fn put_bucket(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketAclInput>,
) -> Outcome<S3Response<PutBucketAclOutput>> {
    let PutBucketAclInput { bucket, acl, access_control_policy, .. } = request.input;
    let bucket = sim.rows.bucket(&bucket)?;
    let acl = asked(&bucket, acl.as_ref().map(|acl| acl.as_str()), access_control_policy)?;
    match acl {
        Some(acl) => sim.rows.put_document(&bucket.name, Kind::Acl, &acl).await?,
        None => sim.rows.drop_document(&bucket.name, Kind::Acl).await?,
    }
    Ok(S3Response::new(PutBucketAclOutput::default()))
}

pub(crate) async fn get_object(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectAclInput>,
) -> Outcome<S3Response<GetObjectAclOutput>> {
    let GetObjectAclInput { bucket, key, version_id, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    let owner = owner(&found.bucket.owner);
    Ok(S3Response::new(GetObjectAclOutput {
        grants: Some(grants(&owner, found.object.label.acl.as_deref())),
        owner: Some(owner),
        ..GetObjectAclOutput::default()
    }))
}

pub(crate) async fn put_object(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutObjectAclInput>,
) -> Outcome<S3Response<PutObjectAclOutput>> {
    let PutObjectAclInput { bucket, key, version_id, acl, access_control_policy, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    let acl = asked(&found.bucket, acl.as_ref().map(|acl| acl.as_str()), access_control_policy)?;
    let id = version_id.as_deref().map(VersionId::parse).transpose()?;
    sim.rows
        .relabel(&bucket, &key, id, move |label| {
            label.acl = acl;
            Ok(())
        })
        .await?;
    let mut response = S3Response::new(PutObjectAclOutput::default());
    if let Some(version) = told_version(&found.bucket, found.object.facts.version.as_deref())
        && let Ok(value) = version.parse()
    {
        response.headers.insert("x-amz-version-id", value);
    }
    Ok(response)
}

/// The canned ACL of a request. One that is written out is taken where it only says that the owner may do everything.
fn asked(bucket: &Bucket, acl: Option<&str>, written: Option<AccessControlPolicy>) -> Outcome<Option<String>> {
    let Some(written) = written else { return canned(acl.or(Some("private")), bucket) };
    let id = owner(&bucket.owner).id;
    let all = written.grants.unwrap_or_default();
    let is_owners = |grant: &Grant| grant.grantee.as_ref().is_some_and(|grantee| grantee.id == id);
    match (bucket.settings.has_acls(), all.iter().all(is_owners)) {
        (_, true) => Ok(None),
        (false, false) => Err(no_acls()),
        (true, false) => Err(not_implemented("AccessControlPolicy")),
    }
}

fn grants(owner: &Owner, acl: Option<&str>) -> Vec<Grant> {
    let user = Grantee {
        display_name: None,
        email_address: None,
        id: owner.id.clone(),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let mut grants = vec![grant(user, Permission::FULL_CONTROL)];
    let everybody: &[(&str, &'static str)] = match acl {
        Some("public-read") => &[(ALL_USERS, Permission::READ)],
        Some("public-read-write") => &[(ALL_USERS, Permission::READ), (ALL_USERS, Permission::WRITE)],
        Some("authenticated-read") => &[(AUTHENTICATED_USERS, Permission::READ)],
        _ => &[],
    };
    grants.extend(everybody.iter().map(|(uri, permission)| grant(group(uri), permission)));
    grants
}

fn group(uri: &str) -> Grantee {
    Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(uri.to_owned()),
    }
}

fn grant(grantee: Grantee, permission: &'static str) -> Grant {
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(permission)) }
}
