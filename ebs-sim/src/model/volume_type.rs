//! Volume types and what each allows. Nothing is throttled by them; they are checked, and shown.

use std::ops::RangeInclusive;

/// Type, IOPS and throughput of a volume, checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Performance {
    /// The type.
    pub kind: VolumeType,
    /// I/O operations per second, where the type has such a figure.
    pub iops: Option<u32>,
    /// MiB/s; gp3 only.
    pub throughput: Option<u32>,
}

/// EBS's volume types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumeType {
    /// General purpose SSD, the API's default.
    #[default]
    Gp2,
    /// General purpose SSD with chosen IOPS and throughput.
    Gp3,
    /// Provisioned IOPS SSD.
    Io1,
    /// Provisioned IOPS SSD.
    Io2,
    /// Throughput HDD.
    St1,
    /// Cold HDD.
    Sc1,
    /// Magnetic.
    Standard,
}

/// Why size, IOPS and throughput do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPerformance {
    /// Out of the type's range.
    #[error("Volume of {size}GiB is too {} for volume type {kind}; {} is {limit}GiB.", small_or_large(*.size, *.limit), min_or_max(*.size, *.limit))]
    Size {
        /// As asked.
        size: u32,
        /// The type.
        kind: &'static str,
        /// The bound that was crossed.
        limit: u32,
    },
    /// Out of the type's range.
    #[error("Volume iops of {iops} is too {} for volume type {kind}; {} is {limit}.", low_or_high(*.iops, *.limit), min_or_max(*.iops, *.limit))]
    Iops {
        /// As asked.
        iops: u32,
        /// The type.
        kind: &'static str,
        /// The bound that was crossed.
        limit: u32,
    },
    /// Out of gp3's range.
    #[error("Throughput (MiB/s) of {throughput} is too {}; {} is {limit}.", low_or_high(*.throughput, *.limit), min_or_max(*.throughput, *.limit))]
    Throughput {
        /// As asked.
        throughput: u32,
        /// The bound that was crossed.
        limit: u32,
    },
    /// io1 and io2 want a figure.
    #[error("The request must contain the parameter iops")]
    IopsMissing,
    /// The type has no such figure to choose.
    #[error("The parameter iops is not supported for {0} volumes.")]
    IopsNotSupported(&'static str),
    /// Only gp3 has a throughput to choose.
    #[error("throughput can only be specified for volumeType gp3.")]
    ThroughputNotSupported,
}

/// What a type allows.
struct Limits {
    size_gib: RangeInclusive<u32>,
    iops: Option<RangeInclusive<u32>>,
}

const GP3_THROUGHPUT: RangeInclusive<u32> = 125..=2000;
const GP3_IOPS: u32 = 3000;

impl VolumeType {
    const ALL: [Self; 7] = [Self::Gp2, Self::Gp3, Self::Io1, Self::Io2, Self::St1, Self::Sc1, Self::Standard];

