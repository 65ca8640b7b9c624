//! Rows: buckets, objects, uploads, parts. The commit of a row is the moment at which the thing exists.
//!
//! ```text
//! s3.buckets    <bucket>
//! s3.objects    <bucket>/<key>            in key order: a listing is a scan
//! s3.bucket_keys  <bucket>/<id>
//! s3.uploads    <bucket>/<upload id>
//! s3.parts      <upload id>/<part, five digits>
//! s3.versions   older versions and delete markers: `versions`
//! s3.documents  longer configurations of buckets: `documents`
//! ```
//! Bucket names hold no slash, so the first slash ends the bucket. Keys are row keys only, never file names.

pub(crate) mod documents;
pub(crate) mod versions;

use ::store::{Span, Store, StoreError, Table, Txn};

use crate::bucket_keys::BucketKey;
use crate::error::{Outcome, TxnFault, no_such_bucket, no_such_upload, store_failed};
use crate::model::bucket::Bucket;
use crate::model::multipart::{Part, Upload};
use crate::model::object::Object;

const BUCKETS: Table<Bucket> = Table::new("s3.buckets");
const OBJECTS: Table<Object> = Table::new("s3.objects");
const BUCKET_KEYS: Table<BucketKey> = Table::new("s3.bucket_keys");
const UPLOADS: Table<Upload> = Table::new("s3.uploads");
const PARTS: Table<Part> = Table::new("s3.parts");

/// S3's view of the store.
#[derive(Clone, Debug)]
pub(crate) struct Rows(Store);

