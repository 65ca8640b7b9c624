//! A line per lesson, and what failed: for `sse-sim scenario test`.

use std::io::{self, Write};

use crate::planes::Verdict;
use crate::runner::{StepRun, Tally};
use crate::script::Step;
use crate::script::load::{Lesson, Problem};
use crate::stage::StageError;
use crate::{Outcome, report::Report, report::paint::Paint};

/// The teller.
pub struct Brief<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    failures: Vec<String>,
}

impl<'a> Brief<'a> {
    /// Tells through `out`.
    pub fn new(out: &'a mut dyn Write, paint: Paint) -> Self {
        Self { out, paint, failures: Vec::new() }
    }
}

impl Report for Brief<'_> {
    fn opening(&mut self, _: &Lesson, _: &str) -> io::Result<()> {
        self.failures.clear();
        Ok(())
    }

    fn before(&mut self, _: &Step, _: usize, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn after(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        for check in &run.checks {
            if let Verdict::Failed { seen } = &check.verdict {
                self.failures.push(format!("{}: {}: {}; saw {seen}", run.step.id, check.plane, check.what));
            }
        }
        Ok(())
    }

    fn closing(&mut self, lesson: &Lesson, tally: &Tally) -> io::Result<()> {
        let passed = tally.outcome() == Outcome::Passed;
        let word = if passed { self.paint.green("ok  ") } else { self.paint.red("FAIL") };
        let name = &lesson.scenario.scenario;
        writeln!(self.out, "{word} {name:<28} {}", sum(tally))?;
        for failure in self.failures.iter().chain(tally.left_behind.iter()) {
            writeln!(self.out, "     {} {failure}", self.paint.red("✗"))?;
        }
        self.out.flush()
    }

    fn stopped(&mut self, lesson: &Lesson, error: &StageError) -> io::Result<()> {
        writeln!(self.out, "{} {:<28} {error}", self.paint.yellow("STOP"), lesson.scenario.scenario)?;
        self.out.flush()
    }

    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        write!(self.out, "{}", problem.render(self.paint.is_on()))
    }

    fn sound(&mut self, lessons: &[Lesson]) -> io::Result<()> {
        lessons
            .iter()
            .try_for_each(|lesson| writeln!(self.out, "{} {}", self.paint.green("ok  "), lesson.path.display()))
    }
}

/// `9 steps, 41 checks, 2 not checked`
pub fn sum(tally: &Tally) -> String {
    let mut parts = vec![format!("{} steps", tally.steps), format!("{} checks passed", tally.passed)];
    let rest = [(tally.failed, "failed"), (tally.not_checked, "not checked"), (tally.skipped, "steps skipped")];
    parts.extend(rest.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    parts.join(", ")
}
