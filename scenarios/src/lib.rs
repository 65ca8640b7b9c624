//! The lessons: strict YAML, real command lines, checked expectations.
//!
//! ```text
//! script    the language of a lesson, and reading it strictly
//! stage     a private server or a given one, the account's people, the folder where commands run
//! planes    what is true after a step: result, trail, keys, grants, disk
//! library   the lessons that come along
//! runner    one lesson from the first step to the last clean-up
//! report    what a class sees, or a program reads
//! ```
//!
//! The genuine aws-cli runs every command; the server is seen only as any client sees it, over HTTP.
//! Deliberately absent: any knowledge of the services' insides, and printing anywhere but in `report`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod library;
pub mod planes;
pub mod report;
pub mod runner;
pub mod script;
pub mod stage;

use std::io::{self, Write};
use std::path::PathBuf;

use report::Report;
use script::lint::lint as loose_ends;
use script::load::{Lesson, Problem, load};

pub use report::paint::wants_color;

/// How lessons are run and told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The `sse-sim` executable: started as the private server, and first on the PATH of commands.
    pub server_exe: PathBuf,
    /// A running server instead of a private one.
    pub target: Option<String>,
    /// Whether the terminal shows colours; see [`wants_color`].
    pub color: bool,
    /// One JSON object per lesson and line, for programs.
    pub json: bool,
    /// Step by step, for people (`scenario run`); otherwise a line per lesson and what failed (`scenario test`).
    pub narrate: bool,
}

/// How it ended; worse ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every check passed.
    Passed,
    /// A check failed.
    Failed,
    /// The machine lacks something that a lesson needs.
    Missing,
    /// No server answers.
    Unreachable,
    /// A file is not a scenario.
    Usage,
}

impl Outcome {
    /// The exit status for the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Missing => 3,
            Self::Unreachable => 4,
        }
    }
}

/// Runs lessons one after the other and tells about them through `out`. `files` are paths, or names of lessons that come
/// along; none means all of these. Nothing runs if one of them is not a scenario. The error is one of writing to `out`.
pub async fn run(files: &[PathBuf], options: &Options, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut report = report::new(options, out);
    let chosen = chosen(files);
    let lessons = read(&chosen, report.as_mut())?;
    if lessons.len() < chosen.len() {
        return Ok(Outcome::Usage);
    }
    let mut worst = Outcome::Passed;
    for lesson in &lessons {
        worst = worst.max(runner::run(lesson, options, report.as_mut()).await?);
    }
    Ok(worst)
}

/// Reads lessons without running them, and tells what is wrong with each.
pub fn lint(files: &[PathBuf], out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut report = report::new(&Options::default(), out);
    let chosen = chosen(files);
    let lessons = read(&chosen, report.as_mut())?;
    report.sound(&lessons)?;
    Ok(if lessons.len() < chosen.len() { Outcome::Usage } else { Outcome::Passed })
}

fn chosen(files: &[PathBuf]) -> Vec<PathBuf> {
    if files.is_empty() { library::all() } else { files.to_vec() }
}

/// The lessons that are sound; the others are told.
fn read(files: &[PathBuf], report: &mut dyn Report) -> io::Result<Vec<Lesson>> {
    let mut sound = Vec::new();
    for file in files {
        let (lesson, problems) = match load(file) {
            Ok(lesson) => (Some(lesson.clone()), loose_ends(&lesson)),
            Err(problem) => (None, vec![*problem]),
        };
        problems.iter().try_for_each(|problem: &Problem| report.problem(problem))?;
        sound.extend(lesson.filter(|_| problems.is_empty()));
    }
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_lesson_of_the_library_is_sound() {
        let mut told = Vec::new();
        assert_eq!(lint(&[], &mut told).unwrap(), Outcome::Passed, "{}", String::from_utf8_lossy(&told));
    }

    /// The rows of docs/SYLLABUS.md: an id, and the lessons that the row names.
    fn syllabus() -> Vec<(String, Vec<String>)> {
        let page = include_str!("../../docs/SYLLABUS.md");
        let rows = page.lines().filter(|line| line.starts_with("| 0"));
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(" | ").collect();
            let shown_by = cells[cells.len() - 1];
            let lessons = shown_by.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (cells[0].trim_start_matches("| ").to_owned(), lessons)
        };
        rows.map(row).collect()
    }

    #[test]
    fn the_syllabus_and_the_lessons_name_each_other() {
        let mut by_syllabus = BTreeSet::new();
        for (line, lessons) in syllabus() {
            by_syllabus.extend(lessons.into_iter().map(|lesson| (lesson, line.clone())));
        }
        let mut by_lessons = BTreeSet::new();
        for file in library::all() {
            let scenario = load(&file).unwrap().scenario;
            by_lessons.extend(scenario.seed.iter().map(|line| (scenario.scenario.clone(), line.clone())));
        }
        assert_eq!(by_syllabus, by_lessons);
        assert!(syllabus().len() > 90);
    }
}
