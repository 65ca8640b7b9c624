//! One lesson, from the first step to the last clean-up.
//!
//! Around each step: where does the trail stand → run → what was called since → look at the other planes. A step whose
//! command did not end as expected, or whose captures are missing, is the last one: those after it would only stumble.

use std::io;

use aws_core::event::ApiCall;

use crate::planes::disk::Dump;
use crate::planes::keys::{Ledger, Standings};
use crate::planes::{Check, Verdict, command, disk, grants, keys, not_yet, trail};
use crate::report::Report;
use crate::script::Step;
use crate::script::load::Lesson;
use crate::script::variables::Variables;
use crate::stage::shell::Ran;
use crate::stage::{Stage, StageError};
use crate::{Options, Outcome};

/// A step that ran.
pub struct StepRun<'a> {
    /// The step.
    pub step: &'a Step,
    /// Who was at the keyboard.
    pub who: String,
    /// What the command left behind.
    pub ran: Ran,
    /// Captured names and values.
    pub captured: Vec<(String, String)>,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// The calls that the step caused.
    pub calls: Vec<ApiCall>,
    /// Where the keys are that the step names.
    pub standings: Vec<(String, Standings)>,
    /// Bytes to show.
    pub dumps: Vec<Dump>,
}

impl StepRun<'_> {
    /// Whether everything that was looked at is as expected.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(Check::failed)
    }

    /// Whether the following steps can build on this one.
    fn carries_on(&self) -> bool {
        !self.checks.iter().any(|check| check.failed() && ["exit", "capture"].contains(&check.plane))
    }
}

/// The sum of a lesson.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Checks as expected.
    pub passed: usize,
    /// Checks not as expected.
    pub failed: usize,
    /// Checks that nobody made.
    pub not_checked: usize,
    /// Steps that ran.
    pub steps: usize,
    /// Steps that no longer ran.
    pub skipped: usize,
    /// Clean-up commands that failed.
    pub left_behind: Vec<String>,
}

impl Tally {
    fn count(&mut self, run: &StepRun<'_>) {
        self.steps += 1;
        for check in &run.checks {
            match check.verdict {
                Verdict::Passed { .. } => self.passed += 1,
                Verdict::Failed { .. } => self.failed += 1,
                Verdict::NotChecked { .. } => self.not_checked += 1,
            }
        }
    }

    /// What it comes to. Remains count only if the lesson itself went well.
    pub fn outcome(&self) -> Outcome {
        if self.failed == 0 && self.left_behind.is_empty() { Outcome::Passed } else { Outcome::Failed }
    }
}

/// Runs a lesson and tells about it.
pub fn run(lesson: &Lesson, options: &Options, report: &mut dyn Report) -> io::Result<Outcome> {
    let stage = match Stage::rise(lesson, options) {
        Ok(stage) => stage,
        Err(error) => return stopped(lesson, &error, report),
    };
    report.opening(lesson, stage.http.endpoint())?;
    let mut variables = given(lesson);
    let mut tally = Tally::default();
    let played = play(lesson, &stage, &mut variables, &mut tally, report)?;
    tally.left_behind = clean_up(lesson, &stage, &variables);
    stage.fall(&lesson.scenario.world);
    match played {
        Ok(()) => {
            report.closing(lesson, &tally)?;
            Ok(tally.outcome())
        }
        Err(error) => stopped(lesson, &error, report),
    }
}

fn stopped(lesson: &Lesson, error: &StageError, report: &mut dyn Report) -> io::Result<Outcome> {
    report.stopped(lesson, error)?;
    Ok(match error {
        StageError::Missing(_) => Outcome::Missing,
        StageError::Unreachable(_) => Outcome::Unreachable,
        StageError::Script(_) => Outcome::Usage,
    })
}

fn given(lesson: &Lesson) -> Variables {
    let world = &lesson.scenario.world;
    let mut variables = Variables::default();
    variables.set("ACCOUNT", &world.account);
    variables.set("REGION", &world.region);
    variables.set("INSTANCE", world.instance.clone().unwrap_or_default());
    variables
}

