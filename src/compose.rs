//! Wires the services together: the one place that knows them all.
//!
//! ```text
//! state folder → store ─┬─ iam ──► identities ─┐
//!                trail ─┴─ sink ───────────────┼─► World ─► kms ─► Arc<dyn Kms> ─► ebs, s3
//!                clock, entropy ───────────────┘              (or HttpKms to another process)
//! ```

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use anyhow::Context;
use aws_core::id::AccountId;
use aws_core::identity::Identities;
use aws_core::time::{Clock, SignedDuration};
use aws_wire::auth::Gate;
use aws_wire::route::Doors;
use envelope::entropy::{Entropy, SeededEntropy};
use envelope::secret::Secret;
use kms_api::client::Kms;
use kms_api::world::World;
use store::Store;

use crate::control;
use crate::exit::{MISSING, USAGE, coded};
use crate::flags::{Auth, Cipher, Fuse, Profile, Service, UpFlags};
use crate::os::{OsEntropy, SimClock, WallClock};
use crate::remote::{self, Peer};
use crate::state::StateFolder;

/// A composed server: everything but the socket.
pub struct House {
    /// What the socket serves.
    pub doors: axum::Router,
    /// The audit trail, flushed last at shutdown.
    pub trail: Arc<trail_sim::Trail>,
    /// The KMS of this process, if it runs one.
    pub kms: Option<Arc<kms_sim::KmsSim>>,
    /// The volumes of this process, if it runs them.
    pub ebs: Option<Arc<ebs_sim::EbsSim>>,
    /// Which KMS the storage services use, for the start-up line.
    pub kms_line: Option<String>,
    /// Where the first key of a server that refuses unknown ones is written.
    pub root_credentials: Option<PathBuf>,
    // Last, so that the lock outlives everything that writes.
    state: StateFolder,
}

/// The domain key of the HSMs of KMS: what they are filled from at first, and restored from ever after.
const HSM_ROOT: &str = "hsm-root.key";

/// What every room of the house is built from.
struct Ground {
    store: Store,
    world: World,
    directory: Arc<iam_sim::Directory>,
    trail: Arc<trail_sim::Trail>,
    clock: Arc<SimClock>,
    peer: Option<Peer>,
}

impl House {
    /// Opens the state folder and composes the services that `flags` name. `port` is the one being served.
    pub async fn open(flags: &UpFlags, port: u16) -> anyhow::Result<Self> {
        let state = open_state(flags)?;
        let entropy = entropy(flags, &state)?;
        let ground = lay_ground(flags, &state, entropy)?;
        let root_credentials = admit_root(flags, &state, &ground)?;
        let kms = open_kms(flags, &state, &ground)?;
        let (client, kms_line) = choose_kms(flags, &ground, kms.clone()).await?;
        let ebs = open_ebs(flags, &state, &ground, client.clone(), port).await?;
        let s3 = open_s3(flags, &state, &ground, client)?;
        let doors = Doors {
            json: json_services(flags, &ground, kms.clone()),
            query: query_services(flags, &ground, ebs.clone()),
            rest: rest_services(flags, ebs.clone()),
            s3: s3.as_ref().map(|s3| s3.door()),
            control: control::router(control::Control {
                trail: ground.trail.clone(),
                clock: ground.clock.clone(),
                kms: kms.clone(),
                hsm_backup: state.kept(HSM_ROOT),
                ebs: ebs.clone(),
                s3,
                services: flags.services.clone(),
                kms_line: kms_line.clone(),
                peer: ground.peer.clone(),
                identities: ground.directory.clone(),
            }),
            gate: gate(flags, &ground),
        };
        Ok(Self {
            doors: aws_wire::route::router(doors),
            trail: ground.trail,
            kms,
            ebs,
            kms_line,
            root_credentials,
            state,
        })
    }

    /// Where the state is.
    pub fn state(&self) -> &StateFolder {
        &self.state
    }

