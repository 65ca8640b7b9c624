//! Requests and answers with AWS's member names. Blobs are base64 on the wire. Answers that carry plaintext are
//! not serialisable: the wire writes them by hand, through the one door.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::data_key::PlaintextDataKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that travel as base64.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Encryption context as a caller writes it: the additional authenticated data, name → value.
pub type ContextMap = BTreeMap<String, String>;

/// `DescribeKey`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyRequest {
    /// Key id, key ARN, alias name or alias ARN.
    pub key_id: String,
    /// At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
}

/// The part of a key's metadata that storage services look at; `kms-sim` prints the whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    /// Bare id.
    pub key_id: String,
    /// Key ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub key_state: String,
    /// `CUSTOMER` or `AWS`.
    pub key_manager: String,
    /// `SYMMETRIC_DEFAULT`, …
    pub key_spec: String,
    /// `ENCRYPT_DECRYPT`, …
    pub key_usage: String,
}

/// `GenerateDataKey` and `GenerateDataKeyWithoutPlaintext`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyRequest {
    /// Key id, key ARN, alias name or alias ARN.
    pub key_id: String,
    /// Additional authenticated data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encryption_context: ContextMap,
    /// 1 to 1024; exactly one of this and `key_spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_bytes: Option<i64>,
    /// `AES_256` or `AES_128`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_spec: Option<String>,
    /// At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
    /// Checks everything, does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// A new data key, in plaintext and wrapped.
#[derive(Debug)]
pub struct GenerateDataKeyResponse {
    /// In the custody that the caller named.
    pub plaintext: PlaintextDataKey,
    /// Wrapped under the KMS key.
    pub ciphertext_blob: Blob,
    /// Key ARN.
    pub key_id: String,
    /// 64 hex digits; `None` from a KMS that does not say.
    pub key_material_id: Option<String>,
}

/// A new data key, wrapped only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyWithoutPlaintextResponse {
    /// Wrapped under the KMS key.
    pub ciphertext_blob: Blob,
    /// Key ARN.
    pub key_id: String,
    /// 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// `Decrypt`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptRequest {
    /// At most 6144 bytes.
    pub ciphertext_blob: Blob,
    /// Must be what it was when the blob was made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encryption_context: ContextMap,
    /// At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
    /// Optional for symmetric blobs, which name their key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// `SYMMETRIC_DEFAULT` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_algorithm: Option<String>,
    /// Checks everything, does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// What a blob held.
#[derive(Debug)]
pub struct DecryptResponse {
    /// In the custody that the caller named.
    pub plaintext: PlaintextDataKey,
    /// Key ARN.
    pub key_id: String,
    /// `SYMMETRIC_DEFAULT`, …
    pub encryption_algorithm: String,
    /// 64 hex digits.
    pub key_material_id: Option<String>,
}

/// `ReEncrypt`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptRequest {
    /// The blob to re-wrap.
    pub ciphertext_blob: Blob,
    /// Context the blob was made with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source_encryption_context: ContextMap,
    /// Optional for symmetric blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_key_id: Option<String>,
    /// The new wrapping key.
    pub destination_key_id: String,
    /// The new context.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub destination_encryption_context: ContextMap,
    /// `SYMMETRIC_DEFAULT` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_encryption_algorithm: Option<String>,
    /// `SYMMETRIC_DEFAULT` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_encryption_algorithm: Option<String>,
    /// At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
    /// Checks everything, does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// The re-wrapped blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptResponse {
    /// Wrapped under the destination key.
    pub ciphertext_blob: Blob,
    /// ARN of the source key.
    pub source_key_id: String,
    /// ARN of the destination key.
    pub key_id: String,
    /// `SYMMETRIC_DEFAULT`, …
    pub source_encryption_algorithm: String,
    /// `SYMMETRIC_DEFAULT`, …
    pub destination_encryption_algorithm: String,
    /// 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_key_material_id: Option<String>,
    /// 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_key_material_id: Option<String>,
}

/// What a grant demands of the encryption context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantConstraints {
    /// The request's context must contain these pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<ContextMap>,
    /// The request's context must be exactly this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<ContextMap>,
}

/// `CreateGrant`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantRequest {
    /// Key id or key ARN.
    pub key_id: String,
    /// Who may use the key.
    pub grantee_principal: String,
    /// Who may end the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring_principal: Option<String>,
    /// AWS's names of operations.
    pub operations: Vec<String>,
    /// On the encryption context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<GrantConstraints>,
    /// At most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
    /// Makes a retry return the same grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Checks everything, does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// The new grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantResponse {
    /// Lets its bearer use the grant at once.
    pub grant_token: String,
    /// 64 hex digits.
    pub grant_id: String,
}

/// `RetireGrant`: a token, or key ARN and grant id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RetireGrantRequest {
    /// From CreateGrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_token: Option<String>,
    /// Key **ARN**.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// Checks everything, does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}
