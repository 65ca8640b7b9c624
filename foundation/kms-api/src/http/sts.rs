//! Who are we there? One call to STS, at start.

use aws_core::id::Region;
use aws_core::time::Clock;
use aws_credential_types::Credentials;

use super::answer;
use super::identity::{Signed, signature};
use crate::error::KmsError;

const FORM: &str = "application/x-www-form-urlencoded";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Where STS is, for a KMS endpoint: AWS has a host per service, everybody else one port for all.
pub fn endpoint(kms: &str, region: &Region) -> String {
    match kms.split_once("://kms") {
        Some((scheme, host)) if host.contains(".amazonaws.com") => {
            let domain = host.split_once(".amazonaws.com").map_or("", |(_, rest)| rest);
            format!("{scheme}://sts.{region}.amazonaws.com{domain}")
        }
        _ => kms.to_owned(),
    }
}

/// The ARN that STS gives for the credentials.
pub async fn caller_arn(
    client: &reqwest::Client,
    endpoint: &str,
    region: &Region,
    credentials: &Credentials,
    wall: &dyn Clock,
) -> Result<String, KmsError> {
    let url = format!("{endpoint}/");
    let headers = [("content-type", FORM)];
    let region = region.as_str();
    let signed = Signed { url: &url, service: "sts", region, headers: &headers, body: BODY.as_bytes() };
    let mut call = client.post(&url).header("content-type", FORM).body(BODY);
    for (name, value) in signature(&signed, credentials, wall.now())? {
        call = call.header(name, value);
    }
    let answered = call.send().await.map_err(|error| answer::unreachable(endpoint, &error))?;
    let text = answered.text().await.map_err(|error| answer::unreachable(endpoint, &error))?;
    element(&text, "Arn").map(Into::into).ok_or_else(|| refused(endpoint, &text))
}

fn refused(endpoint: &str, text: &str) -> KmsError {
    let code = element(text, "Code").unwrap_or("InvalidResponse");
    let message = element(text, "Message").unwrap_or("GetCallerIdentity was not answered with an ARN");
    KmsError::Other(code.into(), format!("STS at {endpoint}: {message}"))
}

/// The text of the first element of that name. Enough for one flat answer without entities.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sts_stands_beside_kms() {
        let region = Region::parse("eu-west-1").unwrap();
        let cases = [
            ("https://kms.eu-west-1.amazonaws.com", "https://sts.eu-west-1.amazonaws.com"),
            ("https://kms.cn-north-1.amazonaws.com.cn", "https://sts.eu-west-1.amazonaws.com.cn"),
            ("https://kms-fips.eu-west-1.amazonaws.com", "https://sts.eu-west-1.amazonaws.com"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("http://kms.example.org", "http://kms.example.org"),
        ];
        for (kms, sts) in cases {
            assert_eq!(endpoint(kms, &region), sts);
        }
    }

    #[test]
    fn the_arn_is_found_and_a_refusal_is_told() {
        let xml = "<R><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/a</Arn></GetCallerIdentityResult></R>";
        assert_eq!(element(xml, "Arn"), Some("arn:aws:iam::1:user/a"));
        let refusal = refused("http://x", "<E><Code>InvalidClientTokenId</Code><Message>no</Message></E>");
        assert_eq!(refusal, KmsError::Other("InvalidClientTokenId".into(), "STS at http://x: no".into()));
    }
}
