//! `ClientToken`: a retry gets the answer of the first try, and makes nothing.

use crate::call::Call;
use crate::error::EbsError;
use crate::moves::Held;
use crate::sim::EbsSim;

/// A token under which one call at a time is at work.
pub(super) struct Token {
    key: String,
    fingerprint: String,
    _held: Held,
}

/// The call's token, if it has one, and what was made under it before.
///
/// # Errors
/// [`EbsError::IdempotentParameterMismatch`] when other parameters came with it then.
pub(super) async fn claim(sim: &EbsSim, call: &Call<'_>) -> Result<(Option<Token>, Option<Vec<String>>), EbsError> {
    let Some(token) = call.text("ClientToken") else { return Ok((None, None)) };
    let key = format!("{}/{}/{}/{token}", call.ctx.account(), call.ctx.region, call.action);
    let held = sim.moves().begin(&[&format!("token/{key}")]).await;
    let fingerprint = fingerprint(call);
    let made = sim.tables().made_before(&key, &fingerprint)?;
    Ok((Some(Token { key, fingerprint, _held: held }), made))
}

impl Token {
    /// Remembers what was made.
    ///
    /// # Errors
    /// When the tables fail.
    pub(super) async fn remember(self, sim: &EbsSim, ids: Vec<String>) -> Result<(), EbsError> {
        Ok(sim.tables().remember_token(self.key, self.fingerprint, ids).await?)
    }
}

/// All parameters but the token, in order of their names.
fn fingerprint(call: &Call<'_>) -> String {
    let mut pairs: Vec<_> = call.form.iter().filter(|(name, _)| *name != "ClientToken").collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| format!("{name}={value:?};")).collect()
}
