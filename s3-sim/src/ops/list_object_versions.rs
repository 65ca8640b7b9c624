//! `ListObjectVersions`: every version and every delete marker, by key, newest first.

use s3s::dto::{
    self, CommonPrefix, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, invalid_argument};
use crate::headers::{etag, wire_time};
use crate::model::object::Object;
use crate::model::version::{Version, VersionId};
use crate::model::version_listing::{VersionPage, WantedVersions, list_versions};
use crate::ops::{check_encoding, encoded, owner, page_size};
use crate::store::versions::After;

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<ListObjectVersionsInput>,
) -> Outcome<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    let encoding = input.encoding_type.as_ref();
    check_encoding(encoding)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let limit = page_size("max-keys", input.max_keys)?;
    let wanted = WantedVersions {
        prefix: input.prefix.as_deref().unwrap_or(""),
        delimiter: input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
        after: sim.after(&bucket.name, input.key_marker.as_deref(), input.version_id_marker.as_deref())?,
        limit,
    };
    let page = list_versions(&wanted, |after, limit| sim.rows.versions(&bucket.name, wanted.prefix, after, limit))?;
    let coded = |text: &Option<String>| text.as_deref().map(|text| encoded(text, encoding));
    let (next_key, next_version) = page.last.clone().filter(|_| page.truncated).unzip();
    let mut output = ListObjectVersionsOutput {
        name: Some(bucket.name.clone()),
        prefix: Some(encoded(wanted.prefix, encoding)),
        key_marker: Some(coded(&input.key_marker).unwrap_or_default()),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        max_keys: Some(limit as i32),
        is_truncated: Some(page.truncated),
        next_key_marker: coded(&next_key),
        next_version_id_marker: next_version.flatten(),
        delimiter: coded(&input.delimiter),
        encoding_type: input.encoding_type.clone(),
        ..ListObjectVersionsOutput::default()
    };
    fill(&mut output, page, &owner(&bucket.owner), encoding);
    Ok(S3Response::new(output))
}

impl S3Sim {
    /// Where the next page starts. A version that is gone by now still tells its place, except `null`.
    fn after(&self, bucket: &str, key: Option<&str>, version: Option<&str>) -> Outcome<Option<After>> {
        let version = version.filter(|version| !version.is_empty());
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            return match version {
                None => Ok(None),
                Some(version) => Err(invalid_argument(
                    "version-id-marker",
                    version,
                    "A version-id marker cannot be specified without a key marker.",
                )),
            };
        };
        let order = match version.map(VersionId::parse).transpose()? {
            None => None,
            Some(id) => match id.order() {
                Some(order) => Some(order),
                None => self.rows.find_version(bucket, key, &id)?.map(|version| version.order()),
            },
        };
        Ok(Some(After { key: key.to_owned(), order }))
    }
}

fn fill(
    output: &mut ListObjectVersionsOutput,
    page: VersionPage,
    owner: &dto::Owner,
    encoding: Option<&dto::EncodingType>,
) {
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for (key, version, latest) in page.versions {
        let (key, id) = (encoded(&key, encoding), version.id());
        match version {
            Version::Object(object) => versions.push(entry(*object, key, id, latest, owner)),
            Version::Marker(marker) => markers.push(DeleteMarkerEntry {
                is_latest: Some(latest),
                key: Some(key),
                last_modified: Some(wire_time(marker.modified)),
                owner: Some(owner.clone()),
                version_id: Some(id),
            }),
        }
    }
    let prefix = |text: &String| CommonPrefix { prefix: Some(encoded(text, encoding)) };
    output.common_prefixes = (!page.prefixes.is_empty()).then(|| page.prefixes.iter().map(prefix).collect());
    output.versions = (!versions.is_empty()).then_some(versions);
    output.delete_markers = (!markers.is_empty()).then_some(markers);
}

fn entry(object: Object, key: String, version_id: String, latest: bool, owner: &dto::Owner) -> ObjectVersion {
    let facts = object.facts;
    let (algorithm, kind) = facts.checksum.unzip();
    let class = facts.headers.storage_class.unwrap_or_else(|| "STANDARD".into());
    ObjectVersion {
        checksum_algorithm: algorithm.map(|a| vec![dto::ChecksumAlgorithm::from_static(a.as_str())]),
        checksum_type: kind.map(|kind| dto::ChecksumType::from_static(kind.as_str())),
        e_tag: Some(etag(&facts.etag)),
        is_latest: Some(latest),
        key: Some(key),
        last_modified: Some(wire_time(facts.modified)),
        owner: Some(owner.clone()),
        size: i64::try_from(facts.size).ok(),
        storage_class: Some(class.into()),
        version_id: Some(version_id),
        ..ObjectVersion::default()
    }
}
