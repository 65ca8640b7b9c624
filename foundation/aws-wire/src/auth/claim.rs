//! What a request claims about its sender, read without believing any of it.
//!
//! ```text
//! header      Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…, Signature=…
//! presigned   ?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=…&X-Amz-Date=…&X-Amz-Expires=…&X-Amz-SignedHeaders=…&X-Amz-Signature=…
//! legacy      Authorization: AWS KEY:SIGNATURE      or      ?AWSAccessKeyId=KEY&Signature=…&Expires=…
//! ```
//!
//! Only key and scope must be readable here: in open mode nothing else of an unknown key's signature is looked at.
//! Members that the verifier needs stay optional until it asks for them.

use http::request::Parts;

use super::refusal::Refusal;
use crate::query::Params;

/// The algorithm's name in both places.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Day, region and service for which a signing key is good.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope {
    /// `20260115`
    pub date: String,
    /// `us-east-1`
    pub region: String,
    /// `kms`, `s3`, …
    pub service: String,
}

impl Scope {
    /// `20260115/us-east-1/kms/aws4_request`
    pub fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Where and how the claim was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// In the `Authorization` header.
    Header,
    /// In the query, by a presigned URL.
    Presigned {
        /// `X-Amz-Expires`, in seconds.
        expires: Option<String>,
    },
    /// Signature version 2, with which S3 URLs are still presigned by boto3.
    Legacy {
        /// `Expires` of a presigned URL, in seconds since the epoch; `None` in a header.
        expires: Option<String>,
    },
}

/// Everything that a signature states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose key is said to have signed.
    pub access_key: String,
    /// Empty for [`Style::Legacy`].
    pub scope: Scope,
    /// Header or query.
    pub style: Style,
    /// `x-amz-date`, verbatim.
    pub date: Option<String>,
    /// `host;x-amz-date`, verbatim.
    pub signed_headers: Option<String>,
    /// Hex (legacy: base64), verbatim.
    pub signature: Option<String>,
    /// The session token of temporary credentials.
    pub token: Option<String>,
}

impl Claim {
    /// Reads the claim of a request; `None` when it makes none.
    pub fn read(request: &Parts) -> Result<Option<Self>, Refusal> {
        if let Some(authorization) = request.headers.get(http::header::AUTHORIZATION) {
            let text = authorization.to_str().map_err(|_| malformed("it is not text", ""))?;
            return from_header(text.trim(), request).map(Some);
        }
        let query = request.uri.query().unwrap_or_default();
        if !query.contains("X-Amz-") && !query.contains("AWSAccessKeyId") {
            return Ok(None);
        }
        from_query(&Params::parse(query.as_bytes()))
    }

    /// Whether the query carries the claim, so that its parameters must be taken out before a service reads them.
    pub fn is_parameter(name: &str) -> bool {
        const V4: &[&str] =
            &["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"];
        match name.strip_prefix("X-Amz-") {
            Some(rest) => V4.contains(&rest),
            None => ["AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"].contains(&name),
        }
    }
}

fn header(request: &Parts, name: &str) -> Option<String> {
    Some(request.headers.get(name)?.to_str().ok()?.to_owned())
}

fn malformed(what: &str, header: &str) -> Refusal {
    Refusal::Malformed { what: what.into(), header: header.into() }
}

fn from_header(text: &str, request: &Parts) -> Result<Claim, Refusal> {
    if let Some(rest) = text.strip_prefix("AWS ") {
        return legacy_header(rest, request);
    }
    let Some(rest) = text.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with([' ', '\t'])) else {
        return Err(Refusal::UnsupportedMechanism);
    };
    let members: Params = rest.split(',').filter_map(|member| member.trim().split_once('=')).collect();
    let Some(credential) = members.get("Credential") else {
        return Err(malformed("Authorization header requires 'Credential' parameter.", text));
    };
    let (access_key, scope) = credential_scope(credential).ok_or_else(|| bad_credential(credential))?;
    Ok(Claim {
        access_key,
        scope,
        style: Style::Header,
        date: header(request, "x-amz-date"),
        signed_headers: members.get("SignedHeaders").map(Into::into),
        signature: members.get("Signature").map(Into::into),
        token: header(request, "x-amz-security-token"),
    })
}

fn legacy_header(rest: &str, request: &Parts) -> Result<Claim, Refusal> {
    let (access_key, signature) = rest.split_once(':').ok_or(Refusal::UnsupportedMechanism)?;
    Ok(Claim {
        access_key: access_key.trim().into(),
        scope: Scope::default(),
        style: Style::Legacy { expires: None },
        date: header(request, "x-amz-date").or_else(|| header(request, "date")),
        signed_headers: None,
        signature: Some(signature.into()),
        token: header(request, "x-amz-security-token"),
    })
}

