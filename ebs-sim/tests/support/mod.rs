//! A laboratory: EBS on a small KMS in memory, with everything it does in view.
#![allow(dead_code, reason = "each test file uses its own part of the laboratory")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::event::{Event, MemorySink};
use aws_core::id::{AccountId, Region};
use aws_core::identity::{Identities, NoIdentities};
use aws_core::ledger::Ledger;
use aws_core::principal::Principal;
use aws_core::time::ManualClock;
use aws_wire::query::Params;
use aws_wire::service::QueryService;
use ebs_sim::{CipherChoice, EbsConfig, EbsSim, FuseMode};
use envelope::entropy::SeededEntropy;
use kms_api::client::Kms;
use kms_api::custody::Custody;
use kms_api::double::DoubleKms;
use kms_api::error::KmsError;
use kms_api::shapes::{
    CreateGrantRequest, CreateGrantResponse, DecryptRequest, DecryptResponse, DescribeKeyRequest,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextResponse, KeyMetadata,
    ReEncryptRequest, ReEncryptResponse, RetireGrantRequest,
};
use kms_api::world::World;
use store::{Store, Table};
use tempfile::TempDir;

/// A snapshot's row.
#[derive(serde::Serialize, serde::Deserialize)]
struct SnapshotRow {
    account: AccountId,
    region: Region,
    volume_id: String,
    size_gib: u32,
    started_at: String,
    state: serde_json::Value,
    key: Option<KeyRow>,
    lineage: String,
    description: String,
    tags: std::collections::BTreeMap<String, String>,
}

/// A wrapped key in a row.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeyRow {
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
    kms_key_arn: String,
}

/// The laboratory. Its state folder goes with it.
pub struct Lab {
    pub sim: Arc<EbsSim>,
    pub kms: Arc<DoubleKms>,
    pub key: String,
    pub sink: Arc<MemorySink>,
    pub clock: Arc<ManualClock>,
    pub caller: Principal,
    pub folder: TempDir,
    /// While it is set, Decrypt does not get through to KMS.
    pub decrypt_fails: Arc<AtomicBool>,
    store: Store,
    fuse: FuseMode,
    seed: u64,
}

impl Lab {
    /// Without device files.
    pub fn new() -> Self {
        Self::with(FuseMode::Off, Arc::new(NoIdentities))
    }

    /// With device files where there is FUSE.
    pub fn with_fuse() -> Self {
        Self::with(FuseMode::Auto, Arc::new(NoIdentities))
    }

    pub fn with(fuse: FuseMode, identities: Arc<dyn Identities>) -> Self {
        let account = AccountId::default_account();
        let kms = Arc::new(DoubleKms::new(account.clone(), Region::default_region()));
        let key = kms.create_key();
        let sink = Arc::new(MemorySink::default());
        let clock = Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_memory();
        let world = world(&sink, &clock, identities, 1);
        let decrypt_fails = Arc::new(AtomicBool::new(false));
        let door = Arc::new(Door { kms: kms.clone(), decrypt_fails: decrypt_fails.clone() });
        let sim = EbsSim::open(store.clone(), world, door, config(folder.path(), fuse)).unwrap();
        let caller = Principal::Root { account };
        Self { sim, kms, key, sink, clock, caller, folder, decrypt_fails, store, fuse, seed: 1 }
    }

    /// The process ends, one way or the other, and another begins on the same state.
    pub async fn restart(&mut self) {
        self.sim.shutdown().await;
        self.begin_again().await;
    }

    /// A new process on the same state; the old one's end is the caller's affair.
    pub async fn begin_again(&mut self) {
        self.seed += 1;
        self.sink = Arc::default();
        let world = world(&self.sink, &self.clock, Arc::new(NoIdentities), self.seed);
        let config = config(self.folder.path(), self.fuse);
        let door = Arc::new(Door { kms: self.kms.clone(), decrypt_fails: self.decrypt_fails.clone() });
        self.sim = EbsSim::open(self.store.clone(), world, door, config).unwrap();
        self.sim.resume().await;
    }

    /// `Action&Name=value&…` → the XML inside the answer, or `Code: message`.
    pub async fn ask(&self, form: &str) -> Result<String, String> {
        let (action, form) = form.split_once('&').unwrap_or((form, ""));
        let form = form.replace("$KEY", &self.key);
        let ctx = CallContext::local(self.caller.clone(), Region::default_region(), "request");
        let answer = self.sim.call(&ctx, action, &Params::parse(form.as_bytes())).await;
        answer.map_err(|fault| format!("{}: {}", fault.code, fault.message.unwrap_or_default()))
    }

    /// As [`Self::ask`], where no refusal is expected.
    pub async fn do_(&self, form: &str) -> String {
        self.ask(form).await.unwrap_or_else(|fault| panic!("{form}: {fault}"))
    }

