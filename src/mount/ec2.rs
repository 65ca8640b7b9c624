//! The few EC2 calls that `mount` makes, signed with the credentials in the environment.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::credentials;
use crate::exit::{UNREACHABLE, coded};
use crate::flags::Endpoint;

/// Device names that EC2 recommends for data volumes.
const DEVICES: std::ops::RangeInclusive<char> = 'f'..='p';

/// A client of the EC2 Query API.
pub(super) struct Ec2 {
    endpoint: String,
    region: String,
    credentials: Credentials,
    client: reqwest::Client,
}

impl Ec2 {
    /// Credentials and region as aws-cli reads them from the environment; without any, the root of the default account.
    pub fn from_environment(endpoint: &Endpoint) -> anyhow::Result<Self> {
        let (credentials, region) = credentials::from_environment().unwrap_or_else(credentials::of_default_root);
        Ok(Self {
            endpoint: endpoint.endpoint.trim_end_matches('/').to_owned(),
            region,
            credentials,
            client: reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?,
        })
    }

    /// The availability zone of a volume.
    pub async fn zone_of(&self, volume: &str) -> anyhow::Result<String> {
        let answer = self.call("DescribeVolumes", &[("VolumeId.1", volume)]).await?;
        element(&answer, "availabilityZone").with_context(|| format!("{volume} has no availability zone"))
    }

    /// A running instance in a zone.
    pub async fn running_instance(&self, zone: &str) -> anyhow::Result<Option<String>> {
        let filters = [
            ("Filter.1.Name", "availability-zone"),
            ("Filter.1.Value.1", zone),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "running"),
        ];
        Ok(element(&self.call("DescribeInstances", &filters).await?, "instanceId"))
    }

    /// Starts an instance in a zone.
    pub async fn run_instance(&self, zone: &str) -> anyhow::Result<String> {
        let parameters = [
            ("ImageId", "ami-00000000000000001"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("Placement.AvailabilityZone", zone),
        ];
        element(&self.call("RunInstances", &parameters).await?, "instanceId").context("RunInstances names no instance")
    }

    /// Attaches under the first device name that is free.
    pub async fn attach(&self, volume: &str, instance: &str) -> anyhow::Result<()> {
        for letter in DEVICES {
            let device = format!("/dev/sd{letter}");
            let parameters = [("VolumeId", volume), ("InstanceId", instance), ("Device", device.as_str())];
            match self.call("AttachVolume", &parameters).await {
                Ok(_) => return Ok(()),
                Err(error) if error.to_string().contains("already in use") => {}
                Err(error) => return Err(error),
            }
        }
        bail!("{instance} has no free device name between /dev/sdf and /dev/sdp")
    }

    /// Detaches a volume.
    pub async fn detach(&self, volume: &str) -> anyhow::Result<()> {
        self.call("DetachVolume", &[("VolumeId", volume)]).await.map(drop)
    }

    /// Terminates an instance.
    pub async fn terminate(&self, instance: &str) -> anyhow::Result<()> {
        self.call("TerminateInstances", &[("InstanceId.1", instance)]).await.map(drop)
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> anyhow::Result<String> {
        let body = form(action, parameters);
        let mut request = http::Request::builder()
            .method("POST")
            .uri(format!("{}/", self.endpoint))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(body)?;
        self.sign(&mut request)?;
        let answer = self.client.execute(request.try_into()?).await.map_err(|error| {
            coded(UNREACHABLE, format!("{} is unreachable: {error}.\nStart a server with `sse-sim up`.", self.endpoint))
        })?;
        let refused = !answer.status().is_success();
        let text = answer.text().await?;
        if refused {
            let part = |name| element(&text, name).unwrap_or_default();
            bail!("{}: {}", part("Code"), part("Message"));
        }
        Ok(text)
    }

    fn sign(&self, request: &mut http::Request<String>) -> anyhow::Result<()> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ec2")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?;
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let body = SignableBody::Bytes(request.body().as_bytes());
        let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body)?;
        let (instructions, _signature) = sign(signable, &parameters.into())?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

fn form(action: &str, parameters: &[(&str, &str)]) -> String {
    let fixed = [("Action", action), ("Version", "2016-11-15")];
    let pairs = fixed.iter().chain(parameters);
    pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Text of the first element of that name. The ids and zones looked for hold no escapes.
fn element(xml: &str, name: &str) -> Option<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = xml.find(&open)? + open.len();
    let length = xml[start..].find(&close)?;
    Some(xml[start..start + length].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_escaped_and_elements_found() {
        assert_eq!(form("A", &[("D", "/dev/sdf")]), "Action=A&Version=2016-11-15&D=%2Fdev%2Fsdf");
        assert_eq!(element("<a><id>x</id><id>y</id></a>", "id").as_deref(), Some("x"));
        assert_eq!(element("<a><id>x", "id"), None);
    }
}
