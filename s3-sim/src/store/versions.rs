//! Versions of objects. What a plain GET finds stands in `s3.objects`, in versioned buckets too; everything else here.
//!
//! ```text
//! s3.versions   <bucket>/<key, escaped> 00 00 <order, inverted, 16 hex digits>      newest first within a key
//! ```
//! The newest version of a key is its row in `s3.objects`, or, when that is a delete marker, the first row here: a key
//! never has an object in `s3.objects` that is older than a row here. A NUL in a key is written `00 01`, so that rows
//! sort as their keys do.

use ::store::{Span, Table, Txn};
use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Guard, OBJECTS, Rows, commit_object, existing, object_row};
use crate::error::{Outcome, TxnFault, no_such_key, store_failed};
use crate::model::bucket::Versioning;
use crate::model::object::{Label, Object, WrappedKey};
use crate::model::version::{Marker, Stamp, Version, VersionId};

pub(super) const VERSIONS: Table<Past> = Table::new("s3.versions");

/// A version that a plain GET does not find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Past {
    Object(Box<Object>),
    Marker(Marker),
}

/// What a delete did.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// Objects whose rows are gone.
    pub(crate) gone: Vec<Object>,
    /// The marker that now stands for the key.
    pub(crate) marker: Option<Marker>,
    /// Whether the version deleted was a marker.
    pub(crate) was_marker: bool,
}

/// Where a listing of versions starts: after this version, or after all versions of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct After {
    /// The key.
    pub(crate) key: String,
    /// The order of the last version told.
    pub(crate) order: Option<u64>,
}

impl From<Past> for Version {
    fn from(past: Past) -> Self {
        match past {
            Past::Object(object) => Self::Object(object),
            Past::Marker(marker) => Self::Marker(marker),
        }
    }
}

impl Past {
    fn is(&self, id: &VersionId) -> bool {
        match self {
            Self::Object(object) => id.is(object.facts.version.as_deref()),
            Self::Marker(marker) => id.is(marker.version.as_deref()),
        }
    }
}

impl Rows {
    /// One version, if it exists.
    pub(crate) fn find_version(&self, bucket: &str, key: &str, id: &VersionId) -> Outcome<Option<Version>> {
        let current = self.find_object(bucket, key)?.filter(|object| id.is(object.facts.version.as_deref()));
        if let Some(object) = current {
            return Ok(Some(Version::Object(Box::new(object))));
        }
        let found = match id.order() {
            Some(order) => self.0.get(&VERSIONS, &row(bucket, key, order)).map_err(store_failed)?,
            None => self.past(bucket, key, usize::MAX)?.into_iter().find(|past| past.is(id)),
        };
        Ok(found.filter(|past| past.is(id)).map(Version::from))
    }

    /// The marker that stands for a key whose newest version is one.
    pub(crate) fn marker(&self, bucket: &str, key: &str) -> Outcome<Option<Marker>> {
        match self.past(bucket, key, 1)?.pop() {
            Some(Past::Marker(marker)) => Ok(Some(marker)),
            Some(Past::Object(_)) | None => Ok(None),
        }
    }

