//! What the shape of a file cannot say: names that must fit together.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expect::{Expect, TrailExpect, Whereabouts};
use super::load::{Lesson, Problem};
use super::matcher::Matcher;
use super::variables::{is_variable_name, mentioned};
use super::{Scenario, Step};

/// Names that every command knows.
pub const GIVEN: [&str; 3] = ["ACCOUNT", "REGION", "INSTANCE"];

/// Everything that does not fit together in a lesson that was read.
pub fn lint(lesson: &Lesson) -> Vec<Problem> {
    let mut desk = Desk { lesson, problems: Vec::new(), from: 0 };
    let scenario = &lesson.scenario;
    desk.names(scenario);
    desk.world(scenario);
    let mut known: BTreeSet<String> = GIVEN.iter().map(|name| (*name).to_owned()).collect();
    for step in &scenario.steps {
        desk.from = lesson.source.find(&format!("id: {}", step.id)).unwrap_or(0);
        desk.step(step, &mut known);
    }
    desk.problems
}

struct Desk<'a> {
    lesson: &'a Lesson,
    problems: Vec<Problem>,
    /// Where the step under the lens begins, so that a word is shown in its own step.
    from: usize,
}

impl Desk<'_> {
    fn complain(&mut self, word: &str, what: impl Into<String>, next: &str) {
        let text = &self.lesson.source;
        let at = text[self.from..].find(word).map(|found| (self.from + found, word.len()));
        self.problems.push(Problem::new(&self.lesson.path, text, at, what).next(next));
    }

    fn names(&mut self, scenario: &Scenario) {
        let file = self.lesson.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_kebab(&scenario.scenario) || file != format!("{}.scenario.yaml", scenario.scenario) {
            let what = format!("the file is called {file}, the scenario {}", scenario.scenario);
            self.complain(&scenario.scenario, what, "name both alike: NAME in NAME.scenario.yaml, in kebab case");
        }
        if scenario.steps.is_empty() {
            self.complain("steps", "a scenario without steps teaches nothing", "add a step: id, title, run, expect");
        }
        let mut seen = BTreeSet::new();
        for step in &scenario.steps {
            if !is_kebab(&step.id) || !seen.insert(step.id.as_str()) {
                self.complain(
                    &step.id,
                    format!("step id {:?} is used twice or is not kebab case", step.id),
                    "give each step a name of its own",
                );
            }
        }
        for line in scenario.seed.iter().filter(|line| !is_seed(line)) {
            self.complain(
                line,
                format!("{line:?} is no line of the syllabus"),
                "write ids of docs/SYLLABUS.md, such as 003.7, in quotes",
            );
        }
    }

    fn world(&mut self, scenario: &Scenario) {
        let world = &scenario.world;
        if world.account.len() != 12 || !world.account.bytes().all(|b| b.is_ascii_digit()) {
            self.complain(
                &world.account,
                format!("{:?} is no AWS account", world.account),
                "write twelve digits, in quotes",
            );
        }
        if let Some(clock) = world.clock.as_ref().filter(|clock| clock.parse::<aws_core::time::Timestamp>().is_err()) {
            self.complain(clock, format!("{clock:?} is no time"), "write it like 2026-01-15T09:00:00Z");
        }
        for (name, principal) in &world.principals {
            match (&principal.allow, &principal.policy) {
                (Some(_), None) => {}
                (None, Some(policy)) => self.policy(policy),
                _ => self.complain(
                    name,
                    format!("principal {name:?} needs exactly one of allow and policy"),
                    "keep one of them",
                ),
            }
            if name == "root" {
                self.complain(name, "root is the account itself", "choose another name for the user");
            }
        }
    }

    fn policy(&mut self, file: &str) {
        let read = self.lesson.shelf.read(file);
        let parsed = read.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
        if let Err(error) = parsed {
            self.complain(
                file,
                format!("policy {file}: {error}"),
                "the path is relative to the scenario's folder; the file is a JSON policy document",
            );
        }
    }

    fn step(&mut self, step: &Step, known: &mut BTreeSet<String>) {
        if let Some(name) = step.acts_as.as_ref().filter(|name| !self.is_principal(name)) {
            self.complain(
                name,
                format!("nobody called {name:?} lives in this world"),
                "add it under world.principals, or write root",
            );
        }
        if let Some(ask) = step.ask.as_ref().filter(|ask| !ask.options.contains(&ask.answer)) {
            self.complain(
                &ask.answer,
                "the answer is not among the options",
                "repeat one of the options, letter by letter",
            );
        }
        self.captures(step, known);
        step.expect.result.keys().for_each(|path| self.jmespath(path));
        for text in texts(&step.expect) {
            for name in mentioned(&text).filter(|name| !known.contains(*name)) {
                let what = format!("nothing captured ${name} so far");
                self.complain(&format!("${name}"), what, "capture it in this step or an earlier one");
            }
        }
    }

    fn captures(&mut self, step: &Step, known: &mut BTreeSet<String>) {
        for (name, path) in &step.capture {
            if !is_variable_name(name) {
                let what = format!("{name:?} cannot name a captured value");
                self.complain(name, what, "use capitals, digits and _; not PATH, AWS_… and the like");
            }
            self.jmespath(path);
            known.insert(name.clone());
        }
    }

    fn is_principal(&self, name: &str) -> bool {
        name == "root" || self.lesson.scenario.world.principals.contains_key(name)
    }

    fn jmespath(&mut self, path: &str) {
        if let Err(error) = jmespath::compile(path) {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            self.complain(path, format!("{path:?} is no JMESPath: {reason}"), "write it as you would after --query");
        }
    }
}