    /// What this machine lacks of what was asked for in so many words: device files where `--mount` names a place for them.
    pub fn missing_for(&self, flags: &UpFlags) -> Option<anyhow::Error> {
        flags.mount.as_ref()?;
        let status = self.ebs.as_ref()?.status();
        let reason = status["fuse"]["reason"].as_str()?;
        Some(coded(
            MISSING,
            format!(
                "--mount asks for device files, and none can be served: {reason}.\n\
                 Install fuse3 and see that /dev/fuse is there, or leave --mount out to serve without device files."
            ),
        ))
    }

    /// Wipes keys, unmounts, and makes the trail durable. Attachments stay recorded and resume at the next start.
    pub async fn close(self) {
        if let Some(ebs) = &self.ebs {
            ebs.shutdown().await;
        }
        let trail = self.trail.clone();
        if tokio::task::spawn_blocking(move || trail.shutdown()).await.is_err() {
            tracing::error!("the trail's keeper panicked at shutdown");
        }
    }
}

/// The system's randomness, or a replay: of the seed on a folder's first start, of another stream on each later one.
fn entropy(flags: &UpFlags, state: &StateFolder) -> anyhow::Result<Arc<dyn Entropy>> {
    let Some(seed) = flags.seed else { return Ok(Arc::new(OsEntropy)) };
    let start = state.count_seeded_start()?;
    Ok(Arc::new(SeededEntropy::new(seed ^ start.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
}

fn open_state(flags: &UpFlags) -> anyhow::Result<StateFolder> {
    if flags.ephemeral {
        // The folder's name must differ between two ephemeral servers of one seed.
        return StateFolder::ephemeral(&OsEntropy);
    }
    StateFolder::open(&flags.state.clone().map_or_else(default_state, Ok)?)
}

/// `$XDG_STATE_HOME/sse-sim`, by default `~/.local/state/sse-sim`.
fn default_state() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))
        .context("neither XDG_STATE_HOME nor HOME is set; say where the state is kept with --state DIR")?;
    Ok(base.join("sse-sim"))
}

fn lay_ground(flags: &UpFlags, state: &StateFolder, entropy: Arc<dyn Entropy>) -> anyhow::Result<Ground> {
    let store = Store::open(&state.path().join("tables.redb"))?;
    let clock = Arc::new(SimClock::resume(Some(state.path().join("clock")))?);
    let trail = trail_sim::Trail::open(Some(state.path().join("trail")), flags.trail_keep)?;
    let iam_key = state.secret("iam.key", &*entropy)?;
    let directory = iam_sim::Directory::open(store.clone(), clock.clone(), entropy.clone(), iam_key)?;
    let peer = flags.kms_secret.as_deref().map(Peer::from_file).transpose()?;
    let identities = identities(flags, peer.as_ref(), directory.clone())?;
    let world = World { identities, sink: trail.clone(), clock: clock.clone(), entropy };
    Ok(Ground { store, world, directory, trail, clock, peer })
}

/// Who knows the users: the IAM of this process, or that of the process that runs the shared KMS.
fn identities(
    flags: &UpFlags,
    peer: Option<&Peer>,
    directory: Arc<iam_sim::Directory>,
) -> anyhow::Result<Arc<dyn Identities>> {
    match (&flags.kms, peer) {
        (Some(url), Some(peer)) if !flags.services.contains(&Service::Iam) => {
            Ok(Arc::new(remote::PeerIdentities::new(url, peer.clone())?))
        }
        _ => Ok(directory),
    }
}

