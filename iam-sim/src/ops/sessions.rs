//! Temporary credentials: what AssumeRole and GetSessionToken hand out.

use std::collections::BTreeMap;

use aws_core::principal::Principal;
use aws_core::time::SignedDuration;
use serde_json::{Value, json};

use crate::answer::time;
use crate::call::Call;
use crate::fault::IamError;
use crate::records::{Document, Tags, TemporaryKey};
use crate::vault::{Purpose, new_access_key_id, new_secret, new_session_token};

/// A session to begin.
pub(super) struct NewSession {
    /// Who acts in it.
    pub principal: Principal,
    /// How long it lasts on the simulated clock.
    pub lasts: SignedDuration,
    /// Session policies by name.
    pub policies: BTreeMap<String, Document>,
    /// Session tags.
    pub tags: Tags,
}

impl NewSession {
    /// A session without policies and tags of its own.
    pub fn of(principal: Principal, lasts: SignedDuration) -> Self {
        Self { principal, lasts, policies: BTreeMap::new(), tags: Tags::new() }
    }
}

/// Begins the session: a key, a secret and a token that belong together and end together.
pub(super) fn issue(call: &Call<'_>, session: NewSession) -> Result<Value, IamError> {
    let (entropy, vault, issued_at) = (call.directory.entropy(), call.directory.vault(), call.now());
    let id = new_access_key_id("ASIA", entropy);
    let (secret, token) = (new_secret(entropy), new_session_token(entropy));
    let key = TemporaryKey {
        wrapped_secret: vault.seal(Purpose::SecretAccessKey, &id, secret.as_bytes(), entropy),
        wrapped_token: vault.seal(Purpose::SessionToken, &id, token.as_bytes(), entropy),
        id,
        principal: session.principal,
        issued_at,
        expires_at: issued_at + session.lasts,
        policies: session.policies,
        tags: session.tags,
    };
    let credentials = json!({
        "AccessKeyId": key.id,
        "SecretAccessKey": *secret,
        "SessionToken": *token,
        "Expiration": time(key.expires_at),
    });
    call.directory.change(|_, draft| {
        draft.put(key);
        Ok(credentials)
    })
}
