//! Form parameters of the Query protocols (IAM, STS, EC2), and how they are decoded.
//!
//! A request is one flat form; its nesting is spelled in the names:
//!
//! ```text
//! Action=CreateVolume&Version=2016-11-15&Size=1                      get("Size")
//! &VolumeId.1=vol-a&VolumeId.2=vol-b                                 list("VolumeId")        EC2 lists
//! &TagKeys.member.1=team                                             list("TagKeys")         IAM and STS lists
//! &Filter.1.Name=state&Filter.1.Value.1=available                    members("Filter")[0].list("Value")
//! &Placement.AvailabilityZone=us-east-1a                             under("Placement").get("AvailabilityZone")
//! ```
//!
//! Deliberately absent: types. A service parses the text and words its own complaint.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::fault::ApiFault;
use percent_encoding::percent_decode;

use crate::service::{Dialect, QueryService};

/// The decoded form: names and values in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(pub(crate) Vec<(String, String)>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` bytes (also the query of a GET). Bytes that are no UTF-8 become U+FFFD.
    pub fn parse(form: &[u8]) -> Self {
        let pairs = form.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
        Self(pairs.map(decode_pair).collect())
    }

    /// The value of exactly this name; the first one when it is repeated.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter without which the call makes no sense; AWS's `MissingParameter` when absent or empty.
    pub fn require(&self, name: &str) -> Result<&str, ApiFault> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            ApiFault::client("MissingParameter", format!("The request must contain the parameter {name}"))
        })
    }

    /// The values of `Prefix.1`, `Prefix.2`, … (or `Prefix.member.1`, …), in the order of their numbers.
    pub fn list(&self, prefix: &str) -> Vec<&str> {
        let mut found = BTreeMap::new();
        for (name, value) in &self.0 {
            if let Some((index, "")) = indexed(name, prefix) {
                found.entry(index).or_insert(value.as_str());
            }
        }
        found.into_values().collect()
    }

    /// The structures `Prefix.1.Key`, `Prefix.2.Key`, … (or `Prefix.member.1.Key`, …), each as a form of its own
    /// without the prefix, in the order of their numbers.
    pub fn members(&self, prefix: &str) -> Vec<Self> {
        let mut found: BTreeMap<u32, Self> = BTreeMap::new();
        for (name, value) in &self.0 {
            if let Some((index, key)) = indexed(name, prefix).filter(|(_, key)| !key.is_empty()) {
                found.entry(index).or_default().0.push((key.into(), value.clone()));
            }
        }
        found.into_values().collect()
    }

    /// The structure `Prefix.Key`, as a form of its own without the prefix.
    pub fn under(&self, prefix: &str) -> Self {
        let below = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
        Self(self.0.iter().filter_map(|(name, value)| Some((below(name)?, value.clone()))).collect())
    }

    /// Whether anything is said of `prefix`: itself, or a member of it.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        self.0.iter().filter_map(|(name, _)| name.strip_prefix(prefix)).any(|r| r.is_empty() || r.starts_with('.'))
    }

    /// All pairs, in the order they came: what the trail shows as request parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

/// The fault for an action that a service does not have.
pub fn invalid_action(action: &str) -> ApiFault {
    ApiFault::client("InvalidAction", format!("The action {action} is not valid for this web service."))
}

/// The fault for a form without an action.
pub fn missing_action() -> ApiFault {
    ApiFault::client("MissingAction", "The request must contain the parameter Action")
}

/// Which service an unsigned form means: the one whose namespace names the form's `Version`, or whose action is known.
pub fn service_of(params: &Params, services: &[Arc<dyn QueryService>]) -> Option<Arc<dyn QueryService>> {
    let by_version = params.get("Version").and_then(|version| {
        services.iter().find(|service| match service.dialect() {
            Dialect::Query { xmlns } | Dialect::Ec2 { xmlns } => xmlns.contains(&format!("/{version}")),
        })
    });
    let sts = || {
        services.iter().find(|service| service.scope() == "sts" && STS.contains(&params.get("Action").unwrap_or("")))
    };
    by_version.or_else(sts).cloned()
}

/// STS's actions, the ones people type without a version.
const STS: &[&str] =
    &["AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo", "DecodeAuthorizationMessage"];

/// `Filter.2.Name` under `Filter` is number 2 and `Name`; `Filter.2` is number 2 and nothing.
fn indexed<'a>(name: &'a str, prefix: &str) -> Option<(u32, &'a str)> {
    let rest = name.strip_prefix(prefix)?.strip_prefix('.')?;
    let rest = rest.strip_prefix("member.").unwrap_or(rest);
    let (index, key) = rest.split_once('.').unwrap_or((rest, ""));
    Some((index.parse().ok()?, key))
}

fn decode_pair(pair: &[u8]) -> (String, String) {
    let cut = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
    (decode(&pair[..cut]), decode(pair.get(cut + 1..).unwrap_or_default()))
}

fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_list_read_alike() {
        let ec2 = Params::parse(b"VolumeId.2=b&VolumeId.1=a&VolumeId.10=c&VolumeIds.1=x");
        let iam = Params::parse(b"VolumeId.member.1=a&VolumeId.member.2=b&VolumeId.member.10=c");
        assert_eq!(ec2.list("VolumeId"), ["a", "b", "c"]);
        assert_eq!(iam.list("VolumeId"), ["a", "b", "c"]);
    }

    #[test]
    fn a_list_of_structures_comes_apart() {
        let form = b"Filter.1.Name=state&Filter.1.Value.1=in-use&Filter.1.Value.2=available&Filter.2.Name=x+y%2Bz";
        let filters = Params::parse(form).members("Filter");
        assert_eq!(filters.len(), 2);
        assert_eq!((filters[0].get("Name"), filters[0].list("Value")), (Some("state"), vec!["in-use", "available"]));
        assert_eq!(filters[1].get("Name"), Some("x y+z"));
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let form = Params::parse(b"Action=CreateVolume&Size=&Placement.Tenancy=default");
        assert_eq!(form.require("Size").unwrap_err().message.unwrap(), "The request must contain the parameter Size");
        assert_eq!(form.under("Placement").get("Tenancy"), Some("default"));
        assert!(form.has_prefix("Placement") && !form.has_prefix("Place"));
    }

    #[test]
    fn broken_escapes_and_bytes_are_taken_as_they_are() {
        let form = Params::parse(b"&&=&a&b=%zz%&c=%ff&%41=1");
        assert_eq!(form.get("b"), Some("%zz%"));
        assert_eq!((form.get("a"), form.get("A")), (Some(""), Some("1")));
        assert_eq!(form.get("c"), Some("\u{fffd}"));
    }
}
