//! The command line, as clap reads it. Exit codes: 0 ok, 1 a check failed, 2 usage, 3 a capability is missing,
//! 4 unreachable, 130 interrupted.

use std::net::IpAddr;
use std::path::PathBuf;

use aws_core::identity::AuthMode;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// A simulator of the place where cloud storage meets key management. The HSM is simulated: keep no real secrets in it.
#[derive(Debug, Parser)]
#[command(name = "sse-sim", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve KMS, EBS/EC2, S3, IAM, STS and CloudTrail on one port.
    Up(Box<UpFlags>),
    /// Print shell lines that point aws-cli and SDKs at a running server: eval "$(sse-sim env)".
    Env(Endpoint),
    /// Ask a running server how it is.
    Health(Endpoint),
    /// Where is every key now, and in which form?
    Keys(ReadFlags),
    /// Why was a call allowed or refused? Takes the event id of its audit record.
    Why(WhyFlags),
    /// An object as it is stored: its wrapped data key, who can unwrap it, its ciphertext.
    Object(ObjectFlags),
    /// Look at the HSMs of KMS, tamper with one, or restore them from the backup.
    Hsm(HsmFlags),
    /// Mount a volume: instance, attachment, loop device, file system and mount, as needed.
    Mount(MountFlags),
    /// Undo what mount did, and no more.
    Umount(UmountFlags),
    /// Lessons as scripts: run, test or lint them.
    Scenario(ScenarioFlags),
}

/// Flags of `up`.
#[derive(Debug, Clone, Args)]
pub struct UpFlags {
    /// Port to serve on; 0 picks a free one.
    #[arg(long, default_value_t = 4566, env = "SSE_SIM_PORT")]
    pub port: u16,
    /// Address to bind. Any but loopback requires --auth verify.
    #[arg(long, default_value = "127.0.0.1", env = "SSE_SIM_BIND")]
    pub bind: IpAddr,
    /// State folder [default: $XDG_STATE_HOME/sse-sim].
    #[arg(long, env = "SSE_SIM_STATE")]
    pub state: Option<PathBuf>,
    /// Keep nothing: a temporary state folder, removed at exit.
    #[arg(long, conflicts_with = "state")]
    pub ephemeral: bool,
    /// Where attached volumes appear as files [default: $XDG_RUNTIME_DIR/sse-sim/PORT; root: /run/sse-sim/PORT].
    #[arg(long, env = "SSE_SIM_MOUNT")]
    pub mount: Option<PathBuf>,
    /// Which access keys are let in: `open` lets unknown keys act as account root, `verify` refuses them.
    #[arg(long, value_enum, default_value_t = Auth::Open, env = "SSE_SIM_AUTH")]
    pub auth: Auth,
    /// Services to run, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "kms,iam,sts,ec2,ebs,s3,cloudtrail")]
    pub services: Vec<Service>,
    /// KMS endpoint to use instead of the one in this process.
    #[arg(long, value_name = "URL")]
    pub kms: Option<String>,
    /// File with the secret shared by two sse-sim processes, under which callers' identities travel (at least 16 bytes).
    #[arg(long, value_name = "FILE")]
    pub kms_secret: Option<PathBuf>,
    /// Replay ids, keys and nonces from a seed. Its keys are no secrets.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Default encryption of new buckets: AES256, aws:kms, or aws:kms=KEY.
    #[arg(long, default_value = "AES256", value_name = "DEFAULT")]
    pub bucket_default: String,
    /// Which year's AWS this is: since April 2026 new buckets refuse SSE-C.
    #[arg(long, value_enum, default_value_t = Profile::Aws2026, env = "SSE_SIM_PROFILE")]
    pub profile: Profile,
    /// How long S3 holds a bucket key in plaintext, in seconds of the simulated clock.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub bucket_key_ttl: u32,
    /// How attached volumes reach the file system.
    #[arg(long, value_enum, default_value_t = Fuse::Auto)]
    pub fuse: Fuse,
    /// XTS implementation of volumes: batched, reference (the xts-mode crate), or null (no encryption; measurements only).
    #[arg(long, value_enum, default_value_t = Cipher::Batched)]
    pub cipher: Cipher,
    /// How many audit records to keep.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub trail_keep: usize,
}

/// `--auth`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Unknown keys act as the root of account 000000000000, or of the account they spell.
    Open,
    /// Unknown keys are refused.
    Verify,
}

