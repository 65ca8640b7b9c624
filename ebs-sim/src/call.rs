//! One call on its way through an operation: the form, the notebook of the trail, and whether the caller may.

use std::sync::Arc;

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{Question, Voices, evaluate};
use aws_wire::query::Params;
use serde_json::{Map, Value, json};

use crate::error::EbsError;
use crate::sim::EbsSim;

/// What an operation is given.
pub(crate) struct Call<'a> {
    /// Who asks.
    pub(crate) ctx: &'a CallContext,
    /// What for.
    pub(crate) form: &'a Params,
    /// What the trail will say.
    pub(crate) audit: &'a mut Audit,
    /// AWS's name of the operation.
    pub(crate) action: &'static str,
}

/// A resource that a call wants to touch, with the condition keys that policies may look at.
pub(crate) struct Touched {
    arn: String,
    facts: Facts,
}

impl Touched {
    /// Named by its ARN.
    pub(crate) fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), facts: Facts::default() }
    }

    /// Actions without a resource.
    pub(crate) fn anything() -> Self {
        Self::new("*")
    }

    /// One more condition key.
    pub(crate) fn fact(mut self, key: &str, value: impl ToString) -> Self {
        self.facts.set(key, value.to_string());
        self
    }

    /// The tags it has (`aws:ResourceTag/…`, `ec2:ResourceTag/…`).
    pub(crate) fn with_tags(mut self, tags: &crate::model::tags::Tags) -> Self {
        for (key, value) in tags {
            self.facts.set(&format!("aws:ResourceTag/{key}"), value.as_str());
            self.facts.set(&format!("ec2:ResourceTag/{key}"), value.as_str());
        }
        self
    }

    /// The tags it is to get (`aws:RequestTag/…`, `aws:TagKeys`).
    pub(crate) fn with_request_tags(mut self, tags: &crate::model::tags::Tags) -> Self {
        for (key, value) in tags {
            self.facts.set(&format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !tags.is_empty() {
            self.facts.set_all("aws:TagKeys", tags.keys().cloned());
        }
        self
    }
}

impl Call<'_> {
    /// Whether the caller may do this to all of `touched`. Ends a dry run.
    ///
    /// # Errors
    /// [`EbsError::Unauthorized`], or [`EbsError::DryRun`] when that is all that was asked.
    pub(crate) fn authorize(&mut self, sim: &EbsSim, touched: &[Touched]) -> Result<(), EbsError> {
        self.authorize_as(sim, self.action, touched)?;
        match self.flag("DryRun")?.unwrap_or(false) {
            true => Err(EbsError::DryRun),
            false => Ok(()),
        }
    }

    /// Whether the caller may perform another action that this one implies.
    ///
    /// # Errors
    /// [`EbsError::Unauthorized`].
    pub(crate) fn authorize_as(&mut self, sim: &EbsSim, action: &str, touched: &[Touched]) -> Result<(), EbsError> {
        let identity = sim.world().identities.policies(&self.ctx.caller);
        let action = format!("ec2:{action}");
        for Touched { arn, facts } in touched {
            let mut facts = facts.clone();
            facts.set("ec2:Region", self.ctx.region.as_str());
            let question = Question { call: self.ctx, action: &action, resource: arn, facts: &facts };
            let explanation = evaluate(&question, &Voices { identity: &identity, resource: None, grants: &[] });
            let denial = (!explanation.allowed()).then(|| sentence(&explanation.denial(&on(arn))));
            self.audit.decision(Arc::new(explanation));
            if let Some(denial) = denial {
                return Err(EbsError::Unauthorized(denial));
            }
        }
        Ok(())
    }

    /// A parameter that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|value| !value.is_empty())
    }

    /// A parameter without which the call makes no sense.
    ///
    /// # Errors
    /// [`EbsError::MissingParameter`], with EC2's spelling: a small first letter.
    pub(crate) fn require(&self, name: &str) -> Result<&str, EbsError> {
        self.text(name).ok_or_else(|| EbsError::MissingParameter(uncapitalised(name)))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// [`EbsError::InvalidParameterValue`] for any other text.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, EbsError> {
        flag_of(self.form, name)
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`EbsError::InvalidParameterValue`] for any other text.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, EbsError> {
        number_of(self.form, name)
    }

    /// Notes what was asked.
    pub(crate) fn note_request(&mut self, parameters: Value) {
        self.audit.request(without_nulls(parameters));
    }

    /// Notes what was answered, with the request id first, as EC2's records have it.
    pub(crate) fn respond(&mut self, elements: Value) {
        let mut all = Map::from_iter([("requestId".to_owned(), json!(self.ctx.request_id))]);
        if let Value::Object(members) = without_nulls(elements) {
            all.extend(members);
        }
        self.audit.response(Value::Object(all));
    }
}

/// CloudTrail leaves out what was not given.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// `true` or `false` in a form.
///
/// # Errors
/// [`EbsError::InvalidParameterValue`] for any other text.
pub(crate) fn flag_of(form: &Params, name: &str) -> Result<Option<bool>, EbsError> {
    match form.get(name) {
        None | Some("") => Ok(None),
        Some("true" | "True" | "1") => Ok(Some(true)),
        Some("false" | "False" | "0") => Ok(Some(false)),
        Some(other) => Err(invalid(other, name, "must be true or false")),
    }
}

/// A whole number in a form.
///
/// # Errors
/// [`EbsError::InvalidParameterValue`] for any other text.
pub(crate) fn number_of(form: &Params, name: &str) -> Result<Option<u32>, EbsError> {
    match form.get(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| invalid(text, name, "must be a whole number")),
    }
}

/// `Value (x) for parameter y is invalid. …`
pub(crate) fn invalid(value: &str, name: &str, why: &str) -> EbsError {
    let name = uncapitalised(name);
    EbsError::InvalidParameterValue(format!("Value ({value}) for parameter {name} is invalid. {name} {why}."))
}

fn uncapitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn on(arn: &str) -> String {
    if arn == "*" { String::new() } else { format!("on resource: {arn}") }
}

/// A denial without resource leaves two spaces where the resource would stand.
fn sentence(denial: &str) -> String {
    denial.replace("  ", " ")
}
