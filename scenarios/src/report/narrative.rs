//! A lesson told on a terminal: the story, the command, what came of it, the calls as arrows, where every key is now.

use std::io::{self, Write};

use aws_core::event::{ApiCall, Form};
use aws_core::principal::Principal;
use serde_json::Value;

use crate::planes::keys::Standings;
use crate::planes::{Check, Verdict, trail};
use crate::report::{Report, brief::sum, paint::Paint};
use crate::runner::{StepRun, Tally};
use crate::script::Step;
use crate::script::expect::place_word;
use crate::script::load::{Lesson, Problem};
use crate::stage::StageError;
use crate::{Outcome, script::matcher::shown};

const WIDTH: usize = 100;
/// Lines of a command's output that are shown.
const OUTPUT_LINES: usize = 12;

/// The teller.
pub struct Narrative<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
}

impl<'a> Narrative<'a> {
    /// Tells through `out`.
    pub fn new(out: &'a mut dyn Write, paint: Paint) -> Self {
        Self { out, paint }
    }

    fn paragraph(&mut self, lead: &str, text: &str) -> io::Result<()> {
        let indent = " ".repeat(lead.chars().count());
        for (index, line) in wrap(text, WIDTH - lead.chars().count()).iter().enumerate() {
            let lead = if index == 0 { lead } else { &indent };
            writeln!(self.out, "{lead}{line}")?;
        }
        Ok(())
    }

    fn output(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        let printed = serde_json::from_str::<Value>(&run.ran.stdout).ok().filter(|value| value.is_object());
        if printed.is_none() {
            self.lines(&run.ran.stdout)?;
        }
        if run.ran.exit != 0 {
            let complaint = run.ran.stderr.lines().find(|line| line.to_ascii_lowercase().contains("error"));
            self.lines(complaint.unwrap_or(&run.ran.stderr))?;
        }
        for (name, value) in &run.captured {
            writeln!(self.out, "     {} {value}", self.paint.cyan(&format!("{name} =")))?;
        }
        Ok(())
    }

