//! What must be true after a step, plane by plane. An absent plane is not looked at.

use std::collections::BTreeMap;
use std::fmt;

use aws_core::event::Place;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::matcher::Matcher;

/// Expectations over the planes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Exit status; 0 when absent, anything but 0 when `error` is given.
    pub exit: Option<Matcher>,
    /// What the command printed.
    pub stdout: Option<Matcher>,
    /// What it complained.
    pub stderr: Option<Matcher>,
    /// JMESPath over the printed JSON → what must be there.
    pub result: BTreeMap<String, Matcher>,
    /// The service's refusal, as the aws-cli words it.
    pub error: Option<ErrorExpect>,
    /// The calls that the step caused, exactly and in order.
    pub trail: Option<TrailExpect>,
    /// Where keys are: subject (`volume/$VOL`, `kms/$KEY`, `object/<bucket>/<key>`) → place → form.
    pub keys: BTreeMap<String, BTreeMap<PlaceWord, Whereabouts>>,
    /// Grants over all keys of the account.
    pub grants: Option<GrantsExpect>,
    /// The bytes at rest: subject (`volume/$VOL`, `object/<bucket>/<key>`) → what they look like.
    pub disk: BTreeMap<String, DiskExpect>,
    /// The decision behind the last call.
    pub why: Option<WhyExpect>,
    /// What the step cost.
    pub cost: Option<CostExpect>,
}

/// A refusal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorExpect {
    /// AWS's code.
    pub code: Option<Matcher>,
    /// AWS's sentence.
    pub message: Option<Matcher>,
}

/// The calls of a step: all of them, or those to some services.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum TrailExpect {
    /// Every call, in order.
    All(Vec<CallExpect>),
    /// Only the calls to some services count.
    Of(TrailOf),
}

/// By hand, since an untagged enum would forget which member of which call was wrong.
impl<'de> Deserialize<'de> for TrailExpect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrMap;

        impl<'de> Visitor<'de> for ListOrMap {
            type Value = TrailExpect;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of calls, or `of` and `calls`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<TrailExpect, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(TrailExpect::All)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrailExpect, A::Error> {
                TrailOf::deserialize(MapAccessDeserializer::new(map)).map(TrailExpect::Of)
            }
        }

        deserializer.deserialize_any(ListOrMap)
    }
}

/// The calls to some services.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrailOf {
    /// Services in CloudTrail's spelling without `.amazonaws.com`: `kms`, `ec2`, `s3`, …
    pub of: Vec<String>,
    /// Their calls, in order.
    pub calls: Vec<CallExpect>,
}

/// One call of the trail.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct CallExpect {
    /// AWS's name of the operation.
    pub event: String,
    /// User name, role session or ARN of the caller.
    pub by: Option<Matcher>,
    /// The service that called on the caller's behalf.
    pub invoked_by: Option<Matcher>,
    /// How it failed; absent means that it must have succeeded.
    pub error_code: Option<Matcher>,
    /// Dotted paths into `requestParameters` → what must be there.
    pub request: BTreeMap<String, Matcher>,
}

impl TryFrom<BTreeMap<String, Value>> for CallExpect {
    type Error = String;

    fn try_from(members: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut call =
            Self { event: String::new(), by: None, invoked_by: None, error_code: None, request: BTreeMap::new() };
        for (name, value) in members {
            call.take(&name, value)?;
        }
        if call.event.is_empty() {
            return Err("a call of the trail needs `event`, the name of the operation".into());
        }
        Ok(call)
    }
}

impl CallExpect {
    fn take(&mut self, name: &str, value: Value) -> Result<(), String> {
        match (name, value) {
            ("event", Value::String(event)) => self.event = event,
            ("event", other) => return Err(format!("`event` is the name of an operation, not {other}")),
            ("by", value) => self.by = Some(Matcher::try_from(value)?),
            ("invokedBy", value) => self.invoked_by = Some(Matcher::try_from(value)?),
            ("errorCode", value) => self.error_code = Some(Matcher::try_from(value)?),
            ("request", Value::Object(paths)) => {
                for (path, value) in paths {
                    self.request.insert(path, Matcher::try_from(value)?);
                }
            }
            (other, value) => match other.strip_prefix("request.") {
                Some(path) if !path.is_empty() => {
                    self.request.insert(path.to_owned(), Matcher::try_from(value)?);
                }
                _ => return Err(unknown_call_member(other)),
            },
        }
        Ok(())
    }
}

fn unknown_call_member(name: &str) -> String {
    format!(
        "unknown field `{name}` in a call of the trail, expected `event`, `by`, `invokedBy`, `errorCode`, `request` or `request.<path>`"
    )
}

