//! Condition operators and the facts they look at.
//!
//! A condition holds or it does not, and when it does not the reason is a sentence for the explanation. How a missing
//! key is judged decides many policies: a plain operator fails on it, a negated one (`StringNotEquals`) and one with
//! `IfExists` hold, `ForAllValues` holds, `ForAnyValue` fails.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::policy::document::Condition;
use crate::policy::operator::{Comparison, Operator, Order, Quantifier, Test};
use crate::policy::pattern::{Pattern, Reading, arn_matches};

/// The condition keys of one request: lower-case key → values. A missing key and an empty list differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Vec<String>>);

impl Facts {
    /// Sets a single-valued key. Keys are case-insensitive.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.0.insert(key.to_ascii_lowercase(), vec![value.into()]);
        self
    }

    /// Sets a multi-valued key.
    pub fn set_all(&mut self, key: &str, values: impl IntoIterator<Item = String>) -> &mut Self {
        self.0.insert(key.to_ascii_lowercase(), values.into_iter().collect());
        self
    }

    /// The values of a key, or `None` when the request has no such key.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// All of them, for the explanation.
    pub fn as_map(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0
    }

    /// All of them, handed over.
    pub fn into_map(self) -> BTreeMap<String, Vec<String>> {
        self.0
    }
}

impl Condition {
    /// Whether the condition holds; if not, why: `condition StringEquals kms:ViaService: request has none`.
    /// `variables` says whether `${…}` in values is looked up (policy version 2012-10-17).
    pub fn holds(&self, facts: &Facts, variables: bool) -> Result<(), String> {
        let values = facts.get(&self.key);
        let operator = Operator::parse(&self.operator);
        if operator.is_some_and(|operator| self.satisfied(operator, values, variables.then_some(facts))) {
            return Ok(());
        }
        let has = values.map_or("none".into(), |values| values.join(", "));
        Err(format!("condition {} {}: request has {has}", self.operator, self.key))
    }

    fn satisfied(&self, operator: Operator, values: Option<&[String]>, variables: Option<&Facts>) -> bool {
        let Test::Compare(comparison, negated) = operator.test else {
            let absent = values.is_none_or(<[String]>::is_empty);
            return self.values.iter().any(|wanted| wanted.eq_ignore_ascii_case(if absent { "true" } else { "false" }));
        };
        let matches = |value: &String| self.values.iter().any(|own| compare(comparison, own, value, variables));
        match (operator.quantifier, values) {
            (_, None) if operator.if_exists => true,
            (Quantifier::Single, None) => negated,
            (Quantifier::Single, Some(values)) => values.iter().any(matches) != negated,
            (Quantifier::ForAll, values) => known(values).all(|value| matches(value) != negated),
            (Quantifier::ForAny, values) => known(values).any(|value| matches(value) != negated),
        }
    }
}

/// The values that a quantifier counts: AWS takes an empty text for no value.
fn known(values: Option<&[String]>) -> impl Iterator<Item = &String> {
    values.unwrap_or_default().iter().filter(|value| !value.is_empty())
}

/// Whether the request's `value` compares with `own`, a value of the policy. What cannot be read compares with nothing.
fn compare(comparison: Comparison, own: &str, value: &str, variables: Option<&Facts>) -> bool {
    let read = |text, wildcards| Pattern::read(text, Reading { wildcards, variables });
    match comparison {
        Comparison::Text => read(own, false).is_some_and(|p| p.matches(value)),
        Comparison::TextIgnoringCase => {
            // A variable's name survives lower-casing, and so, in effect, does its value: both sides are lowered.
            let facts = variables.map(lowered);
            let reading = Reading { wildcards: false, variables: facts.as_ref() };
            Pattern::read(&own.to_lowercase(), reading).is_some_and(|p| p.matches(&value.to_lowercase()))
        }
        Comparison::Like => read(own, true).is_some_and(|p| p.matches(value)),
        Comparison::Arn => arn_matches(own, value, variables),
        Comparison::Numeric(order) => ordered(order, value.parse::<f64>().ok(), own.parse().ok()),
        Comparison::Date(order) => ordered(order, instant(value), instant(own)),
        Comparison::Bool => truth(value).is_some_and(|value| truth(own) == Some(value)),
        Comparison::Binary => own.trim_end_matches('=') == value.trim_end_matches('='),
        Comparison::Ip => value.parse().is_ok_and(|address| range_contains(own, address)),
    }
}

fn lowered(facts: &Facts) -> Facts {
    let lower = |values: &Vec<String>| values.iter().map(|value| value.to_lowercase()).collect();
    Facts(facts.0.iter().map(|(key, values)| (key.clone(), lower(values))).collect())
}

fn ordered<T: PartialOrd>(order: Order, value: Option<T>, own: Option<T>) -> bool {
    value.partial_cmp(&own).is_some_and(|ordering| value.is_some() && own.is_some() && order.accepts(ordering))
}

fn truth(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

/// A W3C form of ISO 8601 (from a bare date to nanoseconds with an offset) or seconds since the epoch.
fn instant(text: &str) -> Option<Timestamp> {
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
        return Timestamp::from_millisecond((seconds * 1000.0) as i64).ok();
    }
    let local = || text.trim_end_matches('Z').parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    text.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(local().ok()?).ok())
}

