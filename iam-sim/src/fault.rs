//! What IAM and STS refuse, with AWS's codes, statuses and sentences: one table.

use std::fmt;

use aws_core::fault::ApiFault;
use store::StoreError;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As in ARNs and sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// As in parameters and actions: `UserName`, `PutUserPolicy`.
    pub fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum IamError {
    #[error("The {} with name {_1} cannot be found.", _0.word())]
    NoSuch(Kind, String),
    #[error("The {} policy with name {_1} cannot be found.", _0.word())]
    NoSuchInlinePolicy(Kind, String),
    #[error("The Access Key with id {0} cannot be found.")]
    NoSuchAccessKey(String),
    #[error("Policy {0} was not found.")]
    NoSuchPolicy(String),
    #[error("Policy {arn} version {version} does not exist or is not attachable.")]
    NoSuchVersion { arn: String, version: String },
    #[error("Policy {0} does not exist or is not attachable.")]
    NotAttachable(String),
    #[error("Scope ARN: {0} does not exist or is not attachable.")]
    NoSuchBoundary(String),
    #[error("The {} with name {_1} does not have a permissions boundary.", _0.word())]
    NoBoundary(Kind, String),
    #[error("{} with name {_1} already exists.", _0.title())]
    Exists(Kind, String),
    #[error("A policy called {0} already exists. Duplicate names are not allowed.")]
    PolicyExists(String),
    #[error("{0}")]
    InUse(Usage),
    #[error("Cannot exceed quota for {what}: {most}")]
    Quota { what: &'static str, most: usize },
    #[error("Maximum policy size of {most} bytes exceeded for {} {name}", kind.word())]
    InlinePolicySize { kind: Kind, name: String, most: usize },
    #[error(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
    )]
    TooManyVersions,
    #[error("{0}")]
    Malformed(PolicyFlaw),
    #[error("ARN {0} is not valid.")]
    InvalidArn(String),
    #[error("{0}")]
    Invalid(BadArgument),
    #[error("Must specify userName when calling with non-User credentials")]
    NotAUser,
    #[error("{sentence}")]
    AccessDenied { sentence: String },
    #[error("The security token included in the request is invalid")]
    TokenWithoutRights,
    #[error("Roles may not be assumed by root accounts.")]
    RootAssumes,
    #[error("Cannot call GetSessionToken with session credentials")]
    SessionAsksForSession,
    #[error("MultiFactorAuthentication failed with invalid MFA one time pass code.")]
    NoMfaDevice,
    #[error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
    LongerThanRole,
    #[error("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")]
    LongerThanChain,
    #[error("Packed policy consumes {0}% of allotted space, please use smaller policy.")]
    PackedPolicyTooLarge(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What still depends on the entity that somebody wants to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Usage {
    #[error("Cannot delete entity, must detach all policies first.")]
    AttachedPolicies,
    #[error("Cannot delete entity, must delete policies first.")]
    InlinePolicies,
    #[error("Cannot delete entity, must delete access keys first.")]
    AccessKeys,
    #[error("Cannot delete entity, must remove users from group first.")]
    GroupMembers,
    #[error("Cannot delete a policy attached to entities.")]
    Attachments,
    #[error("Cannot delete the default version of a policy.")]
    DefaultVersion,
    #[error(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The \
         default version is deleted with the policy."
    )]
    Versions,
}

/// What is wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyFlaw {
    #[error("This policy contains invalid Json")]
    Json,
    #[error("Syntax errors in policy.")]
    Syntax,
    #[error("Policy document must be version 2012-10-17 or greater.")]
    OldVersion,
    #[error("Policy document should not specify a principal.")]
    HasPrincipal,
    #[error("Policy statement must contain actions.")]
    NoActions,
    #[error("Policy statement must contain resources.")]
    NoResources,
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    ActionWithoutVendor,
    #[error("Resource {0} must be in ARN format or \"*\".")]
    ResourceShape(String),
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    RepeatedSid,
    #[error("Has prohibited field Resource")]
    HasResource,
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAssumeRole,
    #[error(
        "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a \
         statement with no principals!"
    )]
    NoPrincipals,
    #[error("Invalid principal in policy: \"{kind}\":\"{name}\"")]
    UnknownPrincipal { kind: &'static str, name: String },
}