    /// A volume's wrapped key, as its row keeps it.
    pub fn wrapped_key(&self, volume: &str) -> Vec<u8> {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Row {
            key: Key,
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Key {
            #[serde(with = "serde_bytes")]
            blob: Vec<u8>,
        }
        let table: Table<Row> = Table::new("ebs.volumes");
        self.store.get(&table, volume).unwrap().unwrap().key.blob
    }

    /// A snapshot's row, as a process leaves it that dies before the last commit of an upload.
    pub fn unfinish(&self, snapshot: &str) {
        self.set_pending(snapshot, true);
    }

    /// The same, of a process that dies before the flush.
    pub fn unfinish_unsettled(&self, snapshot: &str) {
        self.set_pending(snapshot, false);
    }

    fn set_pending(&self, snapshot: &str, settled: bool) {
        let rows: Table<SnapshotRow> = Table::new("ebs.snapshots");
        let maps: Table<()> = Table::new("ebs.chunks");
        let mut row = self.store.get(&rows, snapshot).unwrap().unwrap();
        row.state = serde_json::json!({ "pending": { "settled": settled } });
        let (id, map) = (snapshot.to_owned(), format!("{snapshot}/000000000000"));
        let written: Result<(), store::StoreError> = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                self.store.write_blocking(move |txn| {
                    txn.delete(&maps, &map)?;
                    txn.put(&rows, &id, &row)
                })
            });
            writing.join().unwrap()
        });
        written.unwrap();
    }

    /// A chunk that was never kept.
    pub fn lose_chunk(&self, file: &str) {
        let shelf = store::blobs::BlobStore::open(&self.folder.path().join("state/chunks")).unwrap();
        shelf.delete(file).unwrap();
    }

    /// A running instance.
    pub async fn instance(&self) -> String {
        field(&self.do_("RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1").await, "instanceId")
    }

    /// A new volume of one GiB, encrypted under the laboratory's key.
    pub async fn encrypted_volume(&self) -> String {
        let form = "CreateVolume&Size=1&AvailabilityZone=us-east-1a&Encrypted=true&KmsKeyId=$KEY";
        field(&self.do_(form).await, "volumeId")
    }

    /// The EC2 calls so far, each with its error: `AttachVolume Client.CustomerKeyHasBeenRevoked`.
    pub fn trail(&self) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::Api(call) => {
                let error = call.error.as_ref().map_or(String::new(), |error| format!(" {}", error.code));
                Some(format!("{}{error}", call.name))
            }
            Event::Service(_) | Event::KeyPlaced(_) | Event::KeyDropped(_) => None,
        };
        self.sink.events().iter().filter_map(line).collect()
    }

    /// Where a volume's key is: `EbsMetadata wrapped, HypervisorMemory plaintext`.
    pub fn places(&self, volume: &str) -> String {
        self.places_of(&format!("volume/{volume}"))
    }

    /// Where a key is, by the ledger's name of it.
    pub fn places_of(&self, subject: &str) -> String {
        let mut ledger = Ledger::default();
        self.sink.events().iter().for_each(|event| ledger.apply(event));
        let places = ledger.subjects().get(subject).cloned().unwrap_or_default();
        let form = |form: &aws_core::event::Form| match form {
            aws_core::event::Form::Plaintext => "plaintext",
            aws_core::event::Form::Wrapped { .. } => "wrapped",
        };
        places.iter().map(|(place, at)| format!("{place:?} {}", form(&at.form))).collect::<Vec<_>>().join(", ")
    }
}

/// The way to KMS, with a switch for Decrypt.
struct Door {
    kms: Arc<DoubleKms>,
    decrypt_fails: Arc<AtomicBool>,
}

#[async_trait]
impl Kms for Door {
    async fn describe_key(&self, ctx: &CallContext, request: DescribeKeyRequest) -> Result<KeyMetadata, KmsError> {
        self.kms.describe_key(ctx, request).await
    }

    async fn generate_data_key(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
        into: Custody,
    ) -> Result<GenerateDataKeyResponse, KmsError> {
        self.kms.generate_data_key(ctx, request, into).await
    }

    async fn generate_data_key_without_plaintext(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
        self.kms.generate_data_key_without_plaintext(ctx, request).await
    }

    async fn decrypt(
        &self,
        ctx: &CallContext,
        request: DecryptRequest,
        into: Custody,
    ) -> Result<DecryptResponse, KmsError> {
        if self.decrypt_fails.load(Ordering::Relaxed) {
            return Err(KmsError::KmsInternal("the line is dead".into()));
        }
        self.kms.decrypt(ctx, request, into).await
    }

    async fn re_encrypt(&self, ctx: &CallContext, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError> {
        self.kms.re_encrypt(ctx, request).await
    }

    async fn create_grant(
        &self,
        ctx: &CallContext,
        request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError> {
        self.kms.create_grant(ctx, request).await
    }

    async fn retire_grant(&self, ctx: &CallContext, request: RetireGrantRequest) -> Result<(), KmsError> {
        self.kms.retire_grant(ctx, request).await
    }
}

fn world(sink: &Arc<MemorySink>, clock: &Arc<ManualClock>, identities: Arc<dyn Identities>, seed: u64) -> World {
    World { identities, sink: sink.clone(), clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) }
}

fn config(folder: &Path, fuse: FuseMode) -> EbsConfig {
    EbsConfig { state_dir: folder.join("state"), mount_point: mount_point(folder), fuse, cipher: CipherChoice::Batched }
}

pub fn mount_point(folder: &Path) -> PathBuf {
    folder.join("mnt")
}

/// The text of the first element of this name.
pub fn field(xml: &str, name: &str) -> String {
    let start = xml.find(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    let text = &xml[start + name.len() + 2..];
    text[..text.find('<').unwrap()].to_owned()
}

/// Whether device files can be tested here. Says so if not.
pub fn fuse_is_here() -> bool {
    let opened = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse");
    told("/dev/fuse", opened.is_ok())
}

/// Whether loop devices and mounts can be made here. Says so if not.
pub fn root_is_here() -> bool {
    fuse_is_here() && told("root", rustix::process::geteuid().is_root())
}

fn told(what: &str, here: bool) -> bool {
    if !here {
        eprintln!("skipped: needs {what}");
    }
    here
}
