//! Colours, where they are wanted. Meaning never hangs on a colour alone: every mark is also a sign or a word.

/// Whether a stream should be coloured: NO_COLOR forbids it, CLICOLOR_FORCE demands it, else only a terminal is.
pub fn wants_color(is_terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (is_terminal || set("CLICOLOR_FORCE"))
}

/// A box of colours, possibly empty.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Full if `on`.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// Whether there are colours in it.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// Headlines.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Asides.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// As expected.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Not as expected.
    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// Dangerous, or unknown.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What one types.
    pub fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
