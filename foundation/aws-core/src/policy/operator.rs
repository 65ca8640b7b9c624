//! The names of the condition operators, taken apart: `ForAllValues:` + `StringLike` + `IfExists`.

use std::cmp::Ordering;

/// An operator as parsed. Names are compared without regard to case, as AWS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// How a key with several values is judged.
    pub quantifier: Quantifier,
    /// Whether a missing key satisfies it.
    pub if_exists: bool,
    /// What is compared.
    pub test: Test,
}

/// How a key with several values is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// No prefix: meant for single-valued keys; with several values, one match is a match.
    Single,
    /// `ForAllValues:` every value of the request; true of a request that has none.
    ForAll,
    /// `ForAnyValue:` at least one value of the request; false of a request that has none.
    ForAny,
}

/// What an operator tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Whether the key is absent.
    Null,
    /// Whether a value compares with one of the policy's values, or (negated) with none.
    Compare(Comparison, bool),
}

/// One way to compare a request's value with a policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Exact text, with variables.
    Text,
    /// Text regardless of case, with variables.
    TextIgnoringCase,
    /// Text with wildcards and variables.
    Like,
    /// Six parts of an ARN with wildcards and variables (`ArnEquals` and `ArnLike` are one).
    Arn,
    /// Decimal numbers.
    Numeric(Order),
    /// ISO 8601 or epoch seconds.
    Date(Order),
    /// `true` or `false`.
    Bool,
    /// Base 64.
    Binary,
    /// An address in a CIDR range.
    Ip,
}

/// Which orders satisfy a numeric or date operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `…Equals`
    Equal,
    /// `…LessThan`
    Less,
    /// `…LessThanEquals`
    LessOrEqual,
    /// `…GreaterThan`
    Greater,
    /// `…GreaterThanEquals`
    GreaterOrEqual,
}

impl Order {
    /// Whether "the request's value is `ordering` the policy's" satisfies this.
    pub fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Operator {
    /// Takes a name apart; `None` when AWS has no such operator.
    pub fn parse(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let (quantifier, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Quantifier::ForAll, rest),
            Some(("foranyvalue", rest)) => (Quantifier::ForAny, rest),
            Some(_) => return None,
            None => (Quantifier::Single, lower.as_str()),
        };
        let (base, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |base| (base, true));
        let test = test(base)?;
        // Null asks about existence itself: the grammar has neither NullIfExists nor a quantified Null.
        let bare = quantifier == Quantifier::Single && !if_exists;
        (test != Test::Null || bare).then_some(Self { quantifier, if_exists, test })
    }
}

fn test(base: &str) -> Option<Test> {
    use Comparison::{Arn, Binary, Bool, Ip, Like, Text, TextIgnoringCase};
    Some(match base {
        "null" => Test::Null,
        "stringequals" => Test::Compare(Text, false),
        "stringnotequals" => Test::Compare(Text, true),
        "stringequalsignorecase" => Test::Compare(TextIgnoringCase, false),
        "stringnotequalsignorecase" => Test::Compare(TextIgnoringCase, true),
        "stringlike" => Test::Compare(Like, false),
        "stringnotlike" => Test::Compare(Like, true),
        "arnequals" | "arnlike" => Test::Compare(Arn, false),
        "arnnotequals" | "arnnotlike" => Test::Compare(Arn, true),
        "bool" => Test::Compare(Bool, false),
        "binaryequals" => Test::Compare(Binary, false),
        "ipaddress" => Test::Compare(Ip, false),
        "notipaddress" => Test::Compare(Ip, true),
        other => ordered(other)?,
    })
}

fn ordered(base: &str) -> Option<Test> {
    let (make, order): (fn(Order) -> Comparison, &str) = match base.strip_prefix("numeric") {
        Some(order) => (Comparison::Numeric, order),
        None => (Comparison::Date, base.strip_prefix("date")?),
    };
    let (order, negated) = match order {
        "equals" => (Order::Equal, false),
        "notequals" => (Order::Equal, true),
        "lessthan" => (Order::Less, false),
        "lessthanequals" => (Order::LessOrEqual, false),
        "greaterthan" => (Order::Greater, false),
        "greaterthanequals" => (Order::GreaterOrEqual, false),
        _ => return None,
    };
    Some(Test::Compare(make(order), negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_apart_into_quantifier_test_and_if_exists() {
        let operator = Operator::parse("ForAllValues:StringNotLikeIfExists").unwrap();
        assert_eq!(operator.quantifier, Quantifier::ForAll);
        assert!(operator.if_exists);
        assert_eq!(operator.test, Test::Compare(Comparison::Like, true));
        assert_eq!(Operator::parse("bool"), Operator::parse("Bool"));
    }

    #[test]
    fn names_that_aws_has_not_are_refused() {
        for name in ["", "StringEqual", "ForSome:StringEquals", "NullIfExists", "NumericLike", "DateLess", "BoolNot"] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