    /// Deletes an object as a DELETE without a version does: for good, or by a marker that hides it.
    pub(crate) async fn delete_object(
        &self,
        bucket: &str,
        key: &str,
        guard: Guard,
        stamp: Stamp,
        now: Timestamp,
    ) -> Outcome<Deleted> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.write(move |txn| {
            let versioning = existing(txn, &bucket)?.settings.versioning;
            let standing: Option<Object> = txn.get(&OBJECTS, &object_row(&bucket, &key))?;
            guard.check(&key, standing.as_ref())?;
            if versioning == Versioning::Never {
                txn.delete(&OBJECTS, &object_row(&bucket, &key))?;
                return Ok(Deleted { gone: standing.into_iter().collect(), ..Deleted::default() });
            }
            let place = Place { bucket: &bucket, key: &key };
            let replaced = if stamp.version.is_none() { place.take_null(txn)? } else { None };
            let marker = Marker { version: stamp.version, order: stamp.order, modified: now };
            place.retire_before(txn, stamp.order)?;
            txn.put(&VERSIONS, &place.row(stamp.order), &Past::Marker(marker.clone()))?;
            Ok(Deleted { gone: replaced.into_iter().collect(), marker: Some(marker), was_marker: false })
        })
        .await
    }

    /// Deletes one version for good, unless `permit` finds it locked; the next one down may come to light.
    pub(crate) async fn delete_version(
        &self,
        bucket: &str,
        key: &str,
        id: VersionId,
        permit: impl FnOnce(&Label) -> Outcome<()> + Send + 'static,
    ) -> Outcome<Deleted> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.write(move |txn| {
            existing(txn, &bucket)?;
            let place = Place { bucket: &bucket, key: &key };
            let Some(past) = place.take(txn, &id)? else { return Ok(Deleted::default()) };
            place.promote(txn)?;
            match past {
                Past::Marker(_) => Ok(Deleted { was_marker: true, ..Deleted::default() }),
                Past::Object(object) => {
                    permit(&object.label)?;
                    Ok(Deleted { gone: vec![*object], ..Deleted::default() })
                }
            }
        })
        .await
    }

    /// Changes what may change of one version; the newest one when none is named.
    pub(crate) async fn relabel(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
        change: impl FnOnce(&mut Label) -> Outcome<()> + Send + 'static,
    ) -> Outcome<()> {
        self.change_object(bucket, key, id, |object| change(&mut object.label)).await
    }

    /// Exchanges the wrapped data key of a version, if it is still the one of that generation.
    pub(crate) async fn rewrap(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
        generation: &str,
        wrapped: WrappedKey,
    ) -> Outcome<bool> {
        let generation = generation.to_owned();
        let change = move |object: &mut Object| {
            let same = object.facts.generation == generation;
            if same {
                object.wrapped = wrapped;
            }
            Ok(same)
        };
        self.change_object(bucket, key, id, change).await
    }

    async fn change_object<T: Send + 'static>(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
        change: impl FnOnce(&mut Object) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.write(move |txn| {
            let place = Place { bucket: &bucket, key: &key };
            let current: Option<Object> = txn.get(&OBJECTS, &object_row(&bucket, &key))?;
            let fits = |object: &Object| id.as_ref().is_none_or(|id| id.is(object.facts.version.as_deref()));
            if let Some(mut object) = current.filter(fits) {
                let done = change(&mut object)?;
                txn.put(&OBJECTS, &object_row(&bucket, &key), &object)?;
                return Ok(done);
            }
            let found = id.as_ref().map(|id| place.find(txn, id)).transpose()?.flatten();
            match found {
                Some((row, Past::Object(mut object))) => {
                    let done = change(&mut object)?;
                    txn.put(&VERSIONS, &row, &Past::Object(object))?;
                    Ok(done)
                }
                Some((_, Past::Marker(_))) | None => Err(no_such_key(&key).into()),
            }
        })
        .await
    }

    /// Up to `limit` versions whose keys start with `prefix`, after `after`: by key, newest first.
    pub(crate) fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&After>,
        limit: usize,
    ) -> Outcome<Vec<(String, Version)>> {
        let mut found = self.current_after(bucket, prefix, after, limit)?;
        let start = format!("{bucket}/{}", escaped(prefix));
        let last = after.map(|after| match after.order {
            Some(order) => row(bucket, &after.key, order),
            None => format!("{bucket}/{}\0\0{}", escaped(&after.key), char::MAX),
        });
        let span = Span::prefix(&start);
        let span = last.as_deref().map_or(span, |last| span.after(last));
        for (row, past) in self.0.scan(&VERSIONS, span, limit).map_err(store_failed)? {
            found.extend(key_of(bucket, &row).map(|key| (key, Version::from(past))));
        }
        found.sort_by(|(a, older), (b, newer)| a.cmp(b).then(newer.order().cmp(&older.order())));
        found.truncate(limit);
        Ok(found)
    }

    /// The versions in `s3.objects` that a listing after `after` meets.
    fn current_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&After>,
        limit: usize,
    ) -> Outcome<Vec<(String, Version)>> {
        let key = after.map(|after| after.key.as_str());
        let rows = self.objects(bucket, prefix, key, limit)?;
        let mut found: Vec<_> =
            rows.into_iter().map(|(key, object)| (key, Version::Object(Box::new(object)))).collect();
        // A version may have become the newest since its elders were told.
        if let Some(After { key, order: Some(order) }) = after.filter(|after| after.key.starts_with(prefix)) {
            let own = self.find_object(bucket, key)?.filter(|object| object.label.order < *order);
            found.extend(own.map(|object| (key.clone(), Version::Object(Box::new(object)))));
        }
        Ok(found)
    }

    /// Visits every object that only its version id finds: bucket, key, object.
    pub(crate) fn each_past_object(
        &self,
        mut visit: impl FnMut(&str, &str, &Object),
    ) -> Result<u64, ::store::StoreError> {
        const PAGE: usize = 500;
        let (mut last, mut newest): (Option<String>, u64) = (None, 0);
        loop {
            let span = last.as_deref().map_or(Span::all(), |last| Span::all().after(last));
            let page = self.0.scan(&VERSIONS, span, PAGE)?;
            for (row, past) in &page {
                let bucket = row.split('/').next().unwrap_or_default();
                let key = key_of(bucket, row).unwrap_or_default();
                newest = newest.max(match past {
                    Past::Object(object) => object.label.order,
                    Past::Marker(marker) => marker.order,
                });
                if let Past::Object(object) = past {
                    visit(bucket, &key, object);
                }
            }
            match page.into_iter().last() {
                Some((row, _)) => last = Some(row),
                None => return Ok(newest),
            }
        }
    }

    fn past(&self, bucket: &str, key: &str, limit: usize) -> Outcome<Vec<Past>> {
        let rows = self.0.scan(&VERSIONS, Span::prefix(&key_row(bucket, key)), limit).map_err(store_failed)?;
        Ok(rows.into_iter().map(|(_, past)| past).collect())
    }
}

