//! The language of a lesson: what may stand in a `*.scenario.yaml`, and nothing else may.
//!
//! ```text
//! scenario ── world            clock, seed, region, account, principals, instance
//!          ├─ steps[] ── run   a real command line, as a student would paste it
//!          │          ├─ capture   JMESPath over its JSON → plain shell variables
//!          │          └─ expect    seven planes: exit/stdout/stderr/result/error, trail, keys, grants, disk, why, cost
//!          └─ cleanup[]        command lines that always run
//! ```
//!
//! Deliberately absent: loops, conditions and a template language. Who needs those writes a program.

pub mod expect;
pub mod lint;
pub mod load;
pub mod matcher;
pub mod schema;
pub mod variables;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use expect::Expect;

/// One lesson.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name in kebab case; the file is called `<name>.scenario.yaml`.
    pub scenario: String,
    /// The headline that a class reads.
    pub title: String,
    /// Lines of docs/SYLLABUS.md that this lesson covers, e.g. `003.7`.
    #[serde(default)]
    pub seed: Vec<String>,
    /// For whom.
    #[serde(default)]
    pub level: Level,
    /// How long a class takes.
    pub minutes: Option<u16>,
    /// What the machine must offer besides bash and the aws-cli.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Lanes of the whiteboard, from left to right.
    #[serde(default)]
    pub cast: Vec<Lane>,
    /// What a student knows afterwards.
    #[serde(default)]
    pub teaches: Vec<String>,
    /// Where the course text and today's AWS differ.
    pub then_now: Option<String>,
    /// The stage before the curtain rises.
    #[serde(default)]
    pub world: World,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Command lines that run at the end, whatever happened, as the account's root.
    #[serde(default)]
    pub cleanup: Vec<String>,
}

/// For whom a lesson is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Has never seen KMS.
    #[default]
    Practitioner,
    /// Prepares an associate exam.
    Associate,
    /// Designs with it.
    Professional,
    /// Defends it.
    Specialty,
}

/// What a lesson needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Attached volumes must be device files.
    Fuse,
    /// Loop devices and mounts: the lesson must run as root.
    Root,
    /// The `openssl` command.
    Openssl,
}

/// A lane of the whiteboard: a trust boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// The person at the keyboard.
    User,
    /// An application on somebody's machine.
    App,
    /// The EC2 host and its memory.
    Ec2,
    /// The volume service and its metadata.
    Ebs,
    /// The object service and its metadata.
    S3,
    /// Users, roles, policies.
    Iam,
    /// The key service and its table of wrapped keys.
    Kms,
    /// The boundary that key material never crosses in the clear.
    Hsm,
    /// What lies at rest.
    Disk,
    /// The audit trail.
    Trail,
}

/// The stage before the curtain rises.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Where the simulated clock stands at the beginning (RFC 3339).
    pub clock: Option<String>,
    /// Seed of ids, keys and nonces, so that a lesson can be replayed.
    pub seed: Option<u64>,
    /// Region of every command.
    pub region: String,
    /// The twelve-digit account, in quotes.
    pub account: String,
    /// Who exists besides the account's root, and what each may do.
    pub principals: BTreeMap<String, Principal>,
    /// An EC2 instance to create; `$INSTANCE` names it.
    pub instance: Option<String>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            clock: None,
            seed: None,
            region: "us-east-1".into(),
            account: "111122223333".into(),
            principals: BTreeMap::new(),
            instance: None,
        }
    }
}

/// An IAM user made for the lesson. Exactly one of the two members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Actions that are allowed on every resource, e.g. `"*"` or `[kms:Encrypt, kms:Decrypt]`.
    pub allow: Option<OneOrMany>,
    /// A policy document beside the lesson, e.g. `policies/ebs-least-privilege.json`.
    pub policy: Option<String>,
}

/// A word, or a list of words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// A single word.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// One step: somebody runs a command line, and something must be true afterwards.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name within the lesson, in kebab case.
    pub id: String,
    /// The headline.
    pub title: String,
    /// Who is at the keyboard: a principal of the world, or `root`. Without it, whoever acted in the step before.
    #[serde(rename = "as")]
    pub acts_as: Option<String>,
    /// What the teacher says, in Markdown.
    pub say: Option<String>,
    /// A question to ask before the command runs.
    pub ask: Option<Ask>,
    /// The command line, run by `bash -euo pipefail` in the lesson's own folder.
    pub run: String,
    /// JMESPath over the JSON that the command printed → shell variables of the following steps.
    #[serde(default)]
    pub capture: BTreeMap<String, String>,
    /// What must be true afterwards.
    #[serde(default)]
    pub expect: Expect,
}

/// A question for the class.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The question.
    pub q: String,
    /// What to choose from.
    pub options: Vec<String>,
    /// The right one of them.
    pub answer: String,
}