/// What must hold of the object that stands at a key when another is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing.
    Always,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match`; `*` is any.
    Etag(String),
}

impl Rows {
    /// Reads and writes `store`.
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// One bucket, or 404.
    pub(crate) fn bucket(&self, name: &str) -> Outcome<Bucket> {
        self.find_bucket(name)?.ok_or_else(|| no_such_bucket(name))
    }

    /// One bucket, if it exists.
    pub(crate) fn find_bucket(&self, name: &str) -> Outcome<Option<Bucket>> {
        self.0.get(&BUCKETS, name).map_err(store_failed)
    }

    /// All buckets in name order.
    pub(crate) fn buckets(&self) -> Outcome<Vec<Bucket>> {
        let rows = self.0.scan(&BUCKETS, Span::all(), usize::MAX).map_err(store_failed)?;
        Ok(rows.into_iter().map(|(_, bucket)| bucket).collect())
    }

    /// Makes a bucket, unless the name is taken: then the bucket that has it comes back.
    pub(crate) async fn create_bucket(&self, bucket: Bucket) -> Outcome<Option<Bucket>> {
        self.write(move |txn| {
            let taken = txn.get(&BUCKETS, &bucket.name)?;
            if taken.is_none() {
                txn.put(&BUCKETS, &bucket.name, &bucket)?;
            }
            Ok(taken)
        })
        .await
    }

    /// Changes a bucket's row.
    pub(crate) async fn change_bucket(
        &self,
        name: &str,
        change: impl FnOnce(&mut Bucket) + Send + 'static,
    ) -> Outcome<()> {
        let name = name.to_owned();
        self.write(move |txn| {
            let mut bucket = existing(txn, &name)?;
            change(&mut bucket);
            Ok(txn.put(&BUCKETS, &name, &bucket)?)
        })
        .await
    }

    /// Deletes an empty bucket with its unfinished uploads; they come back with their parts. `Ok(None)`: not empty.
    pub(crate) async fn delete_bucket(&self, name: &str) -> Outcome<Option<Vec<(Upload, Vec<Part>)>>> {
        let name = name.to_owned();
        self.write(move |txn| {
            existing(txn, &name)?;
            let rows = format!("{name}/");
            if !txn.scan(&OBJECTS, Span::prefix(&rows), 1)?.is_empty() || versions::has_any(txn, &name)? {
                return Ok(None);
            }
            let mut uploads = Vec::new();
            for (_, upload) in txn.scan(&UPLOADS, Span::prefix(&rows), usize::MAX)? {
                let parts = drop_upload(txn, &name, &upload.id)?;
                uploads.push((upload, parts));
            }
            documents::drop_all(txn, &name)?;
            for (row, _) in txn.scan(&BUCKET_KEYS, Span::prefix(&rows), usize::MAX)? {
                txn.delete(&BUCKET_KEYS, &row)?;
            }
            txn.delete(&BUCKETS, &name)?;
            Ok(Some(uploads))
        })
        .await
    }

    /// One object, if it exists.
    pub(crate) fn find_object(&self, bucket: &str, key: &str) -> Outcome<Option<Object>> {
        self.0.get(&OBJECTS, &object_row(bucket, key)).map_err(store_failed)
    }

    /// Up to `limit` objects of a bucket whose keys start with `prefix` and come after `after`, in key order.
    pub(crate) fn objects(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Outcome<Vec<(String, Object)>> {
        let prefix = object_row(bucket, prefix);
        let after = after.map(|after| object_row(bucket, after));
        let span = Span::prefix(&prefix);
        let span = after.as_deref().map_or(span, |after| span.after(after));
        let rows = self.0.scan(&OBJECTS, span, limit).map_err(store_failed)?;
        let skip = bucket.len() + 1;
        Ok(rows.into_iter().map(|(row, object)| (row[skip..].to_owned(), object)).collect())
    }

    /// Writes an object if `guard` holds; the object that it replaces comes back.
    pub(crate) async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        guard: Guard,
    ) -> Result<Option<Object>, TxnFault> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.0.write(move |txn| versions::commit_version(txn, &bucket, &key, &object, &guard)).await
    }

    /// One of a bucket's bucket keys, if it exists.
    pub(crate) fn bucket_key(&self, bucket: &str, id: &str) -> Outcome<Option<BucketKey>> {
        self.0.get(&BUCKET_KEYS, &bucket_key_row(bucket, id)).map_err(store_failed)
    }

    /// Keeps a bucket key with its bucket.
    pub(crate) async fn put_bucket_key(&self, bucket: &str, key: BucketKey) -> Outcome<()> {
        let bucket = bucket.to_owned();
        self.write(move |txn| {
            existing(txn, &bucket)?;
            Ok(txn.put(&BUCKET_KEYS, &bucket_key_row(&bucket, &key.id), &key)?)
        })
        .await
    }

    /// Every bucket key: its bucket, and itself.
    pub(crate) fn all_bucket_keys(&self) -> Result<Vec<(String, BucketKey)>, StoreError> {
        let rows = self.0.scan(&BUCKET_KEYS, Span::all(), usize::MAX)?;
        let bucket = |row: &str| row.split('/').next().unwrap_or_default().to_owned();
        Ok(rows.into_iter().map(|(row, key)| (bucket(&row), key)).collect())
    }

    /// Starts an upload.
    pub(crate) async fn create_upload(&self, bucket: &str, upload: Upload) -> Outcome<()> {
        let bucket = bucket.to_owned();
        self.write(move |txn| {
            existing(txn, &bucket)?;
            Ok(txn.put(&UPLOADS, &upload_row(&bucket, &upload.id), &upload)?)
        })
        .await
    }

    /// One upload, or 404. The key must be the one it was made for.
    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> Outcome<Upload> {
        let upload = self.0.get(&UPLOADS, &upload_row(bucket, id)).map_err(store_failed)?;
        upload.filter(|upload| upload.key == key).ok_or_else(|| no_such_upload(id))
    }

    /// All uploads of a bucket, by key and then by id: so that a marker finds its place.
    pub(crate) fn uploads(&self, bucket: &str) -> Outcome<Vec<Upload>> {
        let prefix = upload_row(bucket, "");
        let rows = self.0.scan(&UPLOADS, Span::prefix(&prefix), usize::MAX).map_err(store_failed)?;
        let mut uploads: Vec<Upload> = rows.into_iter().map(|(_, upload)| upload).collect();
        uploads.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(uploads)
    }

    /// The parts of an upload in order.
    pub(crate) fn parts(&self, upload_id: &str) -> Outcome<Vec<Part>> {
        let prefix = format!("{upload_id}/");
        let rows = self.0.scan(&PARTS, Span::prefix(&prefix), usize::MAX).map_err(store_failed)?;
        Ok(rows.into_iter().map(|(_, part)| part).collect())
    }

    /// Writes a part; the part that it replaces comes back.
    pub(crate) async fn put_part(&self, bucket: &str, upload_id: &str, part: Part) -> Result<Option<Part>, TxnFault> {
        let (upload, id) = (upload_row(bucket, upload_id), upload_id.to_owned());
        self.0
            .write(move |txn| {
                txn.get(&UPLOADS, &upload)?.ok_or_else(|| no_such_upload(&id))?;
                let row = part_row(&id, part.piece.part);
                let replaced = txn.get(&PARTS, &row)?;
                txn.put(&PARTS, &row, &part)?;
                Ok(replaced)
            })
            .await
    }

    /// Ends an upload; its parts come back, to be deleted.
    pub(crate) async fn abort_upload(&self, bucket: &str, upload_id: &str) -> Outcome<Vec<Part>> {
        let (bucket, id) = (bucket.to_owned(), upload_id.to_owned());
        self.write(move |txn| drop_upload(txn, &bucket, &id)).await
    }

    /// Turns an upload into an object in one commit. Gives back the object replaced, and the parts not used.
    pub(crate) async fn complete_upload(
        &self,
        bucket: &str,
        upload: &Upload,
        object: Object,
        guard: Guard,
    ) -> Outcome<(Option<Object>, Vec<Part>)> {
        let (bucket, key, id) = (bucket.to_owned(), upload.key.clone(), upload.id.clone());
        self.write(move |txn| {
            let mut parts = drop_upload(txn, &bucket, &id)?;
            let standing = |part: &Part| object.facts.pieces.contains(&part.piece);
            // A part uploaded again since the proof was made has another blob; the caller starts over.
            if object.facts.pieces.iter().any(|piece| !parts.iter().any(|part| part.piece == *piece)) {
                return Err(crate::ops::invalid_part().into());
            }
            let replaced = versions::commit_version(txn, &bucket, &key, &object, &guard)?;
            parts.retain(|part| !standing(part));
            Ok((replaced, parts))
        })
        .await
    }

    /// The blobs of all parts of unfinished uploads.
    pub(crate) fn part_blobs(&self) -> Result<Vec<String>, StoreError> {
        let rows = self.0.scan(&PARTS, Span::all(), usize::MAX)?;
        Ok(rows.into_iter().map(|(_, part)| part.piece.blob).collect())
    }

    /// Every unfinished upload: its bucket, and itself.
    pub(crate) fn all_uploads(&self) -> Result<Vec<(String, Upload)>, StoreError> {
        let rows = self.0.scan(&UPLOADS, Span::all(), usize::MAX)?;
        let bucket = |row: &str| row.split('/').next().unwrap_or_default().to_owned();
        Ok(rows.into_iter().map(|(row, upload)| (bucket(&row), upload)).collect())
    }

    /// Visits every object's row, a page at a time: `bucket/key` and the object.
    pub(crate) fn each_object(&self, mut visit: impl FnMut(&str, &Object)) -> Result<(), StoreError> {
        const PAGE: usize = 500;
        let mut last: Option<String> = None;
        loop {
            let span = last.as_deref().map_or(Span::all(), |last| Span::all().after(last));
            let page = self.0.scan(&OBJECTS, span, PAGE)?;
            for (row, object) in &page {
                visit(row, object);
            }
            match page.into_iter().last() {
                Some((row, _)) => last = Some(row),
                None => return Ok(()),
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Txn<'_>) -> Result<T, TxnFault> + Send + 'static,
    ) -> Outcome<T> {
        Ok(self.0.write(f).await?)
    }
}

impl Guard {
    /// From the conditional headers of a write. S3 knows `If-None-Match: *` and `If-Match` with an ETag, no others.
    pub(crate) fn read(
        if_match: Option<&s3s::dto::ETagCondition>,
        if_none_match: Option<&s3s::dto::ETagCondition>,
    ) -> Outcome<Self> {
        use s3s::dto::ETagCondition::{Any, ETag};
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::Always),
            (None, Some(Any)) => Ok(Self::Absent),
            (Some(Any), None) => Ok(Self::Etag("*".into())),
            (Some(ETag(etag)), None) => Ok(Self::Etag(etag.value().to_owned())),
            (None, Some(ETag(_))) | (Some(_), Some(_)) => Err(crate::error::not_implemented("If-None-Match")),
        }
    }

    /// 412, or 404 where `If-Match` meets nothing.
    pub(crate) fn check(&self, key: &str, standing: Option<&Object>) -> Outcome<()> {
        match (self, standing) {
            (Self::Always, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(crate::error::precondition_failed("If-None-Match")),
            (Self::Etag(_), None) => Err(crate::error::no_such_key(key)),
            (Self::Etag(etag), Some(object)) if etag == "*" || *etag == object.facts.etag => Ok(()),
            (Self::Etag(_), Some(_)) => Err(crate::error::precondition_failed("If-Match")),
        }
    }
}

fn commit_object(
    txn: &mut Txn<'_>,
    bucket: &str,
    key: &str,
    object: &Object,
    guard: &Guard,
) -> Result<Option<Object>, TxnFault> {
    existing(txn, bucket)?;
    let row = object_row(bucket, key);
    let standing = txn.get(&OBJECTS, &row)?;
    guard.check(key, standing.as_ref())?;
    txn.put(&OBJECTS, &row, object)?;
    Ok(standing)
}

fn drop_upload(txn: &mut Txn<'_>, bucket: &str, id: &str) -> Result<Vec<Part>, TxnFault> {
    if !txn.delete(&UPLOADS, &upload_row(bucket, id))? {
        return Err(no_such_upload(id).into());
    }
    let mut parts = Vec::new();
    for (row, part) in txn.scan(&PARTS, Span::prefix(&format!("{id}/")), usize::MAX)? {
        txn.delete(&PARTS, &row)?;
        parts.push(part);
    }
    Ok(parts)
}

fn existing(txn: &Txn<'_>, bucket: &str) -> Result<Bucket, TxnFault> {
    Ok(txn.get(&BUCKETS, bucket)?.ok_or_else(|| no_such_bucket(bucket))?)
}

fn object_row(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

fn bucket_key_row(bucket: &str, id: &str) -> String {
    format!("{bucket}/{id}")
}

fn upload_row(bucket: &str, id: &str) -> String {
    format!("{bucket}/{id}")
}

fn part_row(upload_id: &str, part: u16) -> String {
    format!("{upload_id}/{part:05}")
}