/// Makes `object` a version of its key: the newest, unless a later one stands already. What it replaces comes back.
pub(super) fn commit_version(
    txn: &mut Txn<'_>,
    bucket: &str,
    key: &str,
    object: &Object,
    guard: &Guard,
) -> Result<Option<Object>, TxnFault> {
    if existing(txn, bucket)?.settings.versioning == Versioning::Never {
        return commit_object(txn, bucket, key, object, guard);
    }
    let place = Place { bucket, key };
    guard.check(key, txn.get(&OBJECTS, &object_row(bucket, key))?.as_ref())?;
    let replaced = if object.facts.version.is_none() { place.take_null(txn)? } else { None };
    let order = object.label.order;
    if place.newest(txn)? > Some(order) {
        txn.put(&VERSIONS, &place.row(order), &Past::Object(Box::new(object.clone())))?;
    } else {
        place.retire_before(txn, order)?;
        txn.put(&OBJECTS, &object_row(bucket, key), object)?;
    }
    Ok(replaced)
}

/// Whether a bucket has versions of anything besides what `s3.objects` holds.
pub(super) fn has_any(txn: &Txn<'_>, bucket: &str) -> Result<bool, TxnFault> {
    Ok(!txn.scan(&VERSIONS, Span::prefix(&format!("{bucket}/")), 1)?.is_empty())
}

/// A key whose versions are being changed.
#[derive(Clone, Copy)]
struct Place<'a> {
    bucket: &'a str,
    key: &'a str,
}