fn is_kebab(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `003.7`: a note of the course, and a line within it.
fn is_seed(line: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    line.split_once('.').is_some_and(|(note, line)| note.len() == 3 && digits(note) && digits(line))
}

/// Every text of the expectations in which a variable may stand.
fn texts(expect: &Expect) -> Vec<String> {
    let mut found: Vec<String> = matchers(expect).into_iter().map(|matcher| matcher.source().to_string()).collect();
    for (subject, places) in &expect.keys {
        found.push(subject.clone());
        found.extend(places.values().filter_map(|form| match form {
            Whereabouts::Wrapped(Some(key)) => Some(key.clone()),
            _ => None,
        }));
    }
    for (subject, disk) in &expect.disk {
        found.push(subject.clone());
        found.extend([&disk.contains, &disk.not_contains].into_iter().flatten().cloned());
    }
    found
}

fn matchers(expect: &Expect) -> Vec<&Matcher> {
    let mut found: Vec<&Matcher> = [&expect.exit, &expect.stdout, &expect.stderr].into_iter().flatten().collect();
    found.extend(expect.result.values());
    found.extend(expect.error.iter().flat_map(|error| [&error.code, &error.message].into_iter().flatten()));
    found.extend(expect.grants.iter().map(|grants| &grants.count));
    let calls = match &expect.trail {
        Some(TrailExpect::All(calls)) => calls.as_slice(),
        Some(TrailExpect::Of(of)) => of.calls.as_slice(),
        None => &[],
    };
    for call in calls {
        found.extend([&call.by, &call.invoked_by, &call.error_code].into_iter().flatten());
        found.extend(call.request.values());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Shelf;
    use crate::script::load::parse;
    use std::path::Path;

    fn complaints(yaml: &str) -> Vec<String> {
        let path = Path::new("x.scenario.yaml");
        let scenario = parse(path, yaml).unwrap();
        let lesson = Lesson { path: path.into(), source: yaml.into(), scenario, shelf: Shelf::Library };
        lint(&lesson).iter().map(|problem| problem.what().to_owned()).collect()
    }

    const HEAD: &str = "scenario: x\ntitle: X\nworld:\n  principals:\n    admin: {allow: '*'}\nsteps:\n";

    #[test]
    fn a_sound_lesson_has_no_complaints() {
        let step = "  - id: a\n    title: A\n    as: admin\n    run: aws kms list-keys\n    capture: {KEY: 'Keys[0].KeyId'}\n    expect: {result: {'Keys[0].KeyId': $KEY}, keys: {kms/$KEY: {hsm: plaintext}}}\n";
        assert_eq!(complaints(&format!("{HEAD}{step}")), Vec::<String>::new());
    }

    #[test]
    fn each_loose_end_is_named() {
        let step = "  - id: a\n    title: A\n    as: nobody\n    run: 'true'\n    ask: {q: why, options: [x], answer: y}\n    capture: {PATH: 'a.['}\n    expect: {stdout: $GHOST}\n";
        let found =
            complaints(&format!("{HEAD}{step}{step}").replace("scenario: x", "scenario: x\nseed: ['3.7']")).join("\n");
        for expected in
            ["used twice", "syllabus", "nobody called", "not among the options", "cannot name", "JMESPath", "$GHOST"]
        {
            assert!(found.contains(expected), "{expected} is missing in:\n{found}");
        }
    }
}
