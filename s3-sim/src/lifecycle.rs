//! Lifecycle rules carried out: called as the simulated clock moves, so that a year passes in a second of a lesson.
//!
//! AWS counts whole days and acts from the midnight (UTC) after them; so does this. Rules act in nobody's name: what
//! they delete shows in listings, not among the calls of the trail. A lock holds against them, too.
//!
//! Deliberately absent: transitions between storage classes, which here would move nothing.

use std::sync::atomic::Ordering;

use aws_core::event::Place;
use aws_core::time::Timestamp;
use s3s::dto::{BucketLifecycleConfiguration, LifecycleRule, Tag};

use crate::S3Sim;
use crate::error::Outcome;
use crate::headers::our_time;
use crate::model::bucket::Bucket;
use crate::model::object::{Object, Tags, subject};
use crate::model::version::Version;
use crate::ops::delete_object::What;
use crate::store::Guard;
use crate::store::documents::Kind;
use crate::store::versions::After;

const PAGE: usize = 500;
const DAY_SECONDS: i64 = 24 * 60 * 60;

impl S3Sim {
    /// Called as time passes, as often as one likes: the rules are looked at once a day of the simulated clock, and
    /// again when somebody has set some.
    pub async fn lifecycle_tick(&self) {
        let today = self.world.now().as_second().div_euclid(DAY_SECONDS);
        if self.lifecycle_day.swap(today, Ordering::Relaxed) != today {
            self.carry_out_lifecycle().await;
        }
    }

    /// Rules have changed: the next tick looks at them.
    pub(crate) fn lifecycle_changed(&self) {
        self.lifecycle_day.store(i64::MIN, Ordering::Relaxed);
    }

    /// Deletes what the rules of all buckets say is due by now. What fails is logged and tried again the next day.
    async fn carry_out_lifecycle(&self) {
        let buckets = self.rows.buckets().unwrap_or_default();
        for bucket in buckets {
            if let Err(fault) = self.carry_out(&bucket).await {
                tracing::warn!(bucket = bucket.name, code = %fault.code, "a lifecycle rule could not be carried out");
            }
        }
    }

    async fn carry_out(&self, bucket: &Bucket) -> Outcome<()> {
        let set: Option<BucketLifecycleConfiguration> = self.rows.document(&bucket.name, Kind::Lifecycle)?;
        let rules = set.map(|set| set.rules).unwrap_or_default();
        let rules: Vec<Rule> = rules.iter().filter(|rule| rule.status.as_str() == "Enabled").map(Rule::read).collect();
        if rules.is_empty() {
            return Ok(());
        }
        let now = self.world.now();
        self.expire_objects(bucket, &rules, now).await?;
        self.expire_versions(bucket, &rules, now).await?;
        self.abort_old_uploads(bucket, &rules, now).await
    }

    async fn expire_objects(&self, bucket: &Bucket, rules: &[Rule], now: Timestamp) -> Outcome<()> {
        let mut last: Option<String> = None;
        loop {
            let page = self.rows.objects(&bucket.name, "", last.as_deref(), PAGE)?;
            let Some((key, _)) = page.last() else { return Ok(()) };
            last = Some(key.clone());
            for (key, object) in page {
                if rules.iter().any(|rule| rule.expires(&key, &object, now)) {
                    // Replaced in the meantime, it is another object, and not due.
                    let guard = Guard::Etag(object.facts.etag);
                    self.delete(bucket, What { key: &key, version: None, guard, bypass: false }).await?;
                }
            }
        }
    }

    /// Versions that are not the newest count from the day on which they were followed by another.
    async fn expire_versions(&self, bucket: &Bucket, rules: &[Rule], now: Timestamp) -> Outcome<()> {
        let mut walk = Walk::default();
        let mut after: Option<After> = None;
        loop {
            let page = self.rows.versions(&bucket.name, "", after.as_ref(), PAGE)?;
            let Some((key, version)) = page.last() else { return self.expire_lone_marker(bucket, rules, &walk).await };
            after = Some(After { key: key.clone(), order: Some(version.order()) });
            for (key, version) in page {
                if walk.key != key {
                    self.expire_lone_marker(bucket, rules, &walk).await?;
                    walk = Walk { key: key.clone(), ..Walk::default() };
                }
                if let Some(followed) = walk.followed
                    && rules.iter().any(|rule| rule.expires_old(&key, &version, walk.older, followed, now))
                {
                    self.drop_version(bucket, &key, &version).await?;
                    continue;
                }
                walk.pass(version);
            }
        }
    }

