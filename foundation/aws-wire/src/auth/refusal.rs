//! Why a request was not let in, and how each protocol says so. One table.
//!
//! ```text
//!                  JSON (KMS, CloudTrail)             Query (IAM, STS)             EC2               S3
//! no credentials   MissingAuthenticationToken…        MissingAuthenticationToken   AuthFailure       AccessDenied
//! unknown key      UnrecognizedClientException        InvalidClientTokenId         AuthFailure       InvalidAccessKeyId
//! wrong signature  InvalidSignatureException          SignatureDoesNotMatch        AuthFailure       SignatureDoesNotMatch
//! session over     ExpiredTokenException              ExpiredToken                 RequestExpired    ExpiredToken
//! status           400 (REST-JSON: 403)               403                          401               403
//! ```

use aws_core::fault::ApiFault;
use aws_core::time::Timestamp;

use crate::fault::Protocol;
use crate::service::Dialect;

/// The 15 minutes by which a client's clock may be wrong.
pub const SKEW_SECONDS: i64 = 15 * 60;
/// The seven days for which a URL may be presigned.
pub const LONGEST_PRESIGN_SECONDS: i64 = 7 * 24 * 3600;

/// Why a request was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credentials at all, where some are demanded.
    Missing,
    /// The `Authorization` header lacks a member, or is no text.
    Malformed {
        /// A sentence.
        what: String,
        /// The header, for the answer to repeat.
        header: String,
    },
    /// The credential is not `KEY/DATE/REGION/SERVICE/aws4_request`.
    BadCredential {
        /// As sent.
        credential: String,
    },
    /// Neither AWS4-HMAC-SHA256 nor a version-2 signature that may be used here.
    UnsupportedMechanism,
    /// A presigned URL lacks one of its parameters.
    PresignIncomplete,
    /// `X-Amz-Expires` is not a number of 0 to 604800; the sentence of AWS.
    BadExpires(&'static str),
    /// No date where one is needed.
    NoDate,
    /// The day in the scope is not the day of the request.
    WrongDay {
        /// Of the scope.
        scope: String,
        /// Of the request.
        date: String,
    },
    /// Signed for another service.
    WrongService {
        /// The service that was asked.
        expected: &'static str,
        /// The one in the scope.
        found: String,
    },
    /// Signed for another region than the host names.
    WrongRegion {
        /// Of the host.
        expected: String,
        /// Of the scope.
        found: String,
    },
    /// The client's clock is off by more than 15 minutes.
    Skewed {
        /// When the client says it signed.
        signed: Timestamp,
        /// Now, on the wall.
        now: Timestamp,
    },
    /// The presigned URL is over.
    PresignExpired {
        /// For how long it was good, in seconds.
        seconds: Option<i64>,
        /// When it ended.
        ended: Timestamp,
        /// Now, on the wall.
        now: Timestamp,
    },
    /// The presigned URL begins in the future.
    PresignEarly,
    /// IAM never issued the key, or it is inactive.
    UnknownKey {
        /// As sent.
        access_key: String,
    },
    /// The session token is missing, wrong, or out of place.
    WrongToken,
    /// The session is over.
    TokenExpired,
    /// Headers that must be signed are not.
    NotSigned {
        /// Their names.
        headers: Vec<String>,
    },
    /// `x-amz-content-sha256` is missing (`None`) or none of the known values.
    BadPayloadHash(Option<String>),
    /// The body is not what was signed.
    WrongPayload {
        /// As signed.
        claimed: String,
        /// As received.
        computed: String,
    },
    /// The signature is not what the secret makes of the request.
    WrongSignature(Box<Evidence>),
    /// The caller's identity in a peer's header does not hold.
    Peer(&'static str),
    /// A web page of another origin asks without credentials.
    ForeignOrigin,
}

/// What the verifier computed, so that the client can compare. S3 prints it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// As sent.
    pub access_key: String,
    /// As sent.
    pub signature: String,
    /// As computed.
    pub string_to_sign: String,
    /// As computed.
    pub canonical_request: String,
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
    Secret Access Key and signing method. Consult the service documentation for details.";
const S3_MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key \
    and signing method.";
const INCOMPLETE: &str = "IncompleteSignatureException";
const TOKEN_INVALID: &str = "The security token included in the request is invalid.";
const TOKEN_EXPIRED: &str = "The security token included in the request is expired";
const EC2_DENIES: &str = "AWS was not able to validate the provided access credentials";

impl Refusal {
    /// The fault that the client sees.
    pub fn fault(&self, protocol: Protocol) -> ApiFault {
        match protocol {
            Protocol::S3 => self.s3(),
            Protocol::Json => self.coral(),
            Protocol::Rest => self.coral().with_status(403),
            Protocol::Query(Dialect::Query { .. }) => self.query(),
            Protocol::Query(Dialect::Ec2 { .. }) => self.ec2(),
        }
    }

    /// The names that JSON services give to refusals; [`Self::query`] renames them.
    fn coral(&self) -> ApiFault {
        let code = match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Malformed { .. } | Self::BadCredential { .. } | Self::UnsupportedMechanism | Self::NoDate => {
                INCOMPLETE
            }
            Self::PresignIncomplete | Self::BadExpires(_) => INCOMPLETE,
            Self::UnknownKey { .. } | Self::WrongToken | Self::Peer(_) | Self::ForeignOrigin => {
                "UnrecognizedClientException"
            }
            Self::TokenExpired => "ExpiredTokenException",
            Self::WrongDay { .. }
            | Self::WrongService { .. }
            | Self::WrongRegion { .. }
            | Self::Skewed { .. }
            | Self::PresignExpired { .. }
            | Self::PresignEarly
            | Self::NotSigned { .. }
            | Self::BadPayloadHash(_)
            | Self::WrongPayload { .. }
            | Self::WrongSignature(_) => "InvalidSignatureException",
        };
        ApiFault::client(code, self.sentence())
    }

    fn query(&self) -> ApiFault {
        let fault = self.coral();
        let code = match fault.code.as_ref() {
            "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            "ExpiredTokenException" => "ExpiredToken",
            "InvalidSignatureException" => "SignatureDoesNotMatch",
            _ => "IncompleteSignature",
        };
        let status = if code == "IncompleteSignature" { 400 } else { 403 };
        let message =
            if *self == Self::Missing { Some("Request is missing Authentication Token".into()) } else { fault.message };
        ApiFault { code: code.into(), status, message, detail: fault.detail }
    }

    fn ec2(&self) -> ApiFault {
        match self {
            Self::Skewed { .. } | Self::PresignExpired { .. } | Self::TokenExpired => {
                ApiFault::client("RequestExpired", "Request has expired.")
            }
            Self::Peer(_) | Self::ForeignOrigin => ApiFault::client("AuthFailure", self.sentence()).with_status(401),
            _ => ApiFault::client("AuthFailure", EC2_DENIES).with_status(401),
        }
    }

    fn s3(&self) -> ApiFault {
        let denied = |message: &str| ApiFault::client("AccessDenied", message).with_status(403);
        let header = |what: String| ApiFault::client("AuthorizationHeaderMalformed", malformed_header(&what));
        let query = |message: String| ApiFault::client("AuthorizationQueryParametersError", message);
        match self {
            Self::Missing => denied("Access Denied"),
            Self::Malformed { .. } | Self::WrongDay { .. } | Self::WrongService { .. } => header(self.s3_sentence()),
            Self::BadCredential { credential } => header(format!(
                "the Credential is mal-formed; expecting \
                \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"; found \"{credential}\""
            )),
            Self::WrongRegion { expected, .. } => header(self.s3_sentence()).with("Region", expected),
            Self::UnsupportedMechanism => ApiFault::client(
                "InvalidRequest",
                "The authorization mechanism you have \
                provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Self::PresignIncomplete | Self::BadExpires(_) => query(self.s3_sentence()),
            Self::NoDate => denied("AWS authentication requires a valid Date or x-amz-date header"),
            Self::Skewed { signed, now } => skewed(*signed, *now),
            Self::PresignExpired { seconds, ended, now } => presign_expired(*seconds, *ended, *now),
            Self::PresignEarly => denied("Request is not valid yet"),
            Self::UnknownKey { access_key } => ApiFault::client(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided \
                does not exist in our records.",
            )
            .with_status(403)
            .with("AWSAccessKeyId", access_key),
            Self::WrongToken => {
                ApiFault::client("InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            Self::TokenExpired => ApiFault::client("ExpiredToken", "The provided token has expired."),
            Self::NotSigned { headers } => denied("There were headers present in the request which were not signed")
                .with("HeadersNotSigned", headers.join(", ")),
            Self::BadPayloadHash(value) => bad_payload_hash(value.as_deref()),
            Self::WrongPayload { claimed, computed } => wrong_payload(claimed, computed),
            Self::WrongSignature(evidence) => evidence.s3(),
            Self::Peer(_) | Self::ForeignOrigin => denied(&self.sentence()),
        }
    }

    /// The sentence of S3 behind `The authorization header is malformed; `, and of its query errors.
    fn s3_sentence(&self) -> String {
        match self {
            Self::Malformed { what, .. } => what.clone(),
            Self::WrongDay { scope, date } => {
                format!("Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{date}\".")
            }
            Self::WrongService { expected, found } => {
                format!("incorrect service \"{found}\". This endpoint belongs to \"{expected}\".")
            }
            Self::WrongRegion { expected, found } => format!("the region '{found}' is wrong; expecting '{expected}'"),
            _ => self.sentence(),
        }
    }

    /// The sentence of all other services.
    fn sentence(&self) -> String {
        match self {
            Self::Malformed { what, header } => format!("{what} Authorization={header}"),
            Self::BadCredential { credential } => format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
            ),
            Self::UnsupportedMechanism => "Unsupported AWS 'algorithm'. Please use AWS4-HMAC-SHA256.".into(),
            Self::NoDate => {
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into()
            }
            Self::PresignIncomplete => "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
                .into(),
            Self::BadExpires(sentence) => (*sentence).into(),
            Self::WrongDay { scope, date } => format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{date}'."
            ),
            Self::WrongService { expected, .. } => {
                format!("Credential should be scoped to correct service: '{expected}'. ")
            }
            Self::WrongRegion { .. } => "Credential should be scoped to a valid region. ".into(),
            Self::Skewed { signed, now } => skew_sentence(*signed, *now),
            Self::PresignExpired { ended, now, .. } => {
                format!("Signature expired: {} is now earlier than {}", basic(*ended), basic(*now))
            }
            Self::PresignEarly => "Signature not yet current".into(),
            Self::NotSigned { headers } => {
                let named: Vec<_> = headers.iter().map(|name| format!("'{name}'")).collect();
                format!("{} must be a 'SignedHeader' in the AWS Authorization.", named.join(" and "))
            }
            Self::Peer(why) => format!("The caller's identity in x-sse-sim-caller was not accepted: {why}."),
            Self::ForeignOrigin => "A web page of another origin must sign its requests.".into(),
            Self::BadPayloadHash(_) | Self::WrongPayload { .. } | Self::WrongSignature(_) => MISMATCH.into(),
            Self::Missing => "Missing Authentication Token".into(),
            Self::UnknownKey { .. } | Self::WrongToken => TOKEN_INVALID.into(),
            Self::TokenExpired => TOKEN_EXPIRED.into(),
        }
    }
}

impl Evidence {
    fn s3(&self) -> ApiFault {
        ApiFault::client("SignatureDoesNotMatch", S3_MISMATCH)
            .with_status(403)
            .with("AWSAccessKeyId", &self.access_key)
            .with("StringToSign", &self.string_to_sign)
            .with("SignatureProvided", &self.signature)
            .with("StringToSignBytes", spaced_hex(&self.string_to_sign))
            .with("CanonicalRequest", &self.canonical_request)
            .with("CanonicalRequestBytes", spaced_hex(&self.canonical_request))
    }
}

/// `20260115T090000Z`
pub fn basic(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn spaced_hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

fn malformed_header(what: &str) -> String {
    format!("The authorization header is malformed; {what}")
}

fn skew_sentence(signed: Timestamp, now: Timestamp) -> String {
    let edge = |seconds: i64| {
        let by = aws_core::time::SignedDuration::from_secs(seconds);
        now.checked_add(by).map_or_else(|_| basic(now), basic)
    };
    match signed < now {
        true => format!(
            "Signature expired: {} is now earlier than {} ({} - 15 min.)",
            basic(signed),
            edge(-SKEW_SECONDS),
            basic(now)
        ),
        false => format!(
            "Signature not yet current: {} is still later than {} ({} + 15 min.)",
            basic(signed),
            edge(SKEW_SECONDS),
            basic(now)
        ),
    }
}

fn skewed(signed: Timestamp, now: Timestamp) -> ApiFault {
    let message = "The difference between the request time and the current time is too large.";
    ApiFault::client("RequestTimeTooSkewed", message)
        .with_status(403)
        .with("RequestTime", basic(signed))
        .with("ServerTime", aws_core::time::iso_seconds(now))
        .with("MaxAllowedSkewMilliseconds", (SKEW_SECONDS * 1000).to_string())
}

fn presign_expired(seconds: Option<i64>, ended: Timestamp, now: Timestamp) -> ApiFault {
    let fault = ApiFault::client("AccessDenied", "Request has expired").with_status(403);
    let fault = seconds.into_iter().fold(fault, |fault, seconds| fault.with("X-Amz-Expires", seconds.to_string()));
    fault.with("Expires", aws_core::time::iso_seconds(ended)).with("ServerTime", aws_core::time::iso_seconds(now))
}

fn bad_payload_hash(value: Option<&str>) -> ApiFault {
    let Some(value) = value else {
        return ApiFault::client("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
    };
    let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                   STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";
    ApiFault::client("InvalidArgument", message)
        .with("ArgumentName", "x-amz-content-sha256")
        .with("ArgumentValue", value)
}

/// S3's answer to a body that is not the one that was signed.
pub fn wrong_payload(claimed: &str, computed: &str) -> ApiFault {
    let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    ApiFault::client("XAmzContentSHA256Mismatch", message)
        .with("ClientComputedContentSHA256", claimed)
        .with("S3ComputedContentSHA256", computed)
}

/// S3's answer to a chunk, or to trailers, that the client did not sign like this.
pub fn wrong_chunk() -> ApiFault {
    ApiFault::client("SignatureDoesNotMatch", S3_MISMATCH).with_status(403)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: Protocol = Protocol::Query(Dialect::Query { xmlns: "" });
    const EC2: Protocol = Protocol::Query(Dialect::Ec2 { xmlns: "" });

    fn said(refusal: &Refusal) -> Vec<String> {
        let all = [Protocol::Json, Protocol::Rest, QUERY, EC2, Protocol::S3];
        all.map(|protocol| refusal.fault(protocol)).iter().map(|f| format!("{} {}", f.code, f.status)).collect()
    }

    #[test]
    fn the_table_of_the_head_holds() {
        let unknown = Refusal::UnknownKey { access_key: "AKIA".into() };
        let rows = [
            (Refusal::Missing, "MissingAuthenticationToken", "AuthFailure 401", "AccessDenied 403"),
            (unknown, "InvalidClientTokenId", "AuthFailure 401", "InvalidAccessKeyId 403"),
            (Refusal::TokenExpired, "ExpiredToken", "RequestExpired 400", "ExpiredToken 400"),
        ];
        for (refusal, query, ec2, s3) in rows {
            let said = said(&refusal);
            assert_eq!([&said[2], &said[3], &said[4]], [&format!("{query} 403"), ec2, s3]);
            assert!(said[0].ends_with("Exception 400") && said[1].ends_with("Exception 403"), "{said:?}");
        }
    }

    #[test]
    fn a_slow_clock_is_told_by_how_much() {
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let signed: Timestamp = "2026-01-15T09:00:00Z".parse().unwrap();
        let skewed = Refusal::Skewed { signed, now };
        assert_eq!(
            skewed.fault(Protocol::Json).message.unwrap(),
            "Signature expired: 20260115T090000Z is now earlier than 20260115T094500Z (20260115T100000Z - 15 min.)"
        );
        assert_eq!(skewed.fault(Protocol::S3).code, "RequestTimeTooSkewed");
    }
}
