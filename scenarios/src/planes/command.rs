//! The command itself: exit status, what it printed, the JSON in it, the refusal in its complaint.

use serde_json::Value;

use crate::script::expect::{ErrorExpect, Expect};
use crate::script::variables::Variables;
use crate::stage::shell::Ran;

use super::{Check, shortened};

/// Judges a command that ran.
pub fn check(expect: &Expect, ran: &Ran, variables: &Variables) -> Vec<Check> {
    let mut checks = vec![exit(expect, ran, variables)];
    for (name, matcher, text) in [("stdout", &expect.stdout, &ran.stdout), ("stderr", &expect.stderr, &ran.stderr)] {
        let seen = Value::String(text.clone());
        checks.extend(
            matcher.as_ref().map(|matcher| Check::of(name, "what is printed", matcher, Some(&seen), variables)),
        );
    }
    let printed = printed(&ran.stdout);
    for (path, matcher) in &expect.result {
        checks.push(match search(path, &printed) {
            Ok(seen) => Check::of("result", path, matcher, seen.as_ref(), variables),
            Err(why) => Check::broken("result", path.clone(), why),
        });
    }
    if let Some(error) = &expect.error {
        checks.extend(refusal(error, &ran.stderr, variables));
    }
    checks
}

/// What a command printed, as JSON; plain text is one JSON string, so that `@` captures it.
pub fn printed(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap_or_else(|_| Value::String(stdout.trim_end().to_owned()))
}

/// What a JMESPath finds; null counts as nothing.
pub fn search(path: &str, printed: &Value) -> Result<Option<Value>, String> {
    let expression = jmespath::compile(path).map_err(|error| error.to_string())?;
    let found = expression.search(printed).map_err(|error| error.to_string())?;
    let value = serde_json::to_value(&*found).map_err(|error| error.to_string())?;
    Ok((!value.is_null()).then_some(value))
}

fn exit(expect: &Expect, ran: &Ran, variables: &Variables) -> Check {
    let seen = Value::from(ran.exit);
    let mut check = match (&expect.exit, &expect.error) {
        (Some(matcher), _) => Check::of("exit", "the exit status", matcher, Some(&seen), variables),
        (None, Some(_)) => Check::decided("exit", "the command is refused", ran.exit != 0, "it succeeded"),
        (None, None) => {
            Check::decided("exit", "the command succeeds", ran.exit == 0, format!("exit status {}", ran.exit))
        }
    };
    if let super::Verdict::Failed { seen } = &mut check.verdict
        && !ran.stderr.trim().is_empty()
    {
        *seen = shortened(&format!("{seen}: {}", ran.stderr.trim()));
    }
    check
}

fn refusal(expect: &ErrorExpect, stderr: &str, variables: &Variables) -> Vec<Check> {
    let (code, message) = parse_refusal(stderr).unzip();
    let parts = [("code", &expect.code, code), ("message", &expect.message, message)];
    let checks = parts.into_iter().filter_map(|(name, matcher, seen)| {
        let seen = seen.map(Value::String);
        matcher.as_ref().map(|matcher| Check::of("error", name, matcher, seen.as_ref(), variables))
    });
    checks.collect()
}

/// `An error occurred (CODE) when calling the OP operation: MESSAGE`, the last one if there are several.
fn parse_refusal(stderr: &str) -> Option<(String, String)> {
    let from = &stderr[stderr.rfind("An error occurred (")?..];
    let (code, rest) = from.strip_prefix("An error occurred (")?.split_once(')')?;
    let message = rest.split_once("operation: ").or_else(|| rest.split_once("operation (reached max retries: 0): "));
    let message = message.map_or("", |(_, message)| message).trim();
    Some((code.to_owned(), message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planes::Verdict;

    fn expect(yaml: &str) -> Expect {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn ran(exit: i32, stdout: &str, stderr: &str) -> Ran {
        Ran { exit, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn a_refusal_is_read_from_the_words_of_the_cli() {
        let stderr = "\naws: [ERROR]: An error occurred (DisabledException) when calling the Encrypt operation: arn is disabled.\n";
        let wanted = expect("error: {code: DisabledException, message: {contains: is disabled}}");
        let checks = check(&wanted, &ran(254, "", stderr), &Variables::default());
        assert_eq!(checks.len(), 3);
        assert!(checks.iter().all(|check| !check.failed()), "{checks:?}");
        let other = check(&wanted, &ran(0, "{}", ""), &Variables::default());
        assert!(other.iter().all(Check::failed), "{other:?}");
    }

    #[test]
    fn results_are_looked_up_in_json_and_text_counts_as_one_string() {
        let wanted = expect("result: {'Keys[0].KeyId': k, 'length(Keys)': 1, Absent: {any: false}}");
        let checks = check(&wanted, &ran(0, r#"{"Keys": [{"KeyId": "k"}]}"#, ""), &Variables::default());
        assert!(checks.iter().all(|check| !check.failed()), "{checks:?}");
        assert_eq!(search("@", &printed("184\n")).unwrap(), Some(Value::from(184)));
        assert_eq!(search("@", &printed("plain\n")).unwrap(), Some(Value::from("plain")));
    }

    #[test]
    fn an_unexpected_failure_shows_the_complaint() {
        let checks = check(&Expect::default(), &ran(2, "", "no such file\n"), &Variables::default());
        assert_eq!(checks[0].verdict, Verdict::Failed { seen: "exit status 2: no such file".into() });
    }
}
