//! What a request says of the parts of an object that may change later: its tags, its ACL, its locks.

use aws_core::fault::ApiFault;
use aws_core::time::Timestamp;
use http::HeaderMap;
use s3s::dto::{ObjectLockConfiguration, ObjectLockRetention, ObjectLockRetentionMode, Tag};

use crate::S3Sim;
use crate::error::{Outcome, access_denied, fault, invalid_argument, invalid_request};
use crate::headers::our_time;
use crate::model::bucket::Bucket;
use crate::model::object::{Label, Retention, Tags};
use crate::store::documents::Kind;

/// An object has ten tags at most, a bucket fifty.
pub(crate) const MOST_OBJECT_TAGS: usize = 10;

impl S3Sim {
    /// The label of an object about to be written into `bucket`.
    pub(crate) fn label(&self, headers: &HeaderMap, bucket: &Bucket) -> Outcome<Label> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let tags = header("x-amz-tagging").map(parse_tags).transpose()?.unwrap_or_default();
        let acl = canned(header("x-amz-acl"), bucket)?;
        let lock = Lock {
            mode: header("x-amz-object-lock-mode"),
            until: header("x-amz-object-lock-retain-until-date"),
            hold: header("x-amz-object-lock-legal-hold"),
        };
        let retention = self.retention(&lock, bucket)?;
        Ok(Label { order: 0, tags, acl, retention, legal_hold: lock.hold == Some("ON") })
    }

    fn retention(&self, lock: &Lock<'_>, bucket: &Bucket) -> Outcome<Option<Retention>> {
        if lock.is_asked() && !bucket.settings.object_lock {
            return Err(invalid_request("Bucket is missing Object Lock Configuration"));
        }
        match (lock.mode, lock.until) {
            (None, None) if bucket.settings.object_lock => self.default_retention(bucket),
            (None, None) => Ok(None),
            (Some(mode), Some(until)) => {
                let until = until.parse().map_err(|_| bad_date(until))?;
                Ok(Some(Retention { compliance: is_compliance(mode)?, until: future(until, self.world.now())? }))
            }
            (Some(_), None) | (None, Some(_)) => Err(invalid_argument(
                "x-amz-object-lock-mode",
                lock.mode.unwrap_or(""),
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            )),
        }
    }

    fn default_retention(&self, bucket: &Bucket) -> Outcome<Option<Retention>> {
        let set: Option<ObjectLockConfiguration> = self.rows.document(&bucket.name, Kind::ObjectLock)?;
        let Some(rule) = set.and_then(|set| set.rule).and_then(|rule| rule.default_retention) else { return Ok(None) };
        let days = i64::from(rule.days.unwrap_or(0)) + 365 * i64::from(rule.years.unwrap_or(0));
        let until = self.world.now() + jiff::SignedDuration::from_hours(24 * days);
        Ok(rule.mode.map(|mode| Retention { compliance: mode.as_str() == "COMPLIANCE", until }))
    }
}

/// The lock headers of a write.
struct Lock<'a> {
    mode: Option<&'a str>,
    until: Option<&'a str>,
    hold: Option<&'a str>,
}

impl Lock<'_> {
    fn is_asked(&self) -> bool {
        self.mode.is_some() || self.until.is_some() || self.hold.is_some()
    }
}

fn is_compliance(mode: &str) -> Outcome<bool> {
    match mode {
        "COMPLIANCE" => Ok(true),
        "GOVERNANCE" => Ok(false),
        other => Err(invalid_argument("x-amz-object-lock-mode", other, "Unknown wormMode directive.")),
    }
}

fn bad_date(text: &str) -> ApiFault {
    invalid_argument(
        "x-amz-object-lock-retain-until-date",
        text,
        "The retain until date must be provided in ISO 8601 format",
    )
}

fn future(until: Timestamp, now: Timestamp) -> Outcome<Timestamp> {
    if until > now {
        return Ok(until);
    }
    Err(invalid_argument("RetainUntilDate", &until.to_string(), "The retain until date must be in the future!"))
}

/// A retention as PutObjectRetention carries it; none lifts it.
pub(crate) fn read_retention(retention: Option<ObjectLockRetention>, now: Timestamp) -> Outcome<Option<Retention>> {
    let malformed = crate::error::malformed_xml;
    match retention {
        None | Some(ObjectLockRetention { mode: None, retain_until_date: None }) => Ok(None),
        Some(ObjectLockRetention { mode: Some(mode), retain_until_date: Some(until) }) => {
            let compliance = match mode.as_str() {
                ObjectLockRetentionMode::COMPLIANCE => true,
                ObjectLockRetentionMode::GOVERNANCE => false,
                _ => return Err(malformed()),
            };
            let until = future(our_time(&until).ok_or_else(malformed)?, now)?;
            Ok(Some(Retention { compliance, until }))
        }
        Some(_) => Err(malformed()),
    }
}