/// Whether `address` lies in `range`, an address or `address/prefix length`.
fn range_contains(range: &str, address: IpAddr) -> bool {
    let (base, length) = range.split_once('/').map_or((range, None), |(base, length)| (base, Some(length)));
    let prefix = |width: u32| length.map_or(Some(width), |text| text.parse().ok().filter(|bits| *bits <= width));
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) => {
            prefix(32).is_some_and(|bits| u64::from(base.to_bits() ^ address.to_bits()) >> (32 - bits) == 0)
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) => prefix(128)
            .is_some_and(|bits| (base.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts
            .set("kms:ViaService", "ec2.us-east-1.amazonaws.com")
            .set("aws:SourceIp", "10.1.2.3")
            .set("aws:CurrentTime", "2026-01-15T09:00:00Z")
            .set("aws:username", "Ada")
            .set("aws:SecureTransport", "false")
            .set("s3:max-keys", "10")
            .set("kms:EncryptionContext:AppName", "Ledger")
            .set("aws:PrincipalArn", "arn:aws:iam::111122223333:role/team/reader")
            .set_all("kms:EncryptionContextKeys", ["app".into(), "tier".into()])
            .set_all("aws:Empty", []);
        facts
    }

    /// Whether `operator key values…` holds for the request above.
    fn check(line: &str) -> bool {
        let mut words = line.split(' ').map(str::to_owned);
        let (operator, key) = (words.next().unwrap(), words.next().unwrap());
        assert!(Operator::parse(&operator).is_some(), "{operator}");
        Condition { operator, key, values: words.collect() }.holds(&facts(), true).is_ok()
    }

    #[test]
    fn these_conditions_hold() {
        for line in [
            "StringEquals kms:viaservice s3.us-east-1.amazonaws.com ec2.us-east-1.amazonaws.com",
            "StringEquals kms:EncryptionContext:appname Ledger",
            "StringEqualsIgnoreCase kms:EncryptionContext:AppName LEDGER",
            "StringEqualsIgnoreCase aws:username ${aws:USERNAME}",
            "StringLike kms:ViaService ec2.*.amazonaws.com",
            "StringNotLike kms:ViaService s3.*",
            "StringNotEquals aws:Missing x",
            "StringEqualsIfExists aws:Missing x",
            "StringEquals aws:username ${aws:username}",
            "ForAllValues:StringEquals kms:EncryptionContextKeys app tier other",
            "ForAllValues:StringEquals aws:Missing x",
            "ForAllValues:StringEquals aws:Empty x",
            "ForAnyValue:StringEquals kms:EncryptionContextKeys tier",
            "ForAnyValue:StringNotEquals kms:EncryptionContextKeys tier",
            "NumericLessThanEquals s3:max-keys 10",
            "NumericNotEquals s3:max-keys 11",
            "DateGreaterThan aws:CurrentTime 2026-01-15T08:59Z",
            "DateLessThan aws:CurrentTime 2026-01-16",
            "DateEquals aws:CurrentTime 1768467600",
            "Bool aws:SecureTransport False",
            "IpAddress aws:SourceIp 10.0.0.0/8",
            "IpAddress aws:SourceIp 10.1.2.3",
            "IpAddress aws:SourceIp 0.0.0.0/0",
            "NotIpAddress aws:SourceIp 192.168.0.0/16",
            "NotIpAddress aws:SourceIp ::/0",
            "ArnEquals aws:PrincipalArn arn:aws:iam::*:role/team/*",
            "ArnNotLike aws:PrincipalArn arn:aws:iam::*:user/*",
            "Null aws:Missing true",
            "Null aws:username false",
            "Null aws:Empty true",
            "BinaryEquals s3:max-keys 10==",
        ] {
            assert!(check(line), "{line}");
        }
    }

    #[test]
    fn these_conditions_fail() {
        for line in [
            "StringEquals kms:EncryptionContext:AppName ledger",
            "StringEquals aws:Missing x",
            "StringEquals kms:ViaService ec2.*.amazonaws.com",
            "StringEquals aws:username ${aws:Missing}",
            "StringNotEquals kms:ViaService s3.x ec2.us-east-1.amazonaws.com",
            "StringNotEqualsIfExists aws:username Ada",
            "ForAllValues:StringEquals kms:EncryptionContextKeys app",
            "ForAnyValue:StringEquals kms:EncryptionContextKeys other",
            "ForAnyValue:StringEquals aws:Missing x",
            "ForAnyValue:StringNotEquals aws:Missing x",
            "NumericGreaterThan s3:max-keys 10",
            "NumericEquals aws:username 10",
            "NumericEquals s3:max-keys ten",
            "DateLessThan aws:CurrentTime 2026-01-15T09:00:00Z",
            "DateLessThan aws:CurrentTime tomorrow",
            "Bool aws:SecureTransport true",
            "Bool aws:username Ada",
            "IpAddress aws:SourceIp 10.0.0.0/33",
            "IpAddress aws:SourceIp 10.1.2.4/32",
            "Null aws:username true",
            "Null aws:Missing false",
        ] {
            assert!(!check(line), "{line}");
        }
    }

    #[test]
    fn a_condition_that_fails_says_what_the_request_has() {
        let via = |values: &[&str]| Condition {
            operator: "StringEquals".into(),
            key: "kms:ViaService".into(),
            values: values.iter().map(|v| (*v).into()).collect(),
        };
        let silence = via(&["s3.us-east-1.amazonaws.com"]).holds(&facts(), true).unwrap_err();
        assert_eq!(silence, "condition StringEquals kms:ViaService: request has ec2.us-east-1.amazonaws.com");
        let silence = via(&["x"]).holds(&Facts::default(), true).unwrap_err();
        assert_eq!(silence, "condition StringEquals kms:ViaService: request has none");
    }

    #[test]
    fn a_policy_of_2008_has_no_variables() {
        let own = Condition {
            operator: "StringEquals".into(),
            key: "aws:username".into(),
            values: vec!["${aws:username}".into()],
        };
        assert!(own.holds(&facts(), true).is_ok());
        assert!(own.holds(&facts(), false).is_err());
    }
}
