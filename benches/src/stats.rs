//! Medians and spreads.

/// How often each figure is taken.
pub const RUNS: usize = 5;

/// A figure taken several times.
#[derive(Debug, Clone)]
pub struct Figure(Vec<f64>);

impl Figure {
    /// Takes a figure [`RUNS`] times.
    pub fn take(mut measure: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<Self> {
        let mut taken = (0..RUNS).map(|_| measure()).collect::<anyhow::Result<Vec<f64>>>()?;
        taken.sort_by(f64::total_cmp);
        Ok(Self(taken))
    }

    /// Takes two figures in turns, so that a noisy minute hits both.
    pub fn take_both(
        mut one: impl FnMut() -> anyhow::Result<f64>,
        mut other: impl FnMut() -> anyhow::Result<f64>,
    ) -> anyhow::Result<(Self, Self)> {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            left.push(one()?);
            right.push(other()?);
        }
        left.sort_by(f64::total_cmp);
        right.sort_by(f64::total_cmp);
        Ok((Self(left), Self(right)))
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// `median (least–most)`.
    pub fn text(&self) -> String {
        let (least, most) = (self.0.first().copied().unwrap_or(0.0), self.0.last().copied().unwrap_or(0.0));
        format!("{:.0} ({least:.0}–{most:.0})", self.median())
    }
}

/// One line of a report: ours, the peer's, the ratio and the bound it should reach.
pub fn line(what: &str, ours: &Figure, peer: &Figure, unit: &str, bound: Option<f64>) {
    let ratio = ours.median() / peer.median();
    let judged = match bound {
        None => String::new(),
        Some(bound) if ratio >= bound => format!("  (wanted ≥ {bound}×: met)"),
        Some(bound) => format!("  (wanted ≥ {bound}×: NOT met)"),
    };
    println!("  {what:<34} {:>22} vs {:>22} {unit:<6} {ratio:.2}×{judged}", ours.text(), peer.text());
}
