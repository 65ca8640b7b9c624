//! The way of a JSON, Query or REST request: read in full, prove the caller, call the service, print the outcome.

use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};

use crate::auth::claim::Claim;
use crate::auth::{Gate, Knock, Payload};
use crate::fault::Protocol;
use crate::place::{Entrance, Service};
use crate::query::{self, Params};
use crate::service::{JsonService, QueryService, RestService};
use crate::{answer, fault, json, limits};

/// One request read in full, at the gate.
struct Whole<'a> {
    gate: &'a Gate,
    claim: Option<Claim>,
    parts: Parts,
    body: Bytes,
    protocol: Protocol,
    id: String,
}

/// Answers a request to a service that takes whole requests. `id` names it.
pub async fn enter(gate: &Gate, entrance: Entrance, parts: Parts, body: Body, id: String) -> Response<Body> {
    let protocol = entrance.service.protocol();
    let read = limits::collect(body).await;
    let claim = entrance.claim.map_err(|refusal| refusal.fault(protocol));
    match claim.and_then(|claim| Ok((claim, read?))) {
        Err(fault) => refused(&fault, protocol, &id),
        Ok((claim, body)) => {
            let whole = Whole { gate, claim, parts, body, protocol, id };
            match entrance.service {
                Service::Json(found) => whole.json(found).await,
                Service::Query(named, all) => whole.query(named, all).await,
                Service::Rest(service) => whole.rest(&*service).await,
            }
        }
    }
}

impl Whole<'_> {
    async fn json(self, found: Option<(std::sync::Arc<dyn JsonService>, String)>) -> Response<Body> {
        let Some((service, operation)) = found else {
            return refused(&json::unknown_operation(), self.protocol, &self.id);
        };
        match self.context(service.signing_name()) {
            Err(fault) => refused(&fault, self.protocol, &self.id),
            Ok(ctx) => match service.call(&ctx, &operation, &self.body).await {
                Ok(body) => named(answer::json(body), self.protocol, &ctx.request_id),
                Err(fault) => refused(&fault, self.protocol, &ctx.request_id),
            },
        }
    }

    async fn query(
        mut self,
        service: Option<std::sync::Arc<dyn QueryService>>,
        all: Vec<std::sync::Arc<dyn QueryService>>,
    ) -> Response<Body> {
        let params = form(&self.parts, &self.body);
        let action = params.get("Action").unwrap_or_default();
        let Some(service) = service.or_else(|| query::service_of(&params, &all)) else {
            return refused(&query::invalid_action(action), self.protocol, &self.id);
        };
        self.protocol = Protocol::Query(service.dialect());
        match self.context(Some(service.scope())) {
            Err(fault) => refused(&fault, self.protocol, &self.id),
            Ok(ctx) if action.is_empty() => refused(&query::missing_action(), self.protocol, &ctx.request_id),
            Ok(ctx) => match service.call(&ctx, action, &params).await {
                Ok(xml) => named(
                    answer::query(service.dialect(), action, &xml, &ctx.request_id),
                    self.protocol,
                    &ctx.request_id,
                ),
                Err(fault) => refused(&fault, self.protocol, &ctx.request_id),
            },
        }
    }

    async fn rest(self, service: &dyn RestService) -> Response<Body> {
        match self.context(Some(service.scope())) {
            Err(fault) => refused(&fault, self.protocol, &self.id),
            Ok(ctx) => match service.call(&ctx, Request::from_parts(self.parts, self.body)).await {
                Ok(response) => named(response.map(Body::from), self.protocol, &ctx.request_id),
                Err(fault) => refused(&fault, self.protocol, &ctx.request_id),
            },
        }
    }

    /// Who asks.
    fn context(&self, service: Option<&'static str>) -> Result<CallContext, ApiFault> {
        let payload = Payload::Whole(&self.body);
        let knock = Knock { parts: &self.parts, claim: self.claim.as_ref(), payload, protocol: self.protocol, service };
        let admitted = self.gate.admit(&knock, self.id.clone());
        admitted.map(|admission| admission.context).map_err(|refusal| refusal.fault(self.protocol))
    }
}

/// Parameters of the query and of the body, without those that carry the signature.
fn form(parts: &Parts, body: &[u8]) -> Params {
    let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let body = Params::parse(body);
    query.iter().filter(|(name, _)| !name.starts_with("X-Amz-")).chain(body.iter()).collect()
}

fn named(mut response: Response<Body>, protocol: Protocol, id: &str) -> Response<Body> {
    answer::stamp(&mut response, Some(protocol), id);
    response
}

fn refused(fault: &ApiFault, protocol: Protocol, id: &str) -> Response<Body> {
    named(fault::answer(fault, protocol, id), protocol, id)
}