impl From<Auth> for AuthMode {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Open => Self::Open,
            Auth::Verify => Self::Verify,
        }
    }
}

/// `--services`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Key management.
    Kms,
    /// Users, roles, policies.
    Iam,
    /// Temporary credentials.
    Sts,
    /// Instances, volumes, attachments.
    Ec2,
    /// EBS direct APIs.
    Ebs,
    /// Objects.
    S3,
    /// The audit trail.
    Cloudtrail,
}

/// `--profile`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// New buckets refuse SSE-C.
    #[value(name = "aws-2026")]
    Aws2026,
    /// New buckets take SSE-C.
    #[value(name = "aws-2023")]
    Aws2023,
}

/// `--fuse`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fuse {
    /// FUSE where it works; else no device files.
    Auto,
    /// The /dev/fuse transport.
    Classic,
    /// No device files.
    Off,
}

/// `--cipher`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cipher {
    /// Many data units at once.
    Batched,
    /// The xts-mode crate.
    Reference,
    /// None: a control for measurements.
    Null,
}

/// The server that a client command talks to.
#[derive(Debug, Clone, Args)]
pub struct Endpoint {
    /// Base URL of the server.
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    pub endpoint: String,
}

/// Flags of commands that read.
#[derive(Debug, Clone, Args)]
pub struct ReadFlags {
    /// The server.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `why`.
#[derive(Debug, Clone, Args)]
pub struct WhyFlags {
    /// Event id, as LookupEvents and the audit record show it.
    pub event_id: String,
    /// The server, and how to print.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Flags of `object`.
#[derive(Debug, Clone, Args)]
pub struct ObjectFlags {
    /// What to do with it.
    #[command(subcommand)]
    pub verb: ObjectVerb,
}

/// `object inspect`
#[derive(Debug, Clone, Subcommand)]
pub enum ObjectVerb {
    /// Show its stored form.
    Inspect {
        /// s3://BUCKET/KEY
        object: String,
        /// The server, and how to print.
        #[command(flatten)]
        read: ReadFlags,
    },
}

/// Flags of `hsm`.
#[derive(Debug, Clone, Args)]
pub struct HsmFlags {
    /// What to do.
    #[command(subcommand)]
    pub verb: HsmVerb,
}

/// `hsm status|tamper|restore`
#[derive(Debug, Clone, Subcommand)]
pub enum HsmVerb {
    /// Which HSMs hold the domain key.
    Status(ReadFlags),
    /// Tamper with an HSM: it wipes itself.
    Tamper {
        /// Which one, from 1.
        number: u32,
        /// The server, and how to print.
        #[command(flatten)]
        read: ReadFlags,
    },
    /// Give wiped HSMs the domain key again, from the backup in the server's state folder.
    Restore(ReadFlags),
}

/// Flags of `mount`.
#[derive(Debug, Clone, Args)]
pub struct MountFlags {
    /// Volume id.
    pub volume: String,
    /// Folder to mount on; made if missing.
    pub dir: PathBuf,
    /// File system to make on a volume that has none.
    #[arg(long, default_value = "ext4", value_parser = ["ext4", "ext3", "ext2", "xfs", "btrfs"])]
    pub fs: String,
    /// The server.
    #[command(flatten)]
    pub endpoint: Endpoint,
}

/// Flags of `umount`.
#[derive(Debug, Clone, Args)]
pub struct UmountFlags {
    /// The folder given to mount.
    pub dir: PathBuf,
}

/// Flags of `scenario`.
#[derive(Debug, Clone, Args)]
pub struct ScenarioFlags {
    /// What to do with the files.
    #[command(subcommand)]
    pub verb: ScenarioVerb,
}

/// `scenario run|test|lint`
#[derive(Debug, Clone, Subcommand)]
pub enum ScenarioVerb {
    /// Run lessons and tell them.
    Run(ScenarioRun),
    /// Run lessons and print one line each.
    Test(ScenarioRun),
    /// Check files without running them.
    Lint {
        /// Scenario files, or names of the library's lessons.
        files: Vec<PathBuf>,
    },
}

/// Flags of `scenario run` and `scenario test`.
#[derive(Debug, Clone, Args)]
pub struct ScenarioRun {
    /// Scenario files, or names of the library's lessons; all of the library when empty.
    pub files: Vec<PathBuf>,
    /// Run against this server instead of a private one.
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