    fn lines(&mut self, text: &str) -> io::Result<()> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in lines.iter().take(OUTPUT_LINES) {
            writeln!(self.out, "     {}", self.paint.dim(&printable(line)))?;
        }
        if lines.len() > OUTPUT_LINES {
            writeln!(self.out, "     {}", self.paint.dim(&format!("… {} more lines", lines.len() - OUTPUT_LINES)))?;
        }
        Ok(())
    }

    /// The checks of some planes, one line each.
    fn checks<'c>(&mut self, checks: impl Iterator<Item = &'c Check>) -> io::Result<()> {
        for check in checks {
            let (mark, tail) = match &check.verdict {
                Verdict::Passed { seen: None } => (self.paint.green("✓"), String::new()),
                Verdict::Passed { seen: Some(_) } if ["stdout", "stderr"].contains(&check.plane) => {
                    (self.paint.green("✓"), String::new())
                }
                Verdict::Passed { seen: Some(seen) } => (self.paint.green("✓"), self.paint.dim(&format!("  ({seen})"))),
                Verdict::Failed { seen } => (self.paint.red("✗"), self.paint.red(&format!("\n       but saw: {seen}"))),
                Verdict::NotChecked { reason } => {
                    (self.paint.yellow("–"), self.paint.dim(&format!("  not checked: {reason}")))
                }
            };
            writeln!(self.out, "   {mark} {:<7} {}{tail}", check.plane, check.what)?;
        }
        Ok(())
    }

    /// One line for a plane whose picture follows; what failed in it is listed.
    fn plane(&mut self, run: &StepRun<'_>, plane: &str, picture: &str) -> io::Result<()> {
        let checks: Vec<&Check> = run.checks.iter().filter(|check| check.plane == plane).collect();
        let failed = checks.iter().filter(|check| check.failed()).count();
        let (mark, verdict) = match (checks.len(), failed) {
            (0, _) => (self.paint.dim("·"), String::new()),
            (all, 0) => (self.paint.green("✓"), format!("{all} as expected")),
            (all, failed) => (self.paint.red("✗"), format!("{failed} of {all} not as expected")),
        };
        writeln!(self.out, "   {mark} {plane:<7} {picture}{}", self.paint.dim(&format!("  {verdict}")))?;
        self.checks(checks.into_iter().filter(|check| check.failed()))
    }

    fn trail(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        let expected = run.checks.iter().any(|check| check.plane == "trail");
        if run.calls.is_empty() && !expected {
            return Ok(());
        }
        let none = if run.calls.is_empty() { "nobody called anybody" } else { "who called whom" };
        self.plane(run, "trail", none)?;
        run.calls.iter().try_for_each(|call| writeln!(self.out, "       {}", self.arrow(call)))
    }

    /// `student ──▶ ec2 ──▶ kms  CreateGrant`
    fn arrow(&self, call: &ApiCall) -> String {
        let who = trail::caller(call);
        let itself = matches!(call.context.caller.principal, Principal::Service { .. });
        let via = call.context.via.as_ref().filter(|_| !itself);
        let through = via.map(|via| front(&via.invoked_by)).filter(|front| !front.is_empty());
        let lanes: Vec<&str> =
            [Some(who.as_str()), through, Some(trail::service(call))].into_iter().flatten().collect();
        let name = self.paint.bold(&call.name);
        let error =
            call.error.as_ref().map(|error| self.paint.yellow(&format!("  ✗ {}", error.code))).unwrap_or_default();
        format!("{}  {name}{error}{}", lanes.join(" ──▶ "), self.paint.dim(&context(call)))
    }

    fn keys(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        if run.standings.is_empty() {
            return Ok(());
        }
        self.plane(run, "keys", "where is every key now?")?;
        for (subject, standings) in &run.standings {
            writeln!(self.out, "       {subject}")?;
            self.places(standings)?;
        }
        Ok(())
    }

    fn places(&mut self, standings: &Standings) -> io::Result<()> {
        if standings.is_empty() {
            writeln!(self.out, "         {}", self.paint.dim("nowhere"))?;
        }
        for (place, standing) in standings {
            let form = match &standing.form {
                Form::Plaintext => self.paint.yellow("● PLAINTEXT"),
                Form::Wrapped { by } => format!("▣ wrapped by {}", short_name(by)),
            };
            writeln!(self.out, "         {:<18} {form}", place_word(*place))?;
        }
        Ok(())
    }
}

impl Report for Narrative<'_> {
    fn opening(&mut self, lesson: &Lesson, endpoint: &str) -> io::Result<()> {
        let scenario = &lesson.scenario;
        let rule = "━".repeat(WIDTH.saturating_sub(scenario.title.chars().count() + 4));
        writeln!(self.out, "\n━━ {} {}", self.paint.bold(&scenario.title), self.paint.dim(&rule))?;
        let world = &scenario.world;
        let minutes = scenario.minutes.map(|minutes| format!(" · {minutes} minutes in class")).unwrap_or_default();
        let facts =
            format!("{} · {} · account {}{minutes} · {endpoint}", scenario.scenario, world.region, world.account);
        writeln!(self.out, "   {}", self.paint.dim(&facts))?;
        writeln!(self.out)?;
        for lesson in &scenario.teaches {
            self.paragraph("   • ", lesson)?;
        }
        if let Some(then_now) = &scenario.then_now {
            writeln!(self.out)?;
            self.paragraph("   Then and now: ", then_now)?;
        }
        self.out.flush()
    }

    fn before(&mut self, step: &Step, number: usize, of: usize, who: &str) -> io::Result<()> {
        let title = self.paint.bold(&step.title);
        writeln!(
            self.out,
            "\n {} {title}  {}",
            self.paint.dim(&format!("{number}/{of}")),
            self.paint.dim(&format!("({who})"))
        )?;
        if let Some(say) = &step.say {
            self.paragraph("   ", say)?;
        }
        if let Some(ask) = &step.ask {
            self.paragraph("   ? ", &format!("{} {}", ask.q, self.paint.dim(&ask.options.join(" / "))))?;
        }
        for (index, line) in step.run.trim_end().lines().enumerate() {
            let prompt = if index == 0 { "$" } else { " " };
            writeln!(self.out, "   {} {}", self.paint.dim(prompt), self.paint.cyan(line))?;
        }
        self.out.flush()
    }

    fn after(&mut self, run: &StepRun<'_>) -> io::Result<()> {
        self.output(run)?;
        if let Some(ask) = &run.step.ask {
            writeln!(self.out, "   {} {}", self.paint.yellow("!"), self.paint.bold(&ask.answer))?;
        }
        self.checks(run.checks.iter().filter(|check| !has_picture(check) && !goes_without_saying(check)))?;
        for dump in &run.dumps {
            writeln!(self.out, "       {}", dump.title)?;
            dump.lines.iter().try_for_each(|line| writeln!(self.out, "       {}", self.paint.dim(line)))?;
        }
        self.trail(run)?;
        self.keys(run)?;
        self.out.flush()
    }

    fn closing(&mut self, lesson: &Lesson, tally: &Tally) -> io::Result<()> {
        let passed = tally.outcome() == Outcome::Passed;
        let word = if passed { self.paint.green("✓ all as taught") } else { self.paint.red("✗ not as taught") };
        writeln!(self.out, "\n   {word}: {} — {}", lesson.scenario.scenario, sum(tally))?;
        for left in &tally.left_behind {
            writeln!(self.out, "   {} left behind: {left}", self.paint.yellow("!"))?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    fn stopped(&mut self, lesson: &Lesson, error: &StageError) -> io::Result<()> {
        writeln!(self.out, "\n   {} {}: {error}\n", self.paint.red("✗ stopped"), lesson.scenario.scenario)?;
        self.out.flush()
    }

    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        write!(self.out, "{}", problem.render(self.paint.is_on()))
    }

    fn sound(&mut self, lessons: &[Lesson]) -> io::Result<()> {
        lessons.iter().try_for_each(|lesson| writeln!(self.out, "{} {}", self.paint.green("✓"), lesson.path.display()))
    }
}