fn from_query(query: &Params) -> Result<Option<Claim>, Refusal> {
    let text = |name: &str| query.get(name).map(String::from);
    if let Some(credential) = query.get("X-Amz-Credential") {
        let (access_key, scope) = credential_scope(credential).ok_or_else(|| bad_credential(credential))?;
        return Ok(Some(Claim {
            access_key,
            scope,
            style: Style::Presigned { expires: text("X-Amz-Expires") },
            date: text("X-Amz-Date"),
            signed_headers: text("X-Amz-SignedHeaders"),
            signature: text("X-Amz-Signature"),
            token: text("X-Amz-Security-Token"),
        }));
    }
    if query.get("X-Amz-Signature").is_some() || query.get("X-Amz-Algorithm").is_some() {
        return Err(Refusal::PresignIncomplete);
    }
    Ok(query.get("AWSAccessKeyId").map(|access_key| Claim {
        access_key: access_key.into(),
        scope: Scope::default(),
        style: Style::Legacy { expires: Some(text("Expires").unwrap_or_default()) },
        date: None,
        signed_headers: None,
        signature: text("Signature"),
        token: text("x-amz-security-token"),
    }))
}

fn bad_credential(credential: &str) -> Refusal {
    Refusal::BadCredential { credential: credential.into() }
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`. A key may itself contain slashes, so the scope is read from the end.
fn credential_scope(credential: &str) -> Option<(String, Scope)> {
    let mut parts = credential.trim().rsplitn(5, '/');
    let terminator = parts.next()?;
    let (service, region, date, access_key) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fits = terminator == "aws4_request" && (1..=128).contains(&access_key.len());
    let scope = Scope { date: date.into(), region: region.into(), service: service.into() };
    fits.then(|| (access_key.into(), scope))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(uri: &str, headers: &[(&str, &str)]) -> Result<Option<Claim>, Refusal> {
        let request = headers.iter().fold(http::Request::builder().uri(uri), |r, (n, v)| r.header(*n, *v));
        Claim::read(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_header_with_nothing_but_a_credential_still_claims() {
        let text = "AWS4-HMAC-SHA256 Credential=000000000001/20260115/eu-west-1/kms/aws4_request";
        let claim = read("/", &[("authorization", text)]).unwrap().unwrap();
        assert_eq!((claim.access_key.as_str(), claim.scope.region.as_str()), ("000000000001", "eu-west-1"));
        assert_eq!((claim.date, claim.signature), (None, None));
    }

    #[test]
    fn both_spacings_of_the_members_are_read() {
        for gap in [",", ", ", " ,  "] {
            let text = format!(
                "AWS4-HMAC-SHA256 Credential=a/b/20260115/r/s/aws4_request{gap}SignedHeaders=host{gap}Signature=f"
            );
            let claim = read("/", &[("authorization", &text)]).unwrap().unwrap();
            assert_eq!((claim.access_key.as_str(), claim.signed_headers.as_deref()), ("a/b", Some("host")));
            assert_eq!(claim.signature.as_deref(), Some("f"));
        }
    }

    #[test]
    fn presigned_urls_of_both_versions_are_read() {
        let v4 = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20260115%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Expires=60";
        assert_eq!(read(v4, &[]).unwrap().unwrap().style, Style::Presigned { expires: Some("60".into()) });
        let v2 = read("/b/k?AWSAccessKeyId=K&Signature=a%2Bb&Expires=1", &[]).unwrap().unwrap();
        assert_eq!((v2.style, v2.signature.unwrap()), (Style::Legacy { expires: Some("1".into()) }, "a+b".into()));
        assert_eq!(read("/b/k?prefix=X", &[]).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let refused = |value: &str| read("/", &[("authorization", value)]).unwrap_err();
        assert!(matches!(refused("Basic dXNlcg=="), Refusal::UnsupportedMechanism));
        assert!(matches!(refused("AWS4-HMAC-SHA256 SignedHeaders=host"), Refusal::Malformed { .. }));
        assert!(matches!(
            refused("AWS4-HMAC-SHA256 Credential=K/20260115/us-east-1/s3"),
            Refusal::BadCredential { .. }
        ));
        assert!(matches!(read("/?X-Amz-Signature=1", &[]), Err(Refusal::PresignIncomplete)));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(text in "\\PC*") {
            let _ = http::HeaderValue::from_bytes(text.as_bytes())
                .map(|value| from_header(value.to_str().unwrap_or_default(), &http::Request::new(()).into_parts().0));
        }
    }
}