/// A server that refuses unknown keys needs a first one: the root of the default account, whose secret is made once
/// and written where SDKs read credentials.
fn admit_root(flags: &UpFlags, state: &StateFolder, ground: &Ground) -> anyhow::Result<Option<PathBuf>> {
    if flags.auth != Auth::Verify || !flags.services.contains(&Service::Iam) {
        return Ok(None);
    }
    let file = state.path().join("root.credentials");
    if !file.exists() {
        let entropy = &*ground.world.entropy;
        let key_id = aws_core::id::iam_id("AKIA", entropy.array::<17>())[..20].to_owned();
        let secret = Secret::new(hex::encode(entropy.array::<20>()).into_bytes());
        ground.directory.admit_root(AccountId::default_account(), &key_id, &secret)?;
        state.write_credentials(&file, &key_id, &secret)?;
    }
    Ok(Some(file))
}

fn open_kms(flags: &UpFlags, state: &StateFolder, ground: &Ground) -> anyhow::Result<Option<Arc<kms_sim::KmsSim>>> {
    if !flags.services.contains(&Service::Kms) {
        return Ok(None);
    }
    let root: Secret = state.secret(HSM_ROOT, &*ground.world.entropy)?;
    Ok(Some(kms_sim::KmsSim::open_by(ground.store.clone(), ground.world.clone(), root, Arc::new(WallClock))?))
}

/// The KMS that storage uses, and the sentence that says which.
async fn choose_kms(
    flags: &UpFlags,
    ground: &Ground,
    own: Option<Arc<kms_sim::KmsSim>>,
) -> anyhow::Result<(Option<Arc<dyn Kms>>, Option<String>)> {
    match (&flags.kms, own) {
        (Some(url), _) => {
            let (kms, line) = remote::kms(url, ground.peer.as_ref()).await?;
            Ok((Some(kms), Some(line)))
        }
        (None, Some(own)) => Ok((Some(own), None)),
        (None, None) => Ok((None, None)),
    }
}

fn needs_kms(kms: Option<Arc<dyn Kms>>) -> anyhow::Result<Arc<dyn Kms>> {
    match kms {
        Some(kms) => Ok(kms),
        None => Err(coded(USAGE, "ec2, ebs and s3 need a KMS: add kms to --services, or name one with --kms URL")),
    }
}

async fn open_ebs(
    flags: &UpFlags,
    state: &StateFolder,
    ground: &Ground,
    kms: Option<Arc<dyn Kms>>,
    port: u16,
) -> anyhow::Result<Option<Arc<ebs_sim::EbsSim>>> {
    if !flags.services.iter().any(|service| matches!(service, Service::Ec2 | Service::Ebs)) {
        return Ok(None);
    }
    let config = ebs_sim::EbsConfig {
        state_dir: state.path().to_owned(),
        mount_point: flags.mount.clone().unwrap_or_else(|| default_mount(port)),
        fuse: match flags.fuse {
            Fuse::Auto | Fuse::Classic => ebs_sim::FuseMode::Auto,
            Fuse::Off => ebs_sim::FuseMode::Off,
        },
        cipher: match flags.cipher {
            Cipher::Batched => ebs_sim::CipherChoice::Batched,
            Cipher::Reference => ebs_sim::CipherChoice::Reference,
            Cipher::Null => ebs_sim::CipherChoice::Null,
        },
    };
    let ebs = ebs_sim::EbsSim::open(ground.store.clone(), ground.world.clone(), needs_kms(kms)?, config)?;
    ebs.resume().await;
    Ok(Some(ebs))
}

/// `$XDG_RUNTIME_DIR/sse-sim/PORT`; for root `/run/sse-sim/PORT`.
fn default_mount(port: u16) -> PathBuf {
    runtime_dir().join(port.to_string())
}

/// Where things live that end with the machine's session.
pub fn runtime_dir() -> PathBuf {
    let base = if rustix::process::geteuid().is_root() {
        PathBuf::from("/run")
    } else {
        std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
    };
    base.join("sse-sim")
}