/// `key/<id>` of a key's ARN; other names stay.
fn short_name(key: &str) -> &str {
    key.rsplit_once(':').map_or(key, |(_, name)| name)
}

/// The planes that are drawn.
fn has_picture(check: &Check) -> bool {
    ["trail", "keys"].contains(&check.plane)
}

/// What a reader sees by the output that follows: the command ran, or was refused as its error says.
fn goes_without_saying(check: &Check) -> bool {
    check.plane == "exit" && check.verdict == Verdict::Passed { seen: None }
}

/// The service behind `invokedBy`: `ec2-frontend-api.amazonaws.com` → `ec2`, `fas.s3.amazonaws.com` → `s3`.
fn front(invoked_by: &str) -> &str {
    let host = invoked_by.strip_suffix(".amazonaws.com").unwrap_or_default();
    let host = host.strip_prefix("fas.").unwrap_or(host);
    host.split(['-', '.']).next().unwrap_or(host)
}

/// The encryption context of a call: what ties a key to its volume or object.
fn context(call: &ApiCall) -> String {
    let parameters = call.request_parameters.as_ref();
    let direct = parameters.and_then(|parameters| parameters.get("encryptionContext"));
    let subset = parameters.and_then(|parameters| parameters.pointer("/constraints/encryptionContextSubset"));
    let pairs = direct.or(subset).and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| format!("{name}={}", shown(value));
    pairs.map(|pairs| format!("  {{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))).unwrap_or_default()
}

/// Control characters and undecodable bytes would upset a terminal.
fn printable(line: &str) -> String {
    let cut: String = line.chars().take(160).collect();
    cut.chars().map(|c| if c.is_control() && c != '\t' || c == '\u{fffd}' { '·' } else { c }).collect()
}

/// Breaks prose into lines of at most `width` characters, at spaces.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a last line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_in_the_middle_is_named_by_its_lane() {
        assert_eq!(front("ec2-frontend-api.amazonaws.com"), "ec2");
        assert_eq!(front("fas.s3.amazonaws.com"), "s3");
        assert_eq!(front("AWS Internal"), "");
    }

    #[test]
    fn prose_is_broken_at_spaces_and_odd_bytes_do_not_reach_the_terminal() {
        assert_eq!(wrap("one two  three\nfour", 9), ["one two", "three", "four"]);
        assert_eq!(printable("a\x1b[31m\u{fffd}b"), "a·[31m·b");
    }
}