/// What is wrong with a parameter. Names are the wire's, `UserName`; sentences say `userName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadArgument {
    Missing(&'static str),
    TooShort { name: &'static str, value: String, least: usize },
    TooLong { name: &'static str, value: String, most: usize },
    BelowLeast { name: &'static str, value: String, least: u32 },
    AboveMost { name: &'static str, value: String, most: u32 },
    NotOneOf { name: &'static str, value: String, set: &'static str },
    NotOfPattern { name: &'static str, value: String, pattern: &'static str },
    NoNumber { name: &'static str, value: String },
    Characters(&'static str),
    Path(&'static str),
    Marker,
    RepeatedTag,
}

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => violated(f, "null", name, "not be null"),
            Self::TooShort { name, value, least } => {
                violated(f, &quoted(value), name, &format!("have length greater than or equal to {least}"))
            }
            Self::TooLong { name, value, most } => {
                violated(f, &quoted(value), name, &format!("have length less than or equal to {most}"))
            }
            Self::BelowLeast { name, value, least } => {
                violated(f, &quoted(value), name, &format!("have value greater than or equal to {least}"))
            }
            Self::AboveMost { name, value, most } => {
                violated(f, &quoted(value), name, &format!("have value less than or equal to {most}"))
            }
            Self::NotOneOf { name, value, set } => {
                violated(f, &quoted(value), name, &format!("satisfy enum value set: [{set}]"))
            }
            Self::NotOfPattern { name, value, pattern } => {
                violated(f, &quoted(value), name, &format!("satisfy regular expression pattern: {pattern}"))
            }
            Self::NoNumber { name, value } => violated(f, &quoted(value), name, "be an integer"),
            Self::Characters(name) => write!(
                f,
                "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the \
                 following: +=,.@_-",
                camel(name)
            ),
            Self::Path(name) => write!(
                f,
                "The specified value for {} is invalid. It must begin and end with / and contain only alphanumeric \
                 characters and/or / characters.",
                camel(name)
            ),
            Self::Marker => f.write_str("Invalid Marker."),
            Self::RepeatedTag => {
                f.write_str("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
            }
        }
    }
}

fn violated(f: &mut fmt::Formatter<'_>, value: &str, name: &str, must: &str) -> fmt::Result {
    let name = camel(name);
    write!(f, "1 validation error detected: Value {value} at '{name}' failed to satisfy constraint: Member must {must}")
}

fn quoted(value: &str) -> String {
    format!("'{value}'")
}

/// `UserName` → `userName`.
pub(crate) fn camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

impl From<PolicyFlaw> for IamError {
    fn from(flaw: PolicyFlaw) -> Self {
        Self::Malformed(flaw)
    }
}

impl From<BadArgument> for IamError {
    fn from(bad: BadArgument) -> Self {
        Self::Invalid(bad)
    }
}

impl IamError {
    /// AWS's code and status.
    fn code(&self) -> (&'static str, u16) {
        match self {
            Self::NoSuch(..)
            | Self::NoSuchInlinePolicy(..)
            | Self::NoSuchAccessKey(_)
            | Self::NoSuchPolicy(_)
            | Self::NoSuchVersion { .. }
            | Self::NotAttachable(_)
            | Self::NoBoundary(..)
            | Self::NoSuchBoundary(_) => ("NoSuchEntity", 404),
            Self::Exists(..) | Self::PolicyExists(_) => ("EntityAlreadyExists", 409),
            Self::InUse(_) => ("DeleteConflict", 409),
            Self::Quota { .. } | Self::InlinePolicySize { .. } | Self::TooManyVersions => ("LimitExceeded", 409),
            Self::Malformed(_) => ("MalformedPolicyDocument", 400),
            Self::InvalidArn(_) => ("InvalidInput", 400),
            Self::Invalid(_) | Self::NotAUser | Self::LongerThanRole | Self::LongerThanChain => {
                ("ValidationError", 400)
            }
            Self::AccessDenied { .. } | Self::RootAssumes | Self::SessionAsksForSession | Self::NoMfaDevice => {
                ("AccessDenied", 403)
            }
            Self::TokenWithoutRights => ("InvalidClientTokenId", 403),
            Self::PackedPolicyTooLarge(_) => ("PackedPolicyTooLarge", 400),
            Self::Store(_) => ("ServiceFailure", 500),
        }
    }

    /// The fault as the wire prints it. What the store said stays in the log.
    pub fn fault(&self) -> ApiFault {
        let (code, status) = self.code();
        if let Self::Store(error) = self {
            tracing::error!(%error, "the directory could not be written");
            return ApiFault::bare(code).with_status(status);
        }
        ApiFault::client(code, self.to_string()).with_status(status)
    }

    /// The code as CloudTrail prints it: IAM's carry `Exception` there, denials do not.
    pub fn trail_code(&self) -> String {
        match self.code().0 {
            code @ ("AccessDenied" | "InvalidClientTokenId") => code.into(),
            "ValidationError" => "ValidationException".into(),
            code => format!("{code}Exception"),
        }
    }
}