    /// A marker that hides nothing any more.
    async fn expire_lone_marker(&self, bucket: &Bucket, rules: &[Rule], walk: &Walk) -> Outcome<()> {
        match &walk.newest {
            Some(marker @ Version::Marker(_)) if walk.older == 0 => {
                if rules.iter().any(|rule| rule.lone_markers && walk.key.starts_with(&rule.prefix)) {
                    return self.drop_version(bucket, &walk.key, marker).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn drop_version(&self, bucket: &Bucket, key: &str, version: &Version) -> Outcome<()> {
        let id = version.id();
        let what = What { key, version: Some(&id), guard: Guard::Always, bypass: false };
        match self.delete(bucket, what).await {
            // Locked: it stays, and the rest goes on.
            Err(fault) if fault.status == 403 => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn abort_old_uploads(&self, bucket: &Bucket, rules: &[Rule], now: Timestamp) -> Outcome<()> {
        for upload in self.rows.uploads(&bucket.name)? {
            let due = |rule: &Rule| rule.uploads.is_some_and(|days| is_due(upload.initiated, days, now));
            if rules.iter().any(|rule| upload.key.starts_with(&rule.prefix) && due(rule)) {
                let parts = self.rows.abort_upload(&bucket.name, &upload.id).await?;
                self.world.custodian().dropped(&subject(&bucket.name, &upload.key), Place::S3Metadata);
                self.shelf.doom(parts.into_iter().map(|part| part.piece.blob).collect()).await;
            }
        }
        Ok(())
    }
}

/// What the walk over the versions of one key has seen so far.
#[derive(Default)]
struct Walk {
    key: String,
    newest: Option<Version>,
    /// Versions kept besides the newest.
    older: usize,
    /// When the last version told came: then the next one became old.
    followed: Option<Timestamp>,
}

impl Walk {
    fn pass(&mut self, version: Version) {
        self.followed = Some(match &version {
            Version::Object(object) => object.facts.modified,
            Version::Marker(marker) => marker.modified,
        });
        match self.newest {
            None => self.newest = Some(version),
            Some(_) => self.older += 1,
        }
    }
}

/// A rule as it acts.
#[derive(Default)]
struct Rule {
    prefix: String,
    tags: Tags,
    larger_than: Option<u64>,
    smaller_than: Option<u64>,
    days: Option<i64>,
    date: Option<Timestamp>,
    lone_markers: bool,
    old_days: Option<i64>,
    kept_old: usize,
    uploads: Option<i64>,
}

impl Rule {
    fn read(rule: &LifecycleRule) -> Self {
        let mut read = Self { prefix: rule.prefix.clone().unwrap_or_default(), ..Self::default() };
        if let Some(filter) = &rule.filter {
            read.narrow(filter.prefix.as_ref(), filter.tag.as_slice());
            read.bound(filter.object_size_greater_than, filter.object_size_less_than);
            if let Some(and) = &filter.and {
                read.narrow(and.prefix.as_ref(), and.tags.as_deref().unwrap_or_default());
                read.bound(and.object_size_greater_than, and.object_size_less_than);
            }
        }
        if let Some(expiration) = &rule.expiration {
            read.days = expiration.days.map(i64::from);
            read.date = expiration.date.as_ref().and_then(our_time);
            read.lone_markers = expiration.expired_object_delete_marker == Some(true);
        }
        if let Some(old) = &rule.noncurrent_version_expiration {
            read.old_days = old.noncurrent_days.map(i64::from);
            read.kept_old = old.newer_noncurrent_versions.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        }
        let uploads = rule.abort_incomplete_multipart_upload.as_ref();
        read.uploads = uploads.and_then(|abort| abort.days_after_initiation).map(i64::from);
        read
    }

    fn narrow(&mut self, prefix: Option<&String>, tags: &[Tag]) {
        if let Some(prefix) = prefix {
            self.prefix.clone_from(prefix);
        }
        let pair = |tag: &Tag| (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
        self.tags.extend(tags.iter().map(pair));
    }

    fn bound(&mut self, larger: Option<i64>, smaller: Option<i64>) {
        let size = |bound: Option<i64>| bound.and_then(|bound| u64::try_from(bound).ok());
        self.larger_than = size(larger).or(self.larger_than);
        self.smaller_than = size(smaller).or(self.smaller_than);
    }

    fn fits(&self, key: &str, object: &Object) -> bool {
        let size = object.facts.size;
        key.starts_with(&self.prefix)
            && self.tags.iter().all(|(name, value)| object.label.tags.get(name) == Some(value))
            && self.larger_than.is_none_or(|bound| size > bound)
            && self.smaller_than.is_none_or(|bound| size < bound)
    }

    fn expires(&self, key: &str, object: &Object, now: Timestamp) -> bool {
        let by_age = self.days.is_some_and(|days| is_due(object.facts.modified, days, now));
        let by_date = self.date.is_some_and(|date| date <= now);
        (by_age || by_date) && self.fits(key, object)
    }

    fn expires_old(&self, key: &str, version: &Version, older: usize, followed: Timestamp, now: Timestamp) -> bool {
        let fits = match version {
            Version::Object(object) => self.fits(key, object),
            Version::Marker(_) => key.starts_with(&self.prefix) && self.tags.is_empty(),
        };
        fits && older >= self.kept_old && self.old_days.is_some_and(|days| is_due(followed, days, now))
    }
}

/// Whether `days` whole days after `since`, and then the next midnight, have passed.
fn is_due(since: Timestamp, days: i64, now: Timestamp) -> bool {
    let due = since.as_second() + days * DAY_SECONDS;
    let midnight =
        due.div_euclid(DAY_SECONDS) * DAY_SECONDS + if due.rem_euclid(DAY_SECONDS) == 0 { 0 } else { DAY_SECONDS };
    now.as_second() >= midnight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_the_midnight_after_it() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let since = at("2026-01-15T10:30:00Z");
        assert!(!is_due(since, 3, at("2026-01-18T10:31:00Z")));
        assert!(!is_due(since, 3, at("2026-01-18T23:59:59Z")));
        assert!(is_due(since, 3, at("2026-01-19T00:00:00Z")));
        assert!(is_due(at("2026-01-15T00:00:00Z"), 1, at("2026-01-16T00:00:00Z")));
    }
}
