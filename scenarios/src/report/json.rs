//! One JSON object per lesson and line, for programs. Members are only ever added.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::planes::trail;
use crate::report::Report;
use crate::runner::{StepRun, Tally};
use crate::script::Step;
use crate::script::load::{Lesson, Problem};
use crate::stage::StageError;

/// The teller.
pub struct Json<'a> {
    out: &'a mut dyn Write,
    steps: Vec<Value>,
}

impl<'a> Json<'a> {
    /// Tells through `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, steps: Vec::new() }
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")?;
        self.out.flush()
    }
}

impl Report for Json<'_> {
    fn opening(&mut self, _: &Lesson, _: &str) -> io::Result<()> {
        self.steps.clear();
        Ok(())
    }

    fn before(&mut self, _: &Step, _: usize, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn after(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        self.steps.push(step(run));
        Ok(())
    }

    fn closing(&mut self, lesson: &Lesson, tally: &Tally) -> io::Result<()> {
        let steps = std::mem::take(&mut self.steps);
        let counts = json!({"passed": tally.passed, "failed": tally.failed, "notChecked": tally.not_checked, "stepsSkipped": tally.skipped});
        self.line(&json!({
            "scenario": lesson.scenario.scenario,
            "title": lesson.scenario.title,
            "exit": tally.outcome().exit_code(),
            "checks": counts,
            "steps": steps,
            "leftBehind": tally.left_behind,
        }))
    }

    fn stopped(&mut self, lesson: &Lesson, error: &StageError) -> io::Result<()> {
        let steps = std::mem::take(&mut self.steps);
        self.line(&json!({"scenario": lesson.scenario.scenario, "stopped": error.to_string(), "steps": steps}))
    }

    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let text = problem.render(false);
        self.line(&json!({"problem": problem.what(), "text": text}))
    }

    fn sound(&mut self, lessons: &[Lesson]) -> io::Result<()> {
        lessons.iter().try_for_each(|lesson| self.line(&json!({"scenario": lesson.scenario.scenario, "sound": true})))
    }
}

fn step(run: &StepRun<'_>) -> Value {
    let call = |call: &aws_core::event::ApiCall| {
        json!({
            "event": call.name,
            "service": trail::service(call),
            "by": trail::caller(call),
            "invokedBy": call.context.via.as_ref().map(|via| &via.invoked_by),
            "errorCode": call.error.as_ref().map(|error| &error.code),
        })
    };
    let captured: serde_json::Map<String, Value> =
        run.captured.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({
        "id": run.step.id,
        "title": run.step.title,
        "as": run.who,
        "run": run.step.run,
        "exit": run.ran.exit,
        "captured": captured,
        "checks": run.checks,
        "trail": run.calls.iter().map(call).collect::<Vec<_>>(),
        "shown": run.dumps,
    })
}
