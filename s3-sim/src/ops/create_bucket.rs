//! `CreateBucket`: in the region that the request names, with the default encryption of this simulator.

use aws_core::fault::ApiFault;
use aws_core::id::Region;
use s3s::dto::{CreateBucketInput, CreateBucketOutput};
use s3s::{S3Request, S3Response};
use serde_json::json;

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault, invalid_argument, not_implemented};
use crate::model::bucket::{Bucket, Ownership, Settings, Versioning};

/// The region that has no location constraint.
const FIRST_REGION: &str = "us-east-1";

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<CreateBucketInput>,
) -> Outcome<S3Response<CreateBucketOutput>> {
    let input = request.input;
    refuse_what_buckets_lack(&input)?;
    let settings = settings(&input)?;
    let constraint = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    let constraint = constraint.as_ref().map(|constraint| constraint.as_str());
    if let Some(constraint) = constraint {
        call.parameter("CreateBucketConfiguration", json!({"LocationConstraint": constraint}));
    }
    let region = region(&call.ctx.region, constraint)?;
    let bucket = Bucket {
        name: input.bucket.clone(),
        owner: call.ctx.account().clone(),
        region: region.clone(),
        created: crate::headers::whole_seconds(sim.world.now()),
        encryption: sim.default_encryption(),
        settings,
    };
    match sim.rows.create_bucket(bucket).await? {
        None => {}
        // AWS's oldest region lets an owner make a bucket again.
        Some(taken)
            if taken.owner == *call.ctx.account()
                && taken.region.as_str() == FIRST_REGION
                && region == taken.region => {}
        Some(taken) => return Err(taken_by(&taken, call)),
    }
    Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
}

/// ACLs at birth, and buckets of another kind.
fn refuse_what_buckets_lack(input: &CreateBucketInput) -> Outcome<()> {
    if input.create_bucket_configuration.as_ref().is_some_and(|c| c.bucket.is_some() || c.location.is_some()) {
        return Err(not_implemented("CreateBucketConfiguration"));
    }
    if input.acl.as_ref().is_some_and(|acl| acl.as_str() != "private") {
        // The public access block of a new bucket shuts public ACLs out.
        return Err(no_bucket_acls());
    }
    Ok(())
}

/// Object Lock needs versions, and switches them on.
fn settings(input: &CreateBucketInput) -> Outcome<Settings> {
    let mut settings = Settings::default();
    if input.object_lock_enabled_for_bucket == Some(true) {
        settings.object_lock = true;
        settings.versioning = Versioning::Enabled;
    }
    if let Some(asked) = &input.object_ownership {
        let unknown =
            || invalid_argument("x-amz-object-ownership", asked.as_str(), "Invalid x-amz-object-ownership header");
        settings.ownership = Some(Ownership::parse(asked.as_str()).ok_or_else(unknown)?);
    }
    Ok(settings)
}

fn no_bucket_acls() -> ApiFault {
    let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
    ApiFault::client("InvalidBucketAclWithObjectOwnership", message)
}

fn taken_by(taken: &Bucket, call: &Call) -> ApiFault {
    let refusal = if taken.owner == *call.ctx.account() {
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        fault("BucketAlreadyOwnedByYou", 409, message)
    } else {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                       system. Please select a different name and try again.";
        fault("BucketAlreadyExists", 409, message)
    };
    refusal.with("BucketName", &taken.name)
}

/// Where the bucket will stand: the constraint must fit the endpoint that was addressed.
fn region(endpoint: &Region, constraint: Option<&str>) -> Outcome<Region> {
    let illegal = |what: &str| {
        let message = format!(
            "The {what} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Err(ApiFault::client("IllegalLocationConstraintException", message))
    };
    let constraint = constraint.filter(|constraint| !constraint.is_empty());
    match constraint.map(|constraint| if constraint == "EU" { "eu-west-1" } else { constraint }) {
        None if endpoint.as_str() == FIRST_REGION => Ok(endpoint.clone()),
        None => illegal("unspecified"),
        Some(wanted) if wanted != endpoint.as_str() && endpoint.as_str() != FIRST_REGION => illegal(wanted),
        Some(wanted) => match Region::parse(wanted).filter(|region| region.as_str() != FIRST_REGION) {
            Some(region) => Ok(region),
            None => {
                let message = "The specified location-constraint is not valid";
                Err(ApiFault::client("InvalidLocationConstraint", message).with("LocationConstraint", wanted))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_must_fit_the_endpoint() {
        let check = |endpoint: &str, constraint| {
            region(&Region::parse(endpoint).unwrap(), constraint).map_err(|fault| fault.code.into_owned())
        };
        let at = |name: &str| Ok(Region::parse(name).unwrap());
        assert_eq!(check("us-east-1", None), at("us-east-1"));
        assert_eq!(check("us-east-1", Some("eu-west-1")), at("eu-west-1"));
        assert_eq!(check("us-east-1", Some("us-east-1")), Err("InvalidLocationConstraint".into()));
        assert_eq!(check("us-east-1", Some("No Such Place")), Err("InvalidLocationConstraint".into()));
        assert_eq!(check("eu-west-1", None), Err("IllegalLocationConstraintException".into()));
        assert_eq!(check("eu-west-1", Some("us-west-2")), Err("IllegalLocationConstraintException".into()));
        assert_eq!(check("eu-west-1", Some("EU")), at("eu-west-1"));
    }
}
