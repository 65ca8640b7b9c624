//! What comes back: shapes, plaintext straight into custody, exceptions by name.

use std::borrow::Cow;
use std::error::Error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use envelope::secret::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, Zeroizing};

use crate::custody::Custody;
use crate::error::KmsError;
use crate::shapes::{Blob, DecryptResponse, GenerateDataKeyResponse, KeyMetadata};

/// KMS's answers stay far below; what is longer is not KMS's.
const LONGEST_BYTES: usize = 1 << 20;

/// The body of a successful answer, wiped when it is dropped: it may hold a plaintext key.
#[derive(Debug)]
pub struct Answer(Zeroizing<Vec<u8>>);

/// `DescribeKey`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Described {
    /// All that storage services look at.
    pub key_metadata: KeyMetadata,
}

/// Any answer with a plaintext. The text is borrowed from the wiped buffer unless JSON escapes forced a copy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WithPlaintext<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
    key_id: String,
    #[serde(default)]
    ciphertext_blob: Option<Blob>,
    #[serde(default)]
    encryption_algorithm: Option<String>,
    #[serde(default)]
    key_material_id: Option<String>,
}

#[derive(Deserialize, Default)]
struct Exception {
    #[serde(rename = "__type", default)]
    kind: Option<String>,
    #[serde(alias = "Message", default)]
    message: Option<String>,
}

impl Answer {
    /// Reads the answer; anything but success becomes the exception that it names.
    pub async fn read(mut response: reqwest::Response, endpoint: &str) -> Result<Self, KmsError> {
        let status = response.status();
        let length = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(4096);
        // Reserved whole, so that growing leaves no copy of a key behind.
        let mut body = Zeroizing::new(Vec::with_capacity(length.min(LONGEST_BYTES)));
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(endpoint, &error))? {
            if body.len() + chunk.len() > LONGEST_BYTES {
                return Err(KmsError::KmsInternal(format!(
                    "The KMS at {endpoint} sent more than {LONGEST_BYTES} bytes."
                )));
            }
            body.extend_from_slice(&chunk);
            wipe(chunk);
        }
        match status.is_success() {
            true => Ok(Self(body)),
            false => Err(exception(&body, status.as_u16(), endpoint)),
        }
    }

    /// The answer as the shape of an operation without plaintext.
    pub fn shape<T: DeserializeOwned>(&self) -> Result<T, KmsError> {
        serde_json::from_slice(&self.0).map_err(|error| strange(&error))
    }

    /// `GenerateDataKey`
    pub fn data_key(&self, into: Custody) -> Result<GenerateDataKeyResponse, KmsError> {
        let answer = self.with_plaintext()?;
        Ok(GenerateDataKeyResponse {
            plaintext: into.take(secret(answer.plaintext)?),
            ciphertext_blob: answer.ciphertext_blob.ok_or_else(|| strange(&"no CiphertextBlob"))?,
            key_id: answer.key_id,
            key_material_id: answer.key_material_id,
        })
    }

    /// `Decrypt`
    pub fn decrypted(&self, into: Custody) -> Result<DecryptResponse, KmsError> {
        let answer = self.with_plaintext()?;
        Ok(DecryptResponse {
            plaintext: into.take(secret(answer.plaintext)?),
            key_id: answer.key_id,
            encryption_algorithm: answer.encryption_algorithm.unwrap_or_else(|| "SYMMETRIC_DEFAULT".into()),
            key_material_id: answer.key_material_id,
        })
    }

    fn with_plaintext(&self) -> Result<WithPlaintext<'_>, KmsError> {
        serde_json::from_slice(&self.0).map_err(|error| strange(&error))
    }
}

/// Overwrites a piece of the answer where nobody else holds it any more.
fn wipe(chunk: Bytes) {
    if let Ok(mut bytes) = chunk.try_into_mut() {
        bytes.as_mut().zeroize();
    }
}

fn secret(text: Cow<'_, str>) -> Result<Secret, KmsError> {
    let decoded = STANDARD.decode(text.as_bytes());
    if let Cow::Owned(mut copy) = text {
        copy.zeroize();
    }
    decoded.map(Secret::new).map_err(|_| strange(&"the plaintext is not base64"))
}

/// An answer that is none of KMS's. Its text is not repeated: it might hold a key.
fn strange(what: &dyn std::fmt::Display) -> KmsError {
    KmsError::KmsInternal(format!("The KMS answered in a way that cannot be read: {what}."))
}

/// The call found no KMS, or none that answers in time.
pub fn unreachable(endpoint: &str, error: &reqwest::Error) -> KmsError {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    KmsError::KeyUnavailable(match error.is_timeout() {
        true => format!("The KMS at {endpoint} did not answer in time."),
        false => format!("The KMS at {endpoint} cannot be reached: {root}."),
    })
}

fn exception(body: &[u8], status: u16, endpoint: &str) -> KmsError {
    let read: Exception = serde_json::from_slice(body).unwrap_or_default();
    match read.kind {
        // AWS's older services write `com.amazonaws.kms#NotFoundException`.
        Some(kind) => named(kind.rsplit('#').next().unwrap_or_default(), read.message.unwrap_or_default()),
        None => KmsError::KmsInternal(format!("The KMS at {endpoint} answered {status} without naming an exception.")),
    }
}

