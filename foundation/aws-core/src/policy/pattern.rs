//! Patterns: `*` any run of characters, `?` any one, `${key}` the caller's own value.
//!
//! Matching keeps one retry point, the latest star, so its cost is at most pattern length times text length,
//! whatever the pattern: a policy cannot be written that makes the server think for ever.
//!
//! Deliberately absent: character classes, escapes (AWS spells a literal star `${*}`).

use crate::policy::condition::Facts;

/// A compiled pattern. What a variable brings in is literal: a user named `*` matches only herself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Is(char),
}

/// Which marks of a pattern mean something.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Whether `*` and `?` are wildcards or themselves.
    pub wildcards: bool,
    /// Where `${…}` is looked up; `None` for policies of version 2008-10-17, where it means itself.
    pub variables: Option<&'a Facts>,
}

impl Pattern {
    /// A pattern with wildcards and without variables.
    pub fn glob(text: &str) -> Self {
        Self(text.chars().map(wildcard).collect())
    }

    /// Reads `text`; `None` when it holds a variable that the request has no (single) value for and no default.
    pub fn read(text: &str, reading: Reading<'_>) -> Option<Self> {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, name, after)) = reading.variables.and_then(|_| next_variable(rest)) {
            tokens.extend(plain(before, reading.wildcards));
            tokens.extend(value_of(name, reading.variables?)?.chars().map(Token::Is));
            rest = after;
        }
        tokens.extend(plain(rest, reading.wildcards));
        Some(Self(tokens))
    }

    /// Whether the whole of `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        let (mut at, mut rest) = (0, text.chars());
        let mut latest_star = None;
        loop {
            match self.0.get(at) {
                Some(Token::Any) => {
                    at += 1;
                    latest_star = Some((at, rest.clone()));
                    continue;
                }
                Some(token) if rest.clone().next().is_some_and(|c| token.takes(c)) => {
                    at += 1;
                    rest.next();
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                Some(_) | None => {}
            }
            // A dead end: the latest star swallows one character more. Earlier stars need no second chance, because
            // whatever they could reach by swallowing more, the latest one reaches too.
            let Some((after_star, from)) = &mut latest_star else { return false };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*after_star, from.clone());
        }
    }
}

impl Token {
    fn takes(self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Is(own) => own == c,
        }
    }
}

/// Whether `action` (`kms:Decrypt`) fits `pattern` (`kms:*`); actions know no case.
pub fn action_matches(pattern: &str, action: &str) -> bool {
    pattern == "*" || Pattern::glob(&pattern.to_ascii_lowercase()).matches(&action.to_ascii_lowercase())
}

/// Whether `arn` fits `pattern`, the six parts one by one, so that a star stays within its part.
pub fn arn_matches(pattern: &str, arn: &str, variables: Option<&Facts>) -> bool {
    let reading = Reading { wildcards: true, variables };
    let parts = split_arn(pattern);
    let own: Vec<&str> = arn.splitn(6, ':').collect();
    if parts.len() != 6 || own.len() != 6 {
        // Not of ARN shape: `*`, or an id. AWS compares such texts whole.
        return Pattern::read(pattern, reading).is_some_and(|p| p.matches(arn));
    }
    parts.iter().zip(own).all(|(part, text)| Pattern::read(part, reading).is_some_and(|p| p.matches(text)))
}

/// Splits at the first five colons that are not inside `${…}`.
fn split_arn(pattern: &str) -> Vec<&str> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in pattern.char_indices() {
        match c {
            '{' if pattern[..at].ends_with('$') => inside = true,
            '}' => inside = false,
            ':' if !inside && parts.len() < 5 => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    parts
}

fn wildcard(c: char) -> Token {
    match c {
        '*' => Token::Any,
        '?' => Token::One,
        other => Token::Is(other),
    }
}

fn plain(text: &str, wildcards: bool) -> impl Iterator<Item = Token> {
    text.chars().map(move |c| if wildcards { wildcard(c) } else { Token::Is(c) })
}

/// The text before the next `${name}`, the name, and the text after.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The value of `name`, which may carry a default: `aws:username, 'nobody'`. A key with several values has none here.
fn value_of<'a>(name: &'a str, facts: &'a Facts) -> Option<&'a str> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name);
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
        None => (name.trim(), None),
    };
    match facts.get(key) {
        Some([only]) => Some(only),
        Some(_) | None => default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, as slow as it is plain.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            ['?', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab*?é]{0,8}", text in "[abé]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::glob(&pattern).matches(&text), naive(&p, &t));
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_length_times_length() {
        let pattern = "*a".repeat(2_000) + "b";
        assert!(!Pattern::glob(&pattern).matches(&"a".repeat(4_000)));
    }

    #[test]
    fn a_star_stays_within_its_part_of_an_arn() {
        let check = |pattern, arn| arn_matches(pattern, arn, None);
        assert!(check("arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:us-east-1:111122223333:key/abc"));
        assert!(!check("arn:aws:iam::*:role/x", "arn:aws:iam::111122223333:user/role:role/x"));
        assert!(check("*", "arn:aws:iam::111122223333:user/a"));
        assert!(check("arn:aws:iam::*:user/*", "arn:aws:iam::111122223333:user/team/a"));
    }

    #[test]
    fn a_variable_brings_in_its_value_as_literal_text() {
        let mut facts = Facts::default();
        facts.set("aws:username", "*").set_all("aws:many", ["a".into(), "b".into()]);
        let read = |text| Pattern::read(text, Reading { wildcards: true, variables: Some(&facts) });
        assert!(read("home/${aws:UserName}/*").unwrap().matches("home/*/file"));
        assert!(!read("home/${aws:username}/*").unwrap().matches("home/eve/file"));
        assert!(read("${aws:nobody, 'guest'}").unwrap().matches("guest"));
        assert!(read("a${*}").unwrap().matches("a*"));
        assert!(!read("a${*}").unwrap().matches("ab"));
        assert!(read("${aws:nobody}").is_none());
        assert!(read("${aws:many}").is_none());
        assert!(arn_matches("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/*", Some(&facts)));
    }
}