impl JsonSchema for CallExpect {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CallExpect".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Matcher>();
        json_schema!({
            "description": "One call of the trail.",
            "type": "object",
            "required": ["event"],
            "additionalProperties": false,
            "properties": {
                "event": {"type": "string", "description": "AWS's name of the operation."},
                "by": matcher,
                "invokedBy": matcher,
                "errorCode": matcher,
                "request": {"type": "object", "additionalProperties": matcher},
            },
            "patternProperties": {"^request\\..+$": matcher},
        })
    }
}

/// A place where a key can be, or every place that is not named beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum PlaceWord {
    /// A place of the ledger.
    At(Place),
    /// All places that the same list does not name.
    Elsewhere,
}

/// The places in the ledger's own words.
pub const PLACES: [(Place, &str); 8] = [
    (Place::Hsm, "hsm"),
    (Place::KmsStore, "kms.store"),
    (Place::EbsMetadata, "ebs.metadata"),
    (Place::HypervisorMemory, "hypervisor.memory"),
    (Place::S3Metadata, "s3.metadata"),
    (Place::S3Memory, "s3.memory"),
    (Place::Caller, "caller"),
    (Place::Disk, "disk"),
];

impl PlaceWord {
    /// The word in a scenario file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::At(place) => place_word(place),
        }
    }
}

/// The word of a place.
pub fn place_word(place: Place) -> &'static str {
    PLACES.iter().find(|(candidate, _)| *candidate == place).map_or("?", |(_, word)| word)
}

impl TryFrom<String> for PlaceWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        if word == "elsewhere" {
            return Ok(Self::Elsewhere);
        }
        let found = PLACES.iter().find(|(_, known)| *known == word);
        found.map(|(place, _)| Self::At(*place)).ok_or_else(|| {
            let known: Vec<&str> = PLACES.iter().map(|(_, known)| *known).collect();
            format!("`{word}` is no place where a key can be, expected one of {}, elsewhere", known.join(", "))
        })
    }
}

impl JsonSchema for PlaceWord {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PlaceWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = PLACES.iter().map(|(_, word)| *word).chain(["elsewhere"]).collect();
        json_schema!({"type": "string", "enum": words})
    }
}

/// In which form a key must be in a place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Whereabouts {
    /// Not there.
    Absent,
    /// There, as usable bytes.
    Plaintext,
    /// There, encrypted; under whichever key when `None`.
    Wrapped(Option<String>),
}

impl TryFrom<String> for Whereabouts {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.trim() {
            "absent" => Ok(Self::Absent),
            "plaintext" => Ok(Self::Plaintext),
            "wrapped" => Ok(Self::Wrapped(None)),
            other => match other.strip_prefix("wrapped by ") {
                Some(key) if !key.trim().is_empty() => Ok(Self::Wrapped(Some(key.trim().into()))),
                _ => Err(format!(
                    "`{other}` is no form of a key, expected absent, plaintext, wrapped or wrapped by <key>"
                )),
            },
        }
    }
}

impl JsonSchema for Whereabouts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Whereabouts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(absent|plaintext|wrapped|wrapped by .+)$"})
    }
}

/// Grants over all keys of the account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantsExpect {
    /// How many.
    pub count: Matcher,
}

/// The bytes at rest.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiskExpect {
    /// A text that must be found.
    pub contains: Option<String>,
    /// A text that must not be found.
    pub not_contains: Option<String>,
    /// Shannon entropy of the sectors in use, in bits per byte (0 to 8).
    pub entropy: Option<Matcher>,
    /// Bytes to show the class.
    pub show: Option<Show>,
}

/// Which bytes to show.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A file of the mounted volume: its place on the disk is shown. Without it, the first bytes that are not zero.
    pub find_file: Option<String>,
    /// How many bytes.
    #[serde(default = "default_show_bytes")]
    pub bytes: usize,
}

fn default_show_bytes() -> usize {
    64
}

/// The decision behind a call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhyExpect {
    /// `allowed` or `refused`.
    pub decision: Option<Matcher>,
    /// Which layer decided.
    pub because: Option<Matcher>,
    /// The statement that decided.
    pub statement: Option<Matcher>,
    /// The key's state, when that decided.
    pub state: Option<Matcher>,
    /// The remedy.
    pub fix: Option<Matcher>,
}

/// What a step cost.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CostExpect {
    /// Requests that KMS would bill.
    pub kms_requests: Option<Matcher>,
    /// US dollars.
    pub usd: Option<Matcher>,
}
