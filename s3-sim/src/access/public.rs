//! Whether a bucket policy is public: it allows everybody, and no condition ties it to known callers by fixed values.

use aws_core::policy::document::{Condition, Effect, PolicyDocument, Statement};

/// Keys whose fixed values make a grant to everybody a grant to some.
const TIES: [&str; 13] = [
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Whether any statement is public.
pub(crate) fn is_public(policy: &PolicyDocument) -> bool {
    policy.statements.iter().any(is_public_statement)
}

fn is_public_statement(statement: &Statement) -> bool {
    let everybody = statement.principal.as_ref().is_some_and(|clause| clause.anyone || clause.negated);
    statement.effect == Effect::Allow && everybody && !statement.conditions.iter().any(ties)
}

fn ties(condition: &Condition) -> bool {
    let positive = !condition.operator.contains("Not") && !condition.operator.contains("IfExists");
    let key = condition.key.to_ascii_lowercase();
    let fixed = |value: &String| !value.contains(['*', '?']) && !value.contains("${");
    match key.as_str() {
        "aws:sourceip" => positive && condition.values.iter().all(|range| is_narrow(range)),
        key => positive && TIES.contains(&key) && condition.values.iter().all(fixed),
    }
}

/// AWS calls a range public when it is wider than /8 (IPv4) or /32 (IPv6).
fn is_narrow(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else { return true };
    let floor = if address.contains(':') { 32 } else { 8 };
    bits.parse::<u8>().is_ok_and(|bits| bits >= floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_to_everybody_is_public_unless_tied() {
        for (principal, condition, public) in [
            (r#""*""#, "{}", true),
            (r#"{"AWS":"*"}"#, "{}", true),
            (r#"{"AWS":"111122223333"}"#, "{}", false),
            (r#""*""#, r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#, false),
            (r#""*""#, r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, true),
            (r#""*""#, r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#, true),
            (r#""*""#, r#"{"StringEquals":{"aws:UserAgent":"x"}}"#, true),
            (r#""*""#, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (r#""*""#, r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, true),
        ] {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*","Condition":{condition}}}]}}"#
            );
            let policy = PolicyDocument::parse(&text).unwrap();
            assert_eq!(is_public(&policy), public, "{principal} {condition}");
            assert!(!is_public(&PolicyDocument::parse(&text.replace("Allow", "Deny")).unwrap()));
        }
    }
}
