//! `LookupEvents`: management events of the last 90 days, of one account and region, newest first.
//!
//! A lookup sees every event emitted before it; AWS takes some minutes. AWS allows two lookups a second; here nobody counts.

use std::sync::Arc;

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use bytes::Bytes;
use kms_api::world::World;
use serde::Serialize;

use super::{answer, authorize, decode, internal};
use crate::archive::{Found, Range};
use crate::card::Card;
use crate::lookup::{LookupEventsRequest, PageToken};
use crate::trail::Trail;

const DAYS_LOOKED_BACK: i64 = 90;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    events: Vec<LookedUp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LookedUp {
    event_id: String,
    event_name: String,
    read_only: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    event_time: i64,
    event_source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Vec<Resource>,
    cloud_trail_event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    resource_type: String,
    resource_name: String,
}

pub(crate) async fn lookup_events(
    trail: &Arc<Trail>,
    world: &World,
    ctx: &CallContext,
    audit: &mut Audit,
    body: &[u8],
) -> Result<Bytes, ApiFault> {
    let request: LookupEventsRequest = decode(body)?;
    authorize(world, ctx, audit, "cloudtrail:LookupEvents")?;
    let (page, filter, (start, end)) = (request.page()?, request.filter()?, request.seconds()?);
    let (account, region) = (ctx.account().to_string(), ctx.region.to_string());
    let question = PageToken::question(&request, &filter, &account, &region);
    let before = PageToken::open(&request, question)?;
    if request.insights()? {
        return answer(&Answer::default());
    }
    let earliest = world.now().as_second() - DAYS_LOOKED_BACK * 86_400;
    let range = Range { from: start.unwrap_or(earliest).max(earliest), to: end.unwrap_or(i64::MAX), before };
    let wanted =
        move |card: &Card| card.management && card.account == account && card.region == region && filter.matches(card);
    // One more than the page holds says whether another page follows.
    let found = search(trail, range, wanted, page + 1).await?;
    answer(&paged(found, page, question))
}

async fn search(
    trail: &Arc<Trail>,
    range: Range,
    wanted: impl Fn(&Card) -> bool + Send + 'static,
    limit: usize,
) -> Result<Vec<Found>, ApiFault> {
    trail.flushed().await;
    let trail = trail.clone();
    let reading = tokio::task::spawn_blocking(move || trail.archive().newest(range, wanted, limit));
    reading.await.map_err(|e| internal(&e))?.map_err(|e| internal(&e))
}

fn paged(mut found: Vec<Found>, page: usize, question: u64) -> Answer {
    let more = found.len() > page;
    found.truncate(page);
    let last = found.last().filter(|_| more).map(|last| last.card.position);
    Answer {
        next_token: last.map(|last| PageToken::after(last, question)),
        events: found.into_iter().map(looked_up).collect(),
    }
}

fn looked_up(Found { card, record }: Found) -> LookedUp {
    let resource = |(resource_type, resource_name)| Resource { resource_type, resource_name };
    LookedUp {
        event_id: card.id,
        event_name: card.name,
        read_only: card.read_only.to_string(),
        access_key_id: card.access_key_id,
        event_time: card.position.time,
        event_source: card.source,
        username: card.username,
        resources: card.resources.into_iter().map(resource).collect(),
        cloud_trail_event: record,
    }
}
