//! Parameters of a call, read and judged: what comes out fits AWS's shapes, what does not is refused in AWS's words.

use aws_core::arn::Arn;
use aws_core::time::SignedDuration;
use aws_wire::query::Params;

use crate::fault::{BadArgument, IamError, Kind};
use crate::records::Tags;

/// The form of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a>(pub &'a Params);

impl<'a> Args<'a> {
    /// A parameter that may be absent; an empty one counts as absent.
    pub fn optional(self, name: &'static str) -> Option<&'a str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub fn required(self, name: &'static str) -> Result<&'a str, IamError> {
        self.optional(name).ok_or_else(|| BadArgument::Missing(name).into())
    }

    /// A name of at most `most` characters out of letters, digits and `+=,.@_-`.
    pub fn name(self, name: &'static str, most: usize) -> Result<&'a str, IamError> {
        checked_name(name, self.required(name)?, most)
    }

    /// The name of a user, group or role, under the parameter that is called so.
    pub fn holder(self, kind: Kind) -> Result<&'a str, IamError> {
        match kind {
            Kind::User => self.name("UserName", 128),
            Kind::Group => self.name("GroupName", 128),
            Kind::Role => self.name("RoleName", 64),
        }
    }

    /// `UserName`, where leaving it out means oneself.
    pub fn optional_user(self) -> Result<Option<&'a str>, IamError> {
        self.optional("UserName").map(|value| checked_name("UserName", value, 128)).transpose()
    }

    /// `PolicyName`.
    pub fn policy_name(self) -> Result<&'a str, IamError> {
        self.name("PolicyName", 128)
    }

    /// The ARN of a managed policy.
    pub fn policy_arn(self, name: &'static str) -> Result<&'a str, IamError> {
        checked_policy_arn(name, self.required(name)?)
    }

    /// `PermissionsBoundary`, which may be absent.
    pub fn boundary(self) -> Result<Option<&'a str>, IamError> {
        const NAME: &str = "PermissionsBoundary";
        self.optional(NAME).map(|arn| checked_policy_arn(NAME, arn)).transpose()
    }

    /// `Path`: `/` when absent.
    pub fn path(self) -> Result<&'a str, IamError> {
        let path = self.optional("Path").unwrap_or("/");
        within("Path", path, 1, 512)?;
        let printable = path.bytes().all(|b| b.is_ascii_graphic());
        let closed = path == "/" || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
        if printable && closed { Ok(path) } else { Err(BadArgument::Path("Path").into()) }
    }

    /// `PathPrefix` of a list: `/`, which all paths begin with, when absent.
    pub fn path_prefix(self) -> &'a str {
        self.optional("PathPrefix").unwrap_or("/")
    }

    /// A number within limits.
    pub fn number(self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, IamError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        let value = || text.to_owned();
        let number: i64 = text.parse().map_err(|_| BadArgument::NoNumber { name, value: value() })?;
        if number < i64::from(least) {
            return Err(BadArgument::BelowLeast { name, value: value(), least }.into());
        }
        match u32::try_from(number) {
            Ok(number) if number <= most => Ok(Some(number)),
            Ok(_) | Err(_) => Err(BadArgument::AboveMost { name, value: value(), most }.into()),
        }
    }

    /// A duration in seconds, within limits.
    pub fn duration(self, name: &'static str, least: u32, most: u32) -> Result<Option<SignedDuration>, IamError> {
        Ok(self.number(name, least, most)?.map(|seconds| SignedDuration::from_secs(seconds.into())))
    }

    /// A free text of limited length.
    pub fn text(self, name: &'static str, most: usize) -> Result<Option<&'a str>, IamError> {
        self.optional(name).map(|text| within(name, text, 0, most)).transpose()
    }

    /// `true` or anything else.
    pub fn flag(self, name: &'static str) -> bool {
        self.optional(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `Tags`: keys of 1 to 128 characters, values up to 256, at most 50, no key twice.
    pub fn tags(self) -> Result<Tags, IamError> {
        let mut tags = Tags::new();
        for member in self.0.members("Tags") {
            let key = member.get("Key").ok_or(BadArgument::Missing("tags.1.member.key"))?;
            let value = member.get("Value").unwrap_or_default();
            within("tags.1.member.key", key, 1, 128)?;
            within("tags.1.member.value", value, 0, 256)?;
            if tags.keys().any(|own: &String| own.eq_ignore_ascii_case(key)) {
                return Err(BadArgument::RepeatedTag.into());
            }
            tags.insert(key.into(), value.into());
        }
        match tags.len() {
            0..=50 => Ok(tags),
            _ => Err(BadArgument::TooLong { name: "tags", value: format!("{} tags", tags.len()), most: 50 }.into()),
        }
    }
}

/// Refuses a text that is too short or too long, in characters.
pub(crate) fn within<'a>(name: &'static str, text: &'a str, least: usize, most: usize) -> Result<&'a str, IamError> {
    let (length, value) = (text.chars().count(), || text.to_owned());
    if length < least {
        return Err(BadArgument::TooShort { name, value: value(), least }.into());
    }
    if length > most {
        return Err(BadArgument::TooLong { name, value: value(), most }.into());
    }
    Ok(text)
}

/// Whether a text is made of letters, digits and `+=,.@_-` only.
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b))
}

