//! What a `Host` header says: loopback or not, which bucket, which region.
//!
//! ```text
//! 127.0.0.1:4566                      path style
//! bucket.localhost:4566               bucket "bucket"
//! my.bucket.s3.localhost              bucket "my.bucket"
//! bucket.s3.eu-west-1.amazonaws.com   bucket "bucket", region eu-west-1
//! kms.eu-west-1.localhost             no bucket, region eu-west-1
//! ```

use std::net::IpAddr;

use aws_core::id::Region;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};

/// First labels of a host that name a service, never a bucket.
const SERVICES: &[&str] = &["s3", "kms", "sts", "iam", "ec2", "ebs", "cloudtrail"];

/// Domains under which an `s3` label is required before a bucket is read.
const DOMAINS: &[&str] = &[".localhost.localstack.cloud", ".amazonaws.com", ".localhost"];

/// The host without its port, in lower case.
pub fn name(host: &str) -> String {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    bare.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether the host names this machine.
pub fn is_loopback(host: &str) -> bool {
    let name = name(host);
    let by_name = name == "localhost" || name.ends_with(".localhost");
    by_name || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a web page of another origin sent the request: its `Origin` is not the very host that it addressed.
pub fn is_foreign_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let own =
        |scheme: &[u8]| origin.as_bytes().strip_prefix(scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(host));
    !own(b"http://") && !own(b"https://")
}

/// The bucket that a virtual-hosted-style request names in its host.
pub fn bucket(host: &str) -> Option<String> {
    let (labels, domain) = split(host)?;
    match endpoint(&labels) {
        Some(at) => (at > 0).then(|| labels[..at].join(".")),
        None if domain == ".localhost" && !SERVICES.contains(&labels[0].as_str()) => Some(labels.join(".")),
        None => None,
    }
}

/// The region that the host names, if any.
pub fn region(host: &str) -> Option<Region> {
    let (labels, _) = split(host)?;
    let service = labels.iter().rposition(|label| SERVICES.contains(&label.as_str()))?;
    Region::parse(labels.get(service + 1)?)
}

fn split(host: &str) -> Option<(Vec<String>, &'static str)> {
    let name = name(host);
    let domain = DOMAINS.iter().find(|domain| name.ends_with(**domain))?;
    let labels: Vec<String> = name.strip_suffix(domain)?.split('.').map(Into::into).collect();
    labels.iter().all(|label| !label.is_empty()).then_some((labels, domain))
}

/// Position of the `s3` label: the last one that has at most a region (and `dualstack`) behind it.
fn endpoint(labels: &[String]) -> Option<usize> {
    labels.iter().rposition(|label| label == "s3").filter(|at| labels.len() - at <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_read_from_hosts() {
        let cases = [
            ("bucket.localhost:4566", Some("bucket")),
            ("my.bucket.s3.localhost", Some("my.bucket")),
            ("bucket.s3.eu-west-1.localhost:4566", Some("bucket")),
            ("bucket.s3.localhost.localstack.cloud:4566", Some("bucket")),
            ("Bucket.s3.amazonaws.com", Some("bucket")),
            ("s3.localhost:4566", None),
            ("s3.eu-west-1.localhost", None),
            ("kms.us-east-1.localhost", None),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
            ("x.amazonaws.com", None),
            (".localhost", None),
            ("", None),
        ];
        for (host, expected) in cases {
            assert_eq!(bucket(host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn regions_are_read_from_hosts() {
        assert_eq!(region("kms.eu-west-1.localhost:4566").unwrap().as_str(), "eu-west-1");
        assert_eq!(region("b.s3.eu-west-1.amazonaws.com").unwrap().as_str(), "eu-west-1");
        assert!(region("localhost").is_none() && region("sts.localhost").is_none());
    }

    #[test]
    fn loopback_is_what_cannot_be_another_machine() {
        for host in ["localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:4566", "b.localhost", "LOCALHOST."] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.com", "localhost.evil.com", "10.0.0.1:4566", "127.0.0.1.evil.com", "[::2]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
