//! `GetObjectAttributes`: chosen facts of an object, its parts among them. The XML is our own: s3s would quote the ETag,
//! which AWS does not do here.

use aws_wire::xml::Element;
use http::{HeaderMap, HeaderValue};
use s3s::{Body, S3Request, S3Response};

use crate::S3Sim;
use crate::access::query_pairs;
use crate::call::Call;
use crate::customer;
use crate::digest::Checksum;
use crate::error::{Outcome, invalid_argument, invalid_request};
use crate::keys::Owner;
use crate::model::object::{Facts, Sealed};
use crate::model::version::told_version;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const LARGEST_PAGE: usize = 1000;
const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// Answers `/bucket/key?attributes`.
pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    (bucket, key): (&str, &str),
    request: S3Request<Body>,
) -> Outcome<S3Response<Body>> {
    let wanted = wanted(&request.headers)?;
    let page = Page::read(&request.headers)?;
    let version = query_pairs(request.uri.query()).into_iter().find(|(name, _)| name == "versionId").map(|(_, id)| id);
    let found = sim.find_version(call, bucket, key, version.as_deref())?;
    let customer = customer::OBJECT.for_reading(&request.headers, &found.object.wrapped.wrapping)?;
    let owner = Owner { bucket: &found.bucket, key };
    let (_, sealed) = sim.unlock(call, owner, &found.object, customer.as_ref()).await?;
    let facts = &found.object.facts;
    let mut root = Element::new("GetObjectAttributesResponse").attribute("xmlns", NAMESPACE);
    for name in KNOWN.into_iter().filter(|name| wanted.iter().any(|asked| asked == name)) {
        root = match name {
            "ETag" => root.leaf("ETag", &facts.etag),
            "Checksum" => root.children(sealed.checksums.as_ref().map(checksum_element)),
            "ObjectParts" => root.children(facts.upload.as_ref().map(|_| parts(facts, &sealed, &page))),
            "StorageClass" => root.leaf("StorageClass", facts.headers.storage_class.as_deref().unwrap_or("STANDARD")),
            _ => root.leaf("ObjectSize", facts.size),
        };
    }
    let text = format!("{}{}", aws_wire::answer::XML_DECLARATION, root.render());
    let mut response = S3Response::new(Body::from(text));
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers.insert(name, value);
        }
    };
    put("content-type", "application/xml".into());
    put("last-modified", facts.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(version) = told_version(&found.bucket, facts.version.as_deref()) {
        put("x-amz-version-id", version);
    }
    Ok(response)
}

fn wanted(headers: &HeaderMap) -> Outcome<Vec<String>> {
    let values = headers.get_all("x-amz-object-attributes").into_iter().filter_map(|value| value.to_str().ok());
    let names: Vec<String> = values.flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect();
    if names.is_empty() {
        return Err(invalid_request("Missing required header for this request: x-amz-object-attributes"));
    }
    match names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(name) => Err(invalid_argument("x-amz-object-attributes", name, "Invalid attribute name specified.")),
        None => Ok(names),
    }
}

/// Which parts.
struct Page {
    after: u16,
    limit: usize,
}

impl Page {
    fn read(headers: &HeaderMap) -> Outcome<Self> {
        let number = |name: &'static str| -> Outcome<Option<usize>> {
            let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) else { return Ok(None) };
            let parsed = text.parse().map(Some);
            parsed.map_err(|_| {
                invalid_argument(name, text, format!("Provided {name} not an integer or within integer range"))
            })
        };
        let after = number("x-amz-part-number-marker")?.unwrap_or(0);
        let limit = number("x-amz-max-parts")?.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
        Ok(Self { after: u16::try_from(after).unwrap_or(u16::MAX), limit })
    }
}

/// Single parts are told only where each has a checksum of its own.
fn parts(facts: &Facts, sealed: &Sealed, page: &Page) -> Element {
    let all = Element::new("ObjectParts").leaf("PartsCount", facts.pieces.len());
    if sealed.parts.len() != facts.pieces.len() || sealed.parts.iter().any(Option::is_none) {
        return all;
    }
    let pairs = facts.pieces.iter().zip(&sealed.parts).filter(|(piece, _)| piece.part > page.after);
    let shown: Vec<_> = pairs.clone().take(page.limit).collect();
    let truncated = pairs.count() > shown.len();
    let last = shown.last().map_or(page.after, |(piece, _)| piece.part);
    let told = shown.into_iter().map(|(piece, checksum)| {
        let part = Element::new("Part").leaf("PartNumber", piece.part).leaf("Size", piece.size);
        match checksum {
            Some(checksum) => part.leaf(element_name(checksum), &checksum.value),
            None => part,
        }
    });
    all.leaf("PartNumberMarker", page.after)
        .leaf("NextPartNumberMarker", last)
        .leaf("MaxParts", page.limit)
        .leaf("IsTruncated", truncated)
        .children(told)
}

fn checksum_element(checksum: &Checksum) -> Element {
    Element::new("Checksum").leaf(element_name(checksum), &checksum.value).leaf("ChecksumType", checksum.kind.as_str())
}

fn element_name(checksum: &Checksum) -> String {
    format!("Checksum{}", checksum.algorithm.as_str())
}
