//! What happened, declared once. Audit trail, ledger, whiteboard, metrics and tests are readers of the same stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::CallContext;
use crate::id::{AccountId, Region};
use crate::policy::explain::Explanation;
use crate::time::Timestamp;

/// Position in the stream. An API call takes its ordinal when it **starts**, so that a call precedes the
/// calls it causes; events are emitted when they are complete, so ordinals may arrive slightly out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ordinal(pub u64);

/// One event of the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Event {
    /// An API call ended, well or badly.
    Api(Box<ApiCall>),
    /// Something a service did by itself (RotateKey, DeleteKey, …).
    Service(Box<ServiceEvent>),
    /// A key came to be in a place.
    KeyPlaced(KeyPlaced),
    /// A key is no longer in a place.
    KeyDropped(KeyDropped),
}

impl Event {
    /// Its place in the stream.
    pub fn ordinal(&self) -> Ordinal {
        match self {
            Self::Api(call) => call.ordinal,
            Self::Service(event) => event.ordinal,
            Self::KeyPlaced(event) => event.ordinal,
            Self::KeyDropped(event) => event.ordinal,
        }
    }
}

/// An API call, with all that a CloudTrail record needs and the decision that let it pass or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiCall {
    /// Taken when the call started.
    pub ordinal: Ordinal,
    /// A UUID; names the record in the trail and the decision in `/_sim/why`.
    pub event_id: String,
    /// Start of the call on the simulated clock.
    pub time: Timestamp,
    /// `kms.amazonaws.com`, `ec2.amazonaws.com`, …
    pub source: String,
    /// AWS's name of the operation.
    pub name: String,
    /// Who asked, through whom.
    pub context: CallContext,
    /// CloudTrail's `readOnly`.
    pub read_only: bool,
    /// Management events appear in LookupEvents; data events (S3 objects) do not.
    pub management: bool,
    /// What was asked, without secrets; `None` prints as null.
    pub request_parameters: Option<Value>,
    /// What was answered, for calls that change something.
    pub response_elements: Option<Value>,
    /// CloudTrail's `additionalEventData`.
    pub additional_event_data: Option<Value>,
    /// What the call touched.
    pub resources: Vec<Resource>,
    /// How it failed.
    pub error: Option<CallError>,
    /// Shared by the records of one call in several accounts or services.
    pub shared_event_id: Option<String>,
    /// Why it was allowed or refused; `None` where no policy was asked.
    pub decision: Option<Arc<Explanation>>,
}

/// A resource that a call touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Owner.
    pub account: AccountId,
    /// `AWS::KMS::Key`, `AWS::S3::Object`, …
    pub kind: String,
    /// ARN (or bare id where AWS logs that).
    pub arn: String,
}

/// An error as CloudTrail prints it: EC2's codes carry `Client.` there, KMS's denials lose their `Exception`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// `errorCode`
    pub code: String,
    /// `errorMessage`
    pub message: String,
}

/// An `AwsServiceEvent`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEvent {
    /// Taken when it happened.
    pub ordinal: Ordinal,
    /// A UUID.
    pub event_id: String,
    /// On the simulated clock.
    pub time: Timestamp,
    /// `kms.amazonaws.com`, …
    pub source: String,
    /// `RotateKey`, `DeleteKey`, …
    pub name: String,
    /// Owner of the resource.
    pub account: AccountId,
    /// Region of the resource.
    pub region: Region,
    /// What it touched.
    pub resources: Vec<Resource>,
    /// `serviceEventDetails`
    pub details: Value,
}

/// A place where a key can be. The words are those of scenario files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Inside the simulated HSM's boundary.
    #[serde(rename = "hsm")]
    Hsm,
    /// KMS's own table of wrapped backing keys.
    #[serde(rename = "kms.store")]
    KmsStore,
    /// A volume's or snapshot's metadata.
    #[serde(rename = "ebs.metadata")]
    EbsMetadata,
    /// Locked memory of the simulated EC2 host.
    #[serde(rename = "hypervisor.memory")]
    HypervisorMemory,
    /// An object's metadata row.
    #[serde(rename = "s3.metadata")]
    S3Metadata,
    /// Memory of the S3 front end while an object is sealed or opened.
    #[serde(rename = "s3.memory")]
    S3Memory,
    /// Handed to the caller over the wire: outside the simulator's sight.
    #[serde(rename = "caller")]
    Caller,
    /// A data file.
    #[serde(rename = "disk")]
    Disk,
}

/// In which form a key is in a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// Usable bytes.
    Plaintext,
    /// Encrypted; `by` names the wrapping key (a KMS key ARN, or `hsm root`).
    Wrapped {
        /// Name of the wrapping key.
        by: String,
    },
}

/// A key came to be in a place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPlaced {
    /// Order among the other events.
    pub ordinal: Ordinal,
    /// On the simulated clock.
    pub time: Timestamp,
    /// Which key: `kms/<key id>`, `volume/<volume id>`, `object/<bucket>/<key>`, `data-key/<12 hex digits>`.
    pub subject: String,
    /// Where.
    pub place: Place,
    /// How.
    pub form: Form,
}

/// A key is no longer in a place (wiped, deleted, or handed on).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDropped {
    /// Order among the other events.
    pub ordinal: Ordinal,
    /// On the simulated clock.
    pub time: Timestamp,
    /// Which key.
    pub subject: String,
    /// Where it was.
    pub place: Place,
}

/// Where events go. `emit` costs the caller no I/O: it hands the event to a bounded queue and, when that is
/// full, waits for room. Nothing is dropped, and one thread's events keep their order.
pub trait Sink: Send + Sync {
    /// Takes the next ordinal.
    fn next_ordinal(&self) -> Ordinal;
    /// Hands an event on.
    fn emit(&self, event: Event);
}

/// A sink that remembers everything: for tests.
#[derive(Debug, Default)]
pub struct MemorySink {
    next: std::sync::atomic::AtomicU64,
    events: std::sync::Mutex<Vec<Event>>,
}

impl MemorySink {
    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().expect("no holder of the event list panics").clone()
    }
}

impl Sink for MemorySink {
    fn next_ordinal(&self) -> Ordinal {
        Ordinal(self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    fn emit(&self, event: Event) {
        self.events.lock().expect("no holder of the event list panics").push(event);
    }
}