/// The variant of that name. The inverse of [`KmsError::code`] and its message.
fn named(code: &str, message: String) -> KmsError {
    match code {
        "AlreadyExistsException" => KmsError::AlreadyExists(message),
        "ConflictException" => KmsError::Conflict(message),
        "DisabledException" => {
            KmsError::Disabled(message.strip_suffix(" is disabled.").map_or(message.clone(), Into::into))
        }
        "DryRunOperationException" => KmsError::DryRunOperation,
        "ExpiredImportTokenException" => KmsError::ExpiredImportToken,
        "IncorrectKeyException" => KmsError::IncorrectKey,
        "IncorrectKeyMaterialException" => KmsError::IncorrectKeyMaterial(message),
        "InvalidImportTokenException" => KmsError::InvalidImportToken,
        "InvalidAliasNameException" => KmsError::InvalidAliasName(message),
        "InvalidArnException" => KmsError::InvalidArn(message),
        "InvalidCiphertextException" => KmsError::InvalidCiphertext,
        "InvalidGrantIdException" => KmsError::InvalidGrantId(message),
        "InvalidGrantTokenException" => KmsError::InvalidGrantToken(message),
        "InvalidKeyUsageException" => KmsError::InvalidKeyUsage(message),
        "InvalidMarkerException" => KmsError::InvalidMarker,
        "KMSInternalException" => KmsError::KmsInternal(message),
        "KMSInvalidMacException" => KmsError::KmsInvalidMac,
        "KMSInvalidSignatureException" => KmsError::KmsInvalidSignature,
        "KMSInvalidStateException" => KmsError::KmsInvalidState(message),
        "KeyUnavailableException" => KmsError::KeyUnavailable(message),
        "LimitExceededException" => KmsError::LimitExceeded(message),
        "MalformedPolicyDocumentException" => KmsError::MalformedPolicyDocument(message),
        "NotAuthorizedException" => KmsError::NotAuthorized,
        "NotFoundException" => KmsError::NotFound(message),
        "TagException" => KmsError::Tag(message),
        "UnsupportedOperationException" => {
            KmsError::UnsupportedOperation(Some(message).filter(|text| !text.is_empty()))
        }
        "AccessDeniedException" => KmsError::AccessDenied(message),
        "ValidationException" => KmsError::Validation(message),
        "ThrottlingException" => KmsError::Throttling(message),
        "SerializationException" => KmsError::Serialization(message),
        "UnknownOperationException" => KmsError::UnknownOperation,
        _ => KmsError::Other(code.into(), message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(word: &str) -> String {
        format!("{word} happened")
    }

    #[test]
    fn every_exception_comes_back_as_what_it_was() {
        let all = [
            KmsError::AlreadyExists(text("a")),
            KmsError::Conflict(text("b")),
            KmsError::Disabled("arn:aws:kms:us-east-1:111122223333:key/k".into()),
            KmsError::DryRunOperation,
            KmsError::ExpiredImportToken,
            KmsError::IncorrectKey,
            KmsError::IncorrectKeyMaterial(text("u")),
            KmsError::InvalidImportToken,
            KmsError::InvalidAliasName(text("c")),
            KmsError::InvalidArn(text("d")),
            KmsError::InvalidCiphertext,
            KmsError::InvalidGrantId(text("e")),
            KmsError::InvalidGrantToken(text("f")),
            KmsError::InvalidKeyUsage(text("g")),
            KmsError::InvalidMarker,
            KmsError::KmsInternal(text("h")),
            KmsError::KmsInvalidMac,
            KmsError::KmsInvalidSignature,
            KmsError::KmsInvalidState(text("i")),
            KmsError::KeyUnavailable(text("j")),
            KmsError::LimitExceeded(text("k")),
            KmsError::MalformedPolicyDocument(text("l")),
            KmsError::NotAuthorized,
            KmsError::NotFound(text("m")),
            KmsError::Tag(text("n")),
            KmsError::UnsupportedOperation(None),
            KmsError::UnsupportedOperation(Some(text("o"))),
            KmsError::AccessDenied(text("p")),
            KmsError::Validation(text("q")),
            KmsError::Throttling(text("r")),
            KmsError::Serialization(text("s")),
            KmsError::UnknownOperation,
            KmsError::Other("ExpiredTokenException".into(), text("t")),
        ];
        for error in all {
            let fault = error.fault();
            let member = if fault.code == "AccessDeniedException" { "Message" } else { "message" };
            let body =
                serde_json::json!({ "__type": format!("com.amazonaws.kms#{}", fault.code), member: fault.message });
            assert_eq!(exception(body.to_string().as_bytes(), fault.status, "x"), error);
        }
    }

    #[test]
    fn an_answer_without_an_exception_is_the_kms_own_failure() {
        let error = exception(b"<html>Bad Gateway</html>", 502, "http://x");
        assert_eq!(error.to_string(), "The KMS at http://x answered 502 without naming an exception.");
    }

    #[test]
    fn an_escaped_plaintext_is_read_like_any_other() {
        for body in [r#"{"Plaintext":"\/\/8=","KeyId":"k"}"#, r#"{"Plaintext":"//8=","KeyId":"k"}"#] {
            let answer = Answer(Zeroizing::new(body.as_bytes().to_vec()));
            assert_eq!(secret(answer.with_plaintext().unwrap().plaintext).unwrap().expose(), [255, 255]);
        }
    }
}
