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
pub async fn run(lesson: &Lesson, options: &Options, report: &mut dyn Report) -> io::Result<Outcome> {
    let stage = match Stage::rise(lesson, options).await {
        Ok(stage) => stage,
        Err(error) => return stopped(lesson, &error, report),
    };
    report.opening(lesson, stage.http.endpoint())?;
    let mut player = Player { stage, variables: given(lesson), who: "root".into(), position: 0 };
    let mut tally = Tally::default();
    let played = player.play(lesson, &mut tally, report).await?;
    tally.left_behind = player.clean_up(lesson);
    player.stage.fall(&lesson.scenario.world).await;
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

/// A lesson in progress.
struct Player {
    stage: Stage,
    variables: Variables,
    /// Who is at the keyboard.
    who: String,
    /// Where the trail stood when it was last read.
    position: u64,
}

impl Player {
    async fn play(
        &mut self,
        lesson: &Lesson,
        tally: &mut Tally,
        report: &mut dyn Report,
    ) -> io::Result<Result<(), StageError>> {
        let steps = &lesson.scenario.steps;
        for (index, step) in steps.iter().enumerate() {
            self.who = step.acts_as.clone().unwrap_or_else(|| self.who.clone());
            report.before(step, index + 1, steps.len(), &self.who)?;
            let run = match self.perform(step).await {
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

    async fn perform<'a>(&mut self, step: &'a Step) -> Result<StepRun<'a>, StageError> {
        let http = &self.stage.http;
        self.position = trail::position(http, self.position).await?;
        let credentials = self.stage.people.credentials(&self.who, http.account());
        let ran = self.stage.shell.run(&step.run, &credentials, &self.variables)?;
        let calls = trail::calls_since(http, self.position).await?;
        let (captured, missing) = capture(step, &ran, &mut self.variables);
        let mut checks = command::check(&step.expect, &ran, &self.variables);
        checks.extend(missing);
        let who = self.who.clone();
        let mut run = StepRun { step, who, ran, captured, checks, calls, standings: Vec::new(), dumps: Vec::new() };
        self.look_around(&mut run).await?;
        Ok(run)
    }

    /// The planes behind the command: only now, so that looking leaves no mark on the step.
    async fn look_around(&self, run: &mut StepRun<'_>) -> Result<(), StageError> {
        let (expect, http, variables) = (&run.step.expect, &self.stage.http, &self.variables);
        if let Some(wanted) = &expect.trail {
            run.checks.extend(trail::check(wanted, &run.calls, variables));
        }
        if !expect.keys.is_empty() {
            let ledger = Ledger::read(http).await?;
            run.checks.extend(keys::check(&expect.keys, &ledger, variables));
            let named = expect.keys.keys().filter_map(|subject| variables.fill(subject).ok());
            run.standings.extend(named.map(|subject| (subject.clone(), ledger.standings(&subject))));
        }
        if let Some(wanted) = &expect.grants {
            run.checks.push(grants::check(wanted, http, variables).await);
        }
        for (subject, wanted) in &expect.disk {
            let (checks, dump) = disk::check(subject, wanted, http, self.stage.shell.folder(), variables).await;
            run.checks.extend(checks);
            run.dumps.extend(dump);
        }
        run.checks.extend(not_yet(expect));
        Ok(())
    }

    /// Runs every clean-up command, and returns those that failed.
    fn clean_up(&self, lesson: &Lesson) -> Vec<String> {
        let root = self.stage.people.credentials("root", self.stage.http.account());
        let run = |command: &String| self.stage.shell.run(command, &root, &self.variables);
        let failed = lesson.scenario.cleanup.iter().filter_map(|command| match run(command) {
            Ok(ran) if ran.exit == 0 => None,
            Ok(ran) => Some(format!("{command}: {}", ran.stderr.trim())),
            Err(error) => Some(format!("{command}: {error}")),
        });
        failed.collect()
    }
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