fn checked_name<'a>(name: &'static str, text: &'a str, most: usize) -> Result<&'a str, IamError> {
    within(name, text, 1, most)?;
    if is_word(text) { Ok(text) } else { Err(BadArgument::Characters(name).into()) }
}

fn checked_policy_arn<'a>(name: &'static str, text: &'a str) -> Result<&'a str, IamError> {
    within(name, text, 20, 2048)?;
    let arn: Option<Arn> = text.parse().ok();
    let fits = arn.is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"));
    if fits { Ok(text) } else { Err(IamError::InvalidArn(text.into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pair: (&str, &str), read: impl Fn(Args<'_>) -> Result<(), IamError>) -> String {
        let form: Params = [pair].into_iter().collect();
        read(Args(&form)).map_or_else(|refused| refused.to_string(), |()| String::new())
    }

    #[test]
    fn bad_parameters_are_refused_in_the_words_of_aws() {
        let user = |value: &str| refusal(("UserName", value), |args| args.holder(Kind::User).map(drop));
        assert_eq!(user("ada.l+x=1@b_c-d"), "");
        assert!(user("").ends_with("Value null at 'userName' failed to satisfy constraint: Member must not be null"));
        assert!(user(&"x".repeat(129)).ends_with("Member must have length less than or equal to 128"));
        assert!(user("a/b").starts_with("The specified value for userName is invalid."));
        let seconds = |value: &str| {
            refusal(("DurationSeconds", value), |args| args.number("DurationSeconds", 900, 43200).map(drop))
        };
        assert_eq!(seconds("900"), "");
        assert!(seconds("899").contains("Value '899' at 'durationSeconds'"));
        assert!(seconds("43201").ends_with("Member must have value less than or equal to 43200"));
        assert!(seconds("-99999999999").ends_with("greater than or equal to 900"));
        assert!(seconds("soon").ends_with("Member must be an integer"));
        assert_eq!(refusal(("Path", "/a/b/"), |args| args.path().map(drop)), "");
        for bad in ["a", "/a", "a/", "//", "/ /"] {
            assert!(
                refusal(("Path", bad), |args| args.path().map(drop)).contains("must begin and end with /"),
                "{bad}"
            );
        }
        assert_eq!(
            refusal(("A", "arn:aws:s3:::bucket/policy"), |args| args.policy_arn("A").map(drop)),
            "ARN arn:aws:s3:::bucket/policy is not valid."
        );
    }
}
