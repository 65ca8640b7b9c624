//! Reading a lesson. A file that is not exactly in the language is refused with the place, the reason and a way on.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};

use crate::library::{self, Shelf};

use super::Scenario;

/// A lesson that was read.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text, for pointing at places.
    pub source: String,
    /// What it says.
    pub scenario: Scenario,
    /// Where its policies are.
    pub shelf: Shelf,
}

/// Something wrong with a file: what, where, why, and what to do next.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{what}")]
pub struct Problem {
    what: String,
    #[source_code]
    source_text: NamedSource<String>,
    #[label("{why}")]
    at: Option<SourceSpan>,
    why: String,
    #[help]
    next: String,
}

impl Problem {
    /// A problem at a stretch of bytes of a file's text, or with the file as a whole.
    pub fn new(path: &Path, text: &str, at: Option<(usize, usize)>, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source_text: NamedSource::new(path.display().to_string(), text.to_owned()).with_language("yaml"),
            at: at.map(SourceSpan::from),
            why: "here".into(),
            next: "docs: scenarios/schema/scenario.v1.json describes every field; `sse-sim scenario lint FILE` checks again".into(),
        }
    }

    /// The words beside the place.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// The way on.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// The problem in one sentence.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// For a terminal: the sentence, the lines of the file, the place, the way on.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(110);
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            Err(_) => format!("{}\n", self.what),
        }
    }
}

/// Reads a lesson, a file or the name of one that comes along, and checks it against the language.
pub fn load(path: &Path) -> Result<Lesson, Box<Problem>> {
    if let Some(text) = library::lesson(path).filter(|_| !path.is_file()) {
        let shown = library::path_of(path);
        let scenario = parse(&shown, text)?;
        return Ok(Lesson { path: shown, source: text.to_owned(), scenario, shelf: Shelf::Library });
    }
    let source = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let scenario = parse(path, &source)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(Lesson { path: path.to_owned(), source, scenario, shelf: Shelf::Folder(folder) })
}

/// Reads a lesson from its text; `path` names it in problems.
pub fn parse(path: &Path, source: &str) -> Result<Scenario, Box<Problem>> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(source, options).map_err(|error| Box::new(refused(path, source, &error)))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<Problem> {
    let problem = Problem::new(path, "", None, format!("cannot read {}: {error}", path.display()));
    let names: Vec<&str> = library::LESSONS.iter().map(|(name, _)| *name).collect();
    Box::new(problem.next(format!("give the path of a *.scenario.yaml file, or a name: {}", names.join(", "))))
}

fn refused(path: &Path, source: &str, error: &serde_saphyr::Error) -> Problem {
    let at = error.location().map(|place| (offset(source, place.line(), place.column()), 1));
    let at = at.map(|(start, _)| (start, word_length(&source[start..])));
    Problem::new(path, source, at, sentence(error))
}

/// The error without its position, which the picture shows.
fn sentence(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or("not a scenario");
    let first = first.rsplit_once(" at line ").map_or(first, |(sentence, _)| sentence);
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}

/// Byte offset of a line and column, both counted from 1, columns in characters.
fn offset(source: &str, line: u64, column: u64) -> usize {
    let skipped = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = source.split_inclusive('\n').take(skipped).map(str::len).sum();
    let columns = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    let within: usize = source[start..].chars().take(columns).map(char::len_utf8).sum();
    (start + within).min(source.len())
}

fn word_length(text: &str) -> usize {
    text.chars().take_while(|c| !c.is_whitespace() && *c != ':').map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn refusal(yaml: &str) -> String {
        // An unindented first line, since the snapshots cut off common indentation.
        format!("refused:\n{}", parse(Path::new("x.scenario.yaml"), yaml).unwrap_err().render(false))
    }

    #[test]
    fn an_unknown_field_is_shown_where_it_stands() {
        let yaml = "scenario: x\ntitle: X\nsteps:\n  - id: a\n    title: A\n    run: 'true'\n    expct: {exit: 0}\n";
        expect![[r#"
            refused:
              × unknown field `expct`, expected one of id, title, as, say, ask, run, capture, expect
               ╭─[x.scenario.yaml:7:5]
             6 │     run: 'true'
             7 │     expct: {exit: 0}
               ·     ──┬──
               ·       ╰── here
               ╰────
              help: docs: scenarios/schema/scenario.v1.json describes every field; `sse-sim scenario lint FILE` checks
                    again
        "#]]
        .assert_eq(&refusal(yaml));
    }

    #[test]
    fn a_wrong_word_deep_inside_is_shown_too() {
        let yaml = "scenario: x\ntitle: X\nsteps:\n  - id: a\n    title: A\n    run: 'true'\n    expect:\n      keys:\n        volume/v: {hypervisor.memry: absent}\n";
        expect![[r#"
            refused:
              × `hypervisor.memry` is no place where a key can be, expected one of hsm, kms.store, ebs.metadata,
              │ hypervisor.memory, s3.metadata, s3.memory, caller, disk, elsewhere
               ╭─[x.scenario.yaml:9:20]
             8 │       keys:
             9 │         volume/v: {hypervisor.memry: absent}
               ·                    ────────┬───────
               ·                            ╰── here
               ╰────
              help: docs: scenarios/schema/scenario.v1.json describes every field; `sse-sim scenario lint FILE` checks
                    again
        "#]]
        .assert_eq(&refusal(yaml));
    }

    #[test]
    fn a_typo_in_a_call_of_the_trail_is_refused() {
        let yaml = "scenario: x\ntitle: X\nsteps:\n  - id: a\n    title: A\n    run: 'true'\n    expect:\n      trail:\n        of: [kms]\n        calls: [{event: Decrypt, bye: me}]\n";
        expect![[r#"
            refused:
              × unknown field `bye` in a call of the trail, expected `event`, `by`, `invokedBy`, `errorCode`, `request`
              │ or `request.<path>`
                ╭─[x.scenario.yaml:10:17]
              9 │         of: [kms]
             10 │         calls: [{event: Decrypt, bye: me}]
                ·                 ───┬──
                ·                    ╰── here
                ╰────
              help: docs: scenarios/schema/scenario.v1.json describes every field; `sse-sim scenario lint FILE` checks
                    again
        "#]]
        .assert_eq(&refusal(yaml));
    }

    #[test]
    fn broken_yaml_names_its_place() {
        expect![[r#"
            refused:
              × expected string scalar
               ╭─[x.scenario.yaml:1:11]
             1 │ scenario: [x
               ·           ─┬
               ·            ╰── here
             2 │ title: X
               ╰────
              help: docs: scenarios/schema/scenario.v1.json describes every field; `sse-sim scenario lint FILE` checks
                    again
        "#]]
        .assert_eq(&refusal("scenario: [x\ntitle: X\n"));
    }
}
