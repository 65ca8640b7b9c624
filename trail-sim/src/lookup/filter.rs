//! The eight attributes by which events are looked up. AWS compares exactly, case included.

use aws_core::fault::ApiFault;

use super::LookupAttribute;
use crate::card::Card;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Every event.
    All,
    /// `eventID`
    EventId(String),
    /// `eventName`
    EventName(String),
    /// `readOnly`
    ReadOnly(bool),
    /// User name, role session name, or `root`.
    Username(String),
    /// `AWS::KMS::Key`, …
    ResourceType(String),
    /// ARN or id.
    ResourceName(String),
    /// `kms.amazonaws.com`, …
    EventSource(String),
    /// `AKIA…`, `ASIA…`
    AccessKeyId(String),
}

impl Filter {
    /// Reads one attribute.
    pub fn parse(attribute: &LookupAttribute) -> Result<Self, ApiFault> {
        let value = attribute.attribute_value.clone();
        if value.is_empty() || weight(&value) > 2000 {
            return Err(invalid("Lookup attribute value is not valid."));
        }
        match attribute.attribute_key.as_str() {
            "EventId" => Ok(Self::EventId(value)),
            "EventName" => Ok(Self::EventName(value)),
            "ReadOnly" => read_only(&value),
            "Username" => Ok(Self::Username(value)),
            "ResourceType" => Ok(Self::ResourceType(value)),
            "ResourceName" => Ok(Self::ResourceName(value)),
            "EventSource" => Ok(Self::EventSource(value)),
            "AccessKeyId" => Ok(Self::AccessKeyId(value)),
            _ => Err(invalid("Lookup attribute key is not valid.")),
        }
    }

    /// Whether a card is looked for.
    pub fn matches(&self, card: &Card) -> bool {
        match self {
            Self::All => true,
            Self::EventId(id) => card.id == *id,
            Self::EventName(name) => card.name == *name,
            Self::ReadOnly(read_only) => card.read_only == *read_only,
            Self::Username(name) => card.username.as_ref() == Some(name),
            Self::ResourceType(kind) => card.resources.iter().any(|(k, _)| k == kind),
            Self::ResourceName(name) => card.resources.iter().any(|(_, n)| n == name),
            Self::EventSource(source) => card.source == *source,
            Self::AccessKeyId(id) => card.access_key_id.as_ref() == Some(id),
        }
    }
}

fn read_only(value: &str) -> Result<Filter, ApiFault> {
    match value {
        "true" => Ok(Filter::ReadOnly(true)),
        "false" => Ok(Filter::ReadOnly(false)),
        _ => Err(invalid("Lookup attribute value is not valid.")),
    }
}

/// AWS counts these characters twice towards its limit of 2,000.
fn weight(value: &str) -> usize {
    value.chars().map(|c| if matches!(c, '_' | ' ' | ',' | '\n') { 2 } else { 1 }).sum()
}

fn invalid(text: &str) -> ApiFault {
    ApiFault::client("InvalidLookupAttributesException", text)
}
