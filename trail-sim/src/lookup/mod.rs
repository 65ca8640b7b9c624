//! LookupEvents' request: one filter, a stretch of time, a page. Parsed here, once, into what the archive understands.

use aws_core::fault::ApiFault;
use serde::Deserialize;

mod filter;
mod token;

pub use filter::Filter;
pub use token::PageToken;

/// The request as it comes over the wire.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LookupEventsRequest {
    /// None or one.
    pub lookup_attributes: Vec<LookupAttribute>,
    /// Seconds since the epoch.
    pub start_time: Option<f64>,
    /// Seconds since the epoch.
    pub end_time: Option<f64>,
    /// Only `insight` is valid; there are no Insights here.
    pub event_category: Option<String>,
    /// 1 to 50; 50 when absent.
    pub max_results: Option<i64>,
    /// From the page before, with the same parameters.
    pub next_token: Option<String>,
}

/// One filter, as written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupAttribute {
    /// Which attribute.
    pub attribute_key: String,
    /// Its value, exactly.
    pub attribute_value: String,
}

impl LookupEventsRequest {
    /// Page size.
    pub fn page(&self) -> Result<usize, ApiFault> {
        match self.max_results {
            None => Ok(50),
            Some(n @ 1..=50) => Ok(usize::try_from(n).expect("1 to 50 fits")),
            Some(n) => Err(ApiFault::client(
                "InvalidMaxResultsException",
                format!("A max results value of {n} is invalid. Specify max results between 1 and 50."),
            )),
        }
    }

    /// The one filter, if any.
    pub fn filter(&self) -> Result<Filter, ApiFault> {
        match self.lookup_attributes.as_slice() {
            [] => Ok(Filter::All),
            [one] => Filter::parse(one),
            [_, _, ..] => Err(ApiFault::client(
                "InvalidLookupAttributesException",
                "You can specify only one attribute in a lookup request.",
            )),
        }
    }

    /// First and last second that is asked for. `None` leaves an end open.
    pub fn seconds(&self) -> Result<(Option<i64>, Option<i64>), ApiFault> {
        let out_of_range = || {
            let text = "The specified time range is not valid: the start time must be before the end time.";
            ApiFault::client("InvalidTimeRangeException", text)
        };
        let inside = |time: f64| (time.is_finite() && time.abs() < 1e12).then_some(time);
        // Events carry whole seconds: one that happened within the second of StartTime is in.
        let start =
            self.start_time.map(|t| inside(t).map(|t| t.floor() as i64).ok_or_else(out_of_range)).transpose()?;
        let end = self.end_time.map(|t| inside(t).map(|t| t.floor() as i64).ok_or_else(out_of_range)).transpose()?;
        match (self.start_time, self.end_time) {
            (Some(from), Some(to)) if from > to => Err(out_of_range()),
            _ => Ok((start, end)),
        }
    }

    /// Whether Insights events are asked for.
    pub fn insights(&self) -> Result<bool, ApiFault> {
        match self.event_category.as_deref() {
            None => Ok(false),
            Some("insight") => Ok(true),
            Some(_) => Err(ApiFault::client("InvalidEventCategoryException", "The event category is not valid.")),
        }
    }
}