fn open_s3(
    flags: &UpFlags,
    state: &StateFolder,
    ground: &Ground,
    kms: Option<Arc<dyn Kms>>,
) -> anyhow::Result<Option<Arc<s3_sim::S3Sim>>> {
    if !flags.services.contains(&Service::S3) {
        return Ok(None);
    }
    let config = s3_sim::S3Config {
        state_dir: state.path().to_owned(),
        owned_key: state.secret("s3-owned.key", &*ground.world.entropy)?,
        bucket_default: bucket_default(&flags.bucket_default)?,
        blocks_customer_keys: flags.profile == Profile::Aws2026,
        bucket_key_lifetime: SignedDuration::from_secs(flags.bucket_key_ttl.into()),
    };
    let s3 = s3_sim::S3Sim::open(ground.store.clone(), ground.world.clone(), needs_kms(kms)?, config)?;
    tokio::spawn(keep_time_in_s3(Arc::downgrade(&s3)));
    Ok(Some(s3))
}

/// Bucket keys and objects end on time even when nobody asks for one; the task ends with the service.
async fn keep_time_in_s3(s3: Weak<s3_sim::S3Sim>) {
    let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
    while let Some(s3) = s3.upgrade() {
        s3.expire_bucket_keys();
        s3.lifecycle_tick().await;
        drop(s3);
        second.tick().await;
    }
}

fn bucket_default(text: &str) -> anyhow::Result<s3_sim::BucketDefault> {
    match text.split_once('=') {
        None if text == "AES256" => Ok(s3_sim::BucketDefault::Aes256),
        None if text == "aws:kms" => Ok(s3_sim::BucketDefault::Kms { key: None }),
        Some(("aws:kms", key)) if !key.is_empty() => Ok(s3_sim::BucketDefault::Kms { key: Some(key.into()) }),
        _ => Err(coded(USAGE, format!("--bucket-default takes AES256, aws:kms or aws:kms=KEY, not {text:?}"))),
    }
}

fn json_services(
    flags: &UpFlags,
    ground: &Ground,
    kms: Option<Arc<kms_sim::KmsSim>>,
) -> Vec<Arc<dyn aws_wire::service::JsonService>> {
    let mut services: Vec<Arc<dyn aws_wire::service::JsonService>> = Vec::new();
    if let Some(kms) = kms {
        services.push(kms);
    }
    if flags.services.contains(&Service::Cloudtrail) {
        services.push(Arc::new(trail_sim::CloudTrailService::new(ground.trail.clone(), ground.world.clone())));
    }
    services
}

fn query_services(
    flags: &UpFlags,
    ground: &Ground,
    ebs: Option<Arc<ebs_sim::EbsSim>>,
) -> Vec<Arc<dyn aws_wire::service::QueryService>> {
    let mut services: Vec<Arc<dyn aws_wire::service::QueryService>> = Vec::new();
    if flags.services.contains(&Service::Iam) {
        services.push(Arc::new(iam_sim::IamService::new(ground.directory.clone(), ground.world.clone())));
    }
    if flags.services.contains(&Service::Sts) {
        services.push(Arc::new(iam_sim::StsService::new(ground.directory.clone(), ground.world.clone())));
    }
    if let Some(ebs) = ebs.filter(|_| flags.services.contains(&Service::Ec2)) {
        services.push(ebs);
    }
    services
}

fn rest_services(flags: &UpFlags, ebs: Option<Arc<ebs_sim::EbsSim>>) -> Vec<Arc<dyn aws_wire::service::RestService>> {
    ebs.filter(|_| flags.services.contains(&Service::Ebs))
        .map(|ebs| ebs as Arc<dyn aws_wire::service::RestService>)
        .into_iter()
        .collect()
}

fn gate(flags: &UpFlags, ground: &Ground) -> Gate {
    let entropy = ground.world.entropy.clone();
    let wall: Arc<dyn Clock> = Arc::new(WallClock);
    Gate {
        identities: ground.world.identities.clone(),
        mode: flags.auth.into(),
        wall,
        sim: ground.clock.clone(),
        request_ids: Arc::new(move || entropy.array()),
        peer_secret: ground.peer.as_ref().map(Peer::secret),
    }
}