    /// From AWS's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
            Self::St1 => "st1",
            Self::Sc1 => "sc1",
            Self::Standard => "standard",
        }
    }

    fn limits(self) -> Limits {
        let (size_gib, iops) = match self {
            Self::Gp2 => (1..=16384, None),
            Self::Gp3 => (1..=65536, Some(3000..=80000)),
            Self::Io1 => (4..=16384, Some(100..=64000)),
            Self::Io2 => (4..=65536, Some(100..=256_000)),
            Self::St1 | Self::Sc1 => (125..=16384, None),
            Self::Standard => (1..=1024, None),
        };
        Limits { size_gib, iops }
    }

    /// Checks what was asked and fills in what was not.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn performance(
        self,
        size_gib: u32,
        iops: Option<u32>,
        throughput: Option<u32>,
    ) -> Result<Performance, BadPerformance> {
        let (kind, limits) = (self.name(), self.limits());
        crossed(&limits.size_gib, size_gib)
            .map_or(Ok(()), |limit| Err(BadPerformance::Size { size: size_gib, kind, limit }))?;
        match (iops, &limits.iops) {
            (Some(_), None) => return Err(BadPerformance::IopsNotSupported(kind)),
            (None, Some(_)) if self != Self::Gp3 => return Err(BadPerformance::IopsMissing),
            (Some(iops), Some(range)) => {
                crossed(range, iops).map_or(Ok(()), |limit| Err(BadPerformance::Iops { iops, kind, limit }))?;
            }
            (None, _) => {}
        }
        let iops = iops.or(self.usual_iops(size_gib));
        Ok(Performance { kind: self, iops, throughput: self.throughput(throughput)? })
    }

    fn throughput(self, asked: Option<u32>) -> Result<Option<u32>, BadPerformance> {
        match (self, asked) {
            (Self::Gp3, None) => Ok(Some(*GP3_THROUGHPUT.start())),
            (Self::Gp3, Some(throughput)) => crossed(&GP3_THROUGHPUT, throughput)
                .map_or(Ok(Some(throughput)), |limit| Err(BadPerformance::Throughput { throughput, limit })),
            (_, Some(_)) => Err(BadPerformance::ThroughputNotSupported),
            (_, None) => Ok(None),
        }
    }

    /// gp2 earns 3 IOPS per GiB, at least 100 and at most 16,000; gp3 has 3,000 whatever its size.
    fn usual_iops(self, size_gib: u32) -> Option<u32> {
        match self {
            Self::Gp2 => Some((size_gib * 3).clamp(100, 16000)),
            Self::Gp3 => Some(GP3_IOPS),
            Self::Io1 | Self::Io2 | Self::St1 | Self::Sc1 | Self::Standard => None,
        }
    }
}

/// The bound that a figure lies beyond.
fn crossed(range: &RangeInclusive<u32>, figure: u32) -> Option<u32> {
    match range.contains(&figure) {
        true => None,
        false if figure < *range.start() => Some(*range.start()),
        false => Some(*range.end()),
    }
}

fn small_or_large(figure: u32, limit: u32) -> &'static str {
    if figure < limit { "small" } else { "large" }
}

fn low_or_high(figure: u32, limit: u32) -> &'static str {
    if figure < limit { "low" } else { "high" }
}

fn min_or_max(figure: u32, limit: u32) -> &'static str {
    if figure < limit { "minimum" } else { "maximum" }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(kind: &str, size: u32, iops: Option<u32>, throughput: Option<u32>, expected: Expect) {
        let found = match VolumeType::parse(kind).unwrap().performance(size, iops, throughput) {
            Ok(p) => format!("{:?} iops, {:?} MiB/s", p.iops, p.throughput),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&found);
    }

    #[test]
    fn each_type_has_its_limits() {
        check("gp2", 1, None, None, expect!["Some(100) iops, None MiB/s"]);
        check("gp2", 1000, None, None, expect!["Some(3000) iops, None MiB/s"]);
        check(
            "gp2",
            20000,
            None,
            None,
            expect!["Volume of 20000GiB is too large for volume type gp2; maximum is 16384GiB."],
        );
        check("gp2", 1, Some(100), None, expect!["The parameter iops is not supported for gp2 volumes."]);
        check("gp3", 1, None, None, expect!["Some(3000) iops, Some(125) MiB/s"]);
        check("gp3", 1, Some(10), None, expect!["Volume iops of 10 is too low for volume type gp3; minimum is 3000."]);
        check("gp3", 1, None, Some(5000), expect!["Throughput (MiB/s) of 5000 is too high; maximum is 2000."]);
        check("io1", 4, None, None, expect!["The request must contain the parameter iops"]);
        check("io2", 4, Some(100), Some(125), expect!["throughput can only be specified for volumeType gp3."]);
        check("st1", 1, None, None, expect!["Volume of 1GiB is too small for volume type st1; minimum is 125GiB."]);
        check("standard", 1, None, None, expect!["None iops, None MiB/s"]);
        assert_eq!(VolumeType::parse("gp9"), None);
    }
}