impl Place<'_> {
    fn row(self, order: u64) -> String {
        row(self.bucket, self.key, order)
    }

    /// The order of the newest version.
    fn newest(self, txn: &Txn<'_>) -> Result<Option<u64>, TxnFault> {
        let current: Option<Object> = txn.get(&OBJECTS, &object_row(self.bucket, self.key))?;
        let past = txn.scan(&VERSIONS, Span::prefix(&key_row(self.bucket, self.key)), 1)?;
        let past = past.into_iter().next().map(|(_, past)| Version::from(past).order());
        Ok(current.map(|object| object.label.order).max(past))
    }

    /// Moves the current object among the past ones, if it is older.
    fn retire_before(self, txn: &mut Txn<'_>, order: u64) -> Result<(), TxnFault> {
        let current = object_row(self.bucket, self.key);
        let standing: Option<Object> = txn.get(&OBJECTS, &current)?;
        if let Some(standing) = standing.filter(|standing| standing.label.order <= order) {
            let row = self.row(standing.label.order);
            txn.delete(&OBJECTS, &current)?;
            txn.put(&VERSIONS, &row, &Past::Object(Box::new(standing)))?;
        }
        Ok(())
    }

    /// Brings the newest version to light, if it is an object and none is current.
    fn promote(self, txn: &mut Txn<'_>) -> Result<(), TxnFault> {
        let current = object_row(self.bucket, self.key);
        if txn.get(&OBJECTS, &current)?.is_some() {
            return Ok(());
        }
        let first = txn.scan(&VERSIONS, Span::prefix(&key_row(self.bucket, self.key)), 1)?.pop();
        if let Some((row, Past::Object(object))) = first {
            txn.delete(&VERSIONS, &row)?;
            txn.put(&OBJECTS, &current, &*object)?;
        }
        Ok(())
    }

    fn find(self, txn: &Txn<'_>, id: &VersionId) -> Result<Option<(String, Past)>, TxnFault> {
        if let Some(order) = id.order() {
            let row = self.row(order);
            return Ok(txn.get(&VERSIONS, &row)?.filter(|past| past.is(id)).map(|past| (row, past)));
        }
        let all = txn.scan(&VERSIONS, Span::prefix(&key_row(self.bucket, self.key)), usize::MAX)?;
        Ok(all.into_iter().find(|(_, past)| past.is(id)))
    }

    /// Takes a version out of its row.
    fn take(self, txn: &mut Txn<'_>, id: &VersionId) -> Result<Option<Past>, TxnFault> {
        let current = object_row(self.bucket, self.key);
        let standing: Option<Object> = txn.get(&OBJECTS, &current)?;
        if let Some(object) = standing.filter(|object| id.is(object.facts.version.as_deref())) {
            txn.delete(&OBJECTS, &current)?;
            return Ok(Some(Past::Object(Box::new(object))));
        }
        let Some((row, past)) = self.find(txn, id)? else { return Ok(None) };
        txn.delete(&VERSIONS, &row)?;
        Ok(Some(past))
    }

    /// Takes the version `null` out; a marker leaves nothing.
    fn take_null(self, txn: &mut Txn<'_>) -> Result<Option<Object>, TxnFault> {
        match self.take(txn, &VersionId::Null)? {
            Some(Past::Object(object)) => Ok(Some(*object)),
            Some(Past::Marker(_)) | None => Ok(None),
        }
    }
}

fn key_row(bucket: &str, key: &str) -> String {
    format!("{bucket}/{}\0\0", escaped(key))
}

fn row(bucket: &str, key: &str, order: u64) -> String {
    format!("{}{:016x}", key_row(bucket, key), u64::MAX - order)
}

fn escaped(key: &str) -> String {
    key.replace('\0', "\0\u{1}")
}

fn key_of(bucket: &str, row: &str) -> Option<String> {
    let rest = row.get(bucket.len() + 1..)?;
    Some(rest.get(..rest.len().checked_sub(18)?)?.replace("\0\u{1}", "\0"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{key_of, row};

    proptest! {
        #[test]
        fn rows_sort_as_their_keys_do_and_newest_first(
            a in "[a\0\u{1}é]{0,4}", b in "[a\0\u{1}é]{0,4}", x in any::<u64>(), y in any::<u64>(),
        ) {
            let rows = row("b", &a, x).cmp(&row("b", &b, y));
            prop_assert_eq!(rows, a.cmp(&b).then(y.cmp(&x)));
            prop_assert_eq!(key_of("b", &row("b", &a, x)), Some(a));
        }
    }
}
