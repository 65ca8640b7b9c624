//! What a class sees, or a program reads. The only part of the crate that writes anything out.

pub mod brief;
pub mod json;
pub mod narrative;
pub mod paint;

use std::io::{self, Write};

use crate::Options;
use crate::runner::{StepRun, Tally};
use crate::script::Step;
use crate::script::load::{Lesson, Problem};
use crate::stage::StageError;

/// A teller of runs. Errors are those of writing.
pub trait Report {
    /// The curtain rises.
    fn opening(&mut self, lesson: &Lesson, endpoint: &str) -> io::Result<()>;
    /// A step is about to run.
    fn before(&mut self, step: &Step, number: usize, of: usize, who: &str) -> io::Result<()>;
    /// A step ran.
    fn after(&mut self, run: &StepRun<'_>) -> io::Result<()>;
    /// The lesson is over.
    fn closing(&mut self, lesson: &Lesson, tally: &Tally) -> io::Result<()>;
    /// The lesson could not begin, or go on.
    fn stopped(&mut self, lesson: &Lesson, error: &StageError) -> io::Result<()>;
    /// A file is not a lesson.
    fn problem(&mut self, problem: &Problem) -> io::Result<()>;
    /// These files are lessons.
    fn sound(&mut self, lessons: &[Lesson]) -> io::Result<()>;
}

/// The teller that the options ask for.
pub fn new<'a>(options: &Options, out: &'a mut dyn Write) -> Box<dyn Report + 'a> {
    let paint = paint::Paint::new(options.color);
    match (options.json, options.narrate) {
        (true, _) => Box::new(json::Json::new(out)),
        (false, true) => Box::new(narrative::Narrative::new(out, paint)),
        (false, false) => Box::new(brief::Brief::new(out, paint)),
    }
}
