//! Grant tokens: the name of a grant, sealed by the HSM. Opaque to whoever carries one, unforgeable, and readable after
//! a restart without a table of tokens. Each token is another text, also for the same grant.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kms_api::error::KmsError;

use crate::KmsSim;
use crate::model::address::KeyAddress;
use crate::model::grant::Grant;

/// What a token names; whether such a grant still stands is another question.
pub(crate) struct Named {
    pub(crate) key: KeyAddress,
    pub(crate) grant_id: String,
}

impl KmsSim {
    /// A fresh token for a grant.
    pub(crate) fn new_token(&self, grant: &Grant) -> Result<String, KmsError> {
        let body = format!("{}/{}", grant.key.row(), grant.id);
        Ok(URL_SAFE_NO_PAD.encode(self.hsm.seal_token(body.as_bytes())?))
    }

    /// Reads a token that this KMS made; anything else is refused.
    pub(crate) fn read_token(&self, token: &str) -> Result<Named, KmsError> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok();
        let body = sealed.map(|sealed| self.hsm.open_token(&sealed)).transpose()?.flatten();
        body.and_then(parse).ok_or_else(|| KmsError::InvalidGrantToken("The grant token is not valid.".into()))
    }

    /// The grant that a token names, if it still stands.
    pub(crate) fn grant_of_token(&self, token: &str) -> Result<Option<Arc<Grant>>, KmsError> {
        let named = self.read_token(token)?;
        Ok(self.registry.grant(&named.key, &named.grant_id))
    }
}

fn parse(body: Vec<u8>) -> Option<Named> {
    let text = String::from_utf8(body).ok()?;
    let mut parts = text.splitn(4, '/');
    let account = aws_core::id::AccountId::parse(parts.next()?)?;
    let region = aws_core::id::Region::parse(parts.next()?)?;
    let (id, grant_id) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Named { key: KeyAddress { account, region, id }, grant_id })
}