impl Label {
    /// 403 while a lock holds. `bypass` is the right to lift GOVERNANCE, used.
    pub(crate) fn check_deletable(&self, now: Timestamp, bypass: bool) -> Outcome<()> {
        let retained = self.retention.as_ref().filter(|retention| retention.until > now);
        let binding = retained.is_some_and(|retention| retention.compliance || !bypass);
        if self.legal_hold || binding {
            return Err(access_denied("Access Denied because object protected by object lock."));
        }
        Ok(())
    }

    /// 403 where a new retention would end earlier, or bind less, than the one that holds.
    pub(crate) fn check_retention(&self, new: Option<&Retention>, now: Timestamp, bypass: bool) -> Outcome<()> {
        let Some(old) = self.retention.as_ref().filter(|old| old.until > now) else { return Ok(()) };
        let longer = new.is_some_and(|new| new.until >= old.until && new.compliance >= old.compliance);
        if longer || (!old.compliance && bypass) {
            return Ok(());
        }
        Err(access_denied("Access Denied because object protected by object lock."))
    }
}

/// A canned ACL, where the bucket lets ACLs speak; `None` for the private ones.
pub(crate) fn canned(acl: Option<&str>, bucket: &Bucket) -> Outcome<Option<String>> {
    let settings = &bucket.settings;
    match acl {
        None | Some("private" | "bucket-owner-full-control" | "bucket-owner-read") => Ok(None),
        Some(_) if !settings.has_acls() => Err(no_acls()),
        Some(acl @ ("public-read" | "public-read-write" | "authenticated-read"))
            if settings.public_access().block_acls =>
        {
            tracing::debug!(acl, bucket = bucket.name, "public ACLs are blocked");
            Err(access_denied("Access Denied"))
        }
        Some(acl @ ("public-read" | "public-read-write" | "authenticated-read")) => Ok(Some(acl.to_owned())),
        Some(other) => Err(invalid_argument("x-amz-acl", other, "")),
    }
}

/// 400: ACLs are off.
pub(crate) fn no_acls() -> ApiFault {
    fault("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
}

// ---------------------------------------------------------------- tags

/// Tags as the header `x-amz-tagging` spells them: `key1=value1&key2=value2`, percent-encoded.
pub(crate) fn parse_tags(text: &str) -> Outcome<Tags> {
    let pairs = crate::access::query_pairs(Some(text));
    let tags = pairs.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
    checked_tags(tags, MOST_OBJECT_TAGS)
}

/// Tags as XML carries them, each key once.
pub(crate) fn checked_tags(tags: Vec<Tag>, most: usize) -> Outcome<Tags> {
    if tags.len() > most {
        let what = if most == MOST_OBJECT_TAGS { "Object" } else { "Bucket" };
        return Err(fault("BadRequest", 400, format!("{what} tags cannot be greater than {most}")));
    }
    let mut checked = Tags::new();
    for tag in tags {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        check_tag(&key, &value)?;
        if checked.insert(key.clone(), value).is_some() {
            return Err(invalid_tag("Cannot provide multiple Tags with the same key", &key));
        }
    }
    Ok(checked)
}

/// Tags for XML.
pub(crate) fn tag_set(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

fn check_tag(key: &str, value: &str) -> Outcome<()> {
    let legal = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c));
    if key.is_empty() || key.chars().count() > 128 || !legal(key) {
        return Err(invalid_tag("The TagKey you have provided is invalid", key));
    }
    if value.chars().count() > 256 || !legal(value) {
        return Err(invalid_tag("The TagValue you have provided is invalid", key));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid_tag("System tags cannot be added/updated by requester", key));
    }
    Ok(())
}

fn invalid_tag(message: &str, key: &str) -> ApiFault {
    fault("InvalidTag", 400, message).with("TagKey", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_from_a_header_and_bounded() {
        let tags = parse_tags("project=red%20one&empty=").unwrap();
        assert_eq!(tags, Tags::from([("project".into(), "red one".into()), ("empty".into(), String::new())]));
        let code = |text: &str| parse_tags(text).unwrap_err().code.into_owned();
        assert_eq!(code("a=1&a=2"), "InvalidTag");
        assert_eq!(code("aws:x=1"), "InvalidTag");
        assert_eq!(code(&format!("{}=1", "k".repeat(129))), "InvalidTag");
        let many: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        assert_eq!(code(&many.join("&")), "BadRequest");
    }

    #[test]
    fn a_lock_gives_way_only_to_time_or_to_the_right_to_bypass() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (before, end, after) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        let locked = |compliance| Label { retention: Some(Retention { compliance, until: end }), ..Label::default() };
        for (compliance, now, bypass, free) in [
            (true, before, true, false),
            (false, before, false, false),
            (false, before, true, true),
            (true, after, false, true),
        ] {
            assert_eq!(locked(compliance).check_deletable(now, bypass).is_ok(), free, "{compliance} {bypass}");
        }
        let held = Label { legal_hold: true, ..Label::default() };
        assert!(held.check_deletable(after, true).is_err());
        let longer = Retention { compliance: true, until: after };
        assert!(locked(true).check_retention(Some(&longer), before, false).is_ok());
        assert!(locked(true).check_retention(None, before, true).is_err());
        assert!(locked(false).check_retention(None, before, true).is_ok());
    }
}
