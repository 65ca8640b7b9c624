//! Where a request belongs, decided from its head alone.

use std::sync::Arc;

use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::auth::canonical;
use crate::auth::claim::Claim;
use crate::auth::refusal::Refusal;
use crate::fault::Protocol;
use crate::route::Doors;
use crate::service::{Dialect, JsonService, QueryService, RestService};
use crate::{control, host, json};

/// What the head claims, or why that cannot be read.
pub type ReadClaim = Result<Option<Claim>, Refusal>;

/// The namespace of a Query error that belongs to no service.
const NO_SERVICE: Dialect = Dialect::Query { xmlns: "http://webservices.amazon.com/AWSFault/2005-15-09" };

/// Where a request belongs.
pub enum Place {
    /// The control plane.
    Control,
    /// S3.
    S3(ReadClaim),
    /// A service whose requests are read in full before they are judged.
    Buffered(Entrance),
    /// A service that the simulator does not have.
    Nowhere,
}

/// The way into a service whose requests are read in full.
pub struct Entrance {
    /// What the head claims.
    pub claim: ReadClaim,
    /// Which service.
    pub service: Service,
}

/// A service that takes whole requests.
pub enum Service {
    /// With the operation; `None` when no service answers to the target.
    Json(Option<(Arc<dyn JsonService>, String)>),
    /// The service of the scope; the body names it when nothing is signed.
    Query(Option<Arc<dyn QueryService>>, Vec<Arc<dyn QueryService>>),
    /// REST-JSON.
    Rest(Arc<dyn RestService>),
}

impl Service {
    /// In whose words it speaks, as far as the head tells.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Json(_) => Protocol::Json,
            Self::Query(service, _) => {
                Protocol::Query(service.as_ref().map_or(NO_SERVICE, |service| service.dialect()))
            }
            Self::Rest(_) => Protocol::Rest,
        }
    }
}

impl Place {
    /// Decides.
    pub fn of(parts: &Parts, doors: &Doors) -> Self {
        let claim = Claim::read(parts);
        let scope = match &claim {
            Ok(Some(claim)) => claim.scope.service.as_str(),
            _ => "",
        };
        // Every path below a bucket's own host is a key, even `_sim/health`.
        if host::bucket(canonical::host(parts)).is_some() {
            return Self::S3(claim);
        }
        if control::owns(parts, matches!(claim, Ok(None))) {
            return Self::Control;
        }
        match service(parts, scope, doors) {
            Some(service) => Self::Buffered(Entrance { claim, service }),
            None if scope.is_empty() || scope == "s3" => Self::S3(claim),
            None => Self::Nowhere,
        }
    }

    /// In whose words the answer is given; the control plane has its own.
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Control => None,
            Self::S3(_) => Some(Protocol::S3),
            Self::Buffered(entrance) => Some(entrance.service.protocol()),
            Self::Nowhere => Some(Protocol::Rest),
        }
    }
}

fn service(parts: &Parts, scope: &str, doors: &Doors) -> Option<Service> {
    if scope == "s3" {
        return None;
    }
    if let Some(target) = parts.headers.get("x-amz-target") {
        return Some(Service::Json(json_service(target.to_str().unwrap_or_default(), doors)));
    }
    if let Some(service) = doors.query.iter().find(|service| service.scope() == scope) {
        return Some(Service::Query(Some(service.clone()), Vec::new()));
    }
    if let Some(service) = doors.rest.iter().find(|service| service.scope() == scope) {
        return Some(Service::Rest(service.clone()));
    }
    (scope.is_empty() && is_form(parts)).then(|| Service::Query(None, doors.query.clone()))
}

fn json_service(target: &str, doors: &Doors) -> Option<(Arc<dyn JsonService>, String)> {
    let (prefix, operation) = json::target(target)?;
    let service = doors.json.iter().find(|service| service.target_prefix() == prefix)?;
    Some((service.clone(), operation.into()))
}

/// An unsigned Query request: a form posted to `/`, or a GET of `/?Action=…`.
fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let posted = parts.method == Method::POST && kind.starts_with("application/x-www-form-urlencoded");
    let asked = query.split('&').any(|pair| pair.starts_with("Action="));
    parts.uri.path() == "/" && (posted || asked)
}