fn play(
    lesson: &Lesson,
    stage: &Stage,
    variables: &mut Variables,
    tally: &mut Tally,
    report: &mut dyn Report,
) -> io::Result<Result<(), StageError>> {
    let mut who = "root".to_owned();
    let steps = &lesson.scenario.steps;
    for (index, step) in steps.iter().enumerate() {
        who = step.acts_as.clone().unwrap_or(who);
        report.before(step, index + 1, steps.len(), &who)?;
        let run = match perform(step, &who, stage, variables) {
            Ok(run) => run,
            Err(error) => return Ok(Err(error)),
        };
        tally.count(&run);
        report.after(&run)?;
        if !run.carries_on() {
            tally.skipped = steps.len() - index - 1;
            break;
        }
    }
    Ok(Ok(()))
}

fn perform<'a>(step: &'a Step, who: &str, stage: &Stage, variables: &mut Variables) -> Result<StepRun<'a>, StageError> {
    let since = trail::position(&stage.http)?;
    let credentials = stage.people.credentials(who, stage.http.account());
    let ran = stage.shell.run(&step.run, &credentials, variables)?;
    let calls = trail::calls_since(&stage.http, since)?;
    let (captured, mut checks) = capture(step, &ran, variables);
    checks.splice(0..0, command::check(&step.expect, &ran, variables));
    let mut run =
        StepRun { step, who: who.into(), ran, captured, checks, calls, standings: Vec::new(), dumps: Vec::new() };
    look_around(&mut run, stage, variables)?;
    Ok(run)
}

/// The captures that were found become variables; the others are failed checks, if the command succeeded at all.
fn capture(step: &Step, ran: &Ran, variables: &mut Variables) -> (Vec<(String, String)>, Vec<Check>) {
    let printed = command::printed(&ran.stdout);
    let (mut captured, mut checks) = (Vec::new(), Vec::new());
    for (name, path) in &step.capture {
        match command::search(path, &printed) {
            Ok(Some(value)) => captured.push((name.clone(), crate::script::matcher::shown(&value))),
            Ok(None) => {
                checks.push(Check::broken("capture", format!("{name} is {path}"), "the output has no such member"))
            }
            Err(why) => checks.push(Check::broken("capture", format!("{name} is {path}"), why)),
        }
    }
    captured.iter().for_each(|(name, value)| variables.set(name, value));
    (captured, checks)
}

fn look_around(run: &mut StepRun<'_>, stage: &Stage, variables: &Variables) -> Result<(), StageError> {
    let expect = &run.step.expect;
    if let Some(wanted) = &expect.trail {
        run.checks.extend(trail::check(wanted, &run.calls, variables));
    }
    if !expect.keys.is_empty() {
        let ledger = Ledger::read(&stage.http)?;
        run.checks.extend(keys::check(&expect.keys, &ledger, variables));
        let named = expect.keys.keys().filter_map(|subject| variables.fill(subject).ok());
        run.standings.extend(named.map(|subject| (subject.clone(), ledger.standings(&subject))));
    }
    run.checks.extend(expect.grants.as_ref().map(|wanted| grants::check(wanted, &stage.http, variables)));
    for (subject, wanted) in &expect.disk {
        let (checks, dump) = disk::check(subject, wanted, &stage.http, stage.shell.folder(), variables);
        run.checks.extend(checks);
        run.dumps.extend(dump);
    }
    run.checks.extend(not_yet(expect));
    Ok(())
}

/// Runs every clean-up command, and returns those that failed.
fn clean_up(lesson: &Lesson, stage: &Stage, variables: &Variables) -> Vec<String> {
    let root = stage.people.credentials("root", stage.http.account());
    let failed = lesson.scenario.cleanup.iter().filter_map(|command| {
        let ran = stage.shell.run(command, &root, variables).unwrap_or_else(|error| Ran {
            exit: 1,
            stderr: error.to_string(),
            ..Ran::default()
        });
        (ran.exit != 0).then(|| format!("{command}: {}", ran.stderr.trim()))
    });
    failed.collect()
}
