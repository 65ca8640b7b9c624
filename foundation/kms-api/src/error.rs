//! KMS's exceptions, each by name. One table says how each goes over the wire.

use aws_core::fault::ApiFault;

/// What KMS answers instead of a result. Messages are AWS's own; some exceptions carry none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KmsError {
    /// An alias of that name exists.
    #[error("{0}")]
    AlreadyExists(String),
    /// Another change is under way.
    #[error("{0}")]
    Conflict(String),
    /// The key is disabled; holds the key ARN.
    #[error("{0} is disabled.")]
    Disabled(String),
    /// All checks passed, and nothing was done, as asked.
    #[error("The request would have succeeded, but the DryRun option is set.")]
    DryRunOperation,
    /// The import token's day is over.
    #[error("The import token is expired. Use GetParametersForImport to get a new import token and public key.")]
    ExpiredImportToken,
    /// Other material than was expected.
    #[error("{0}")]
    IncorrectKeyMaterial(String),
    /// The key named is not the key of the blob.
    #[error("The key ID in the request does not identify a CMK that can perform this operation.")]
    IncorrectKey,
    /// The alias name is not allowed.
    #[error("{0}")]
    InvalidAliasName(String),
    /// An ARN that cannot be used here.
    #[error("{0}")]
    InvalidArn(String),
    /// Tampered, truncated, or opened under another context.
    #[error("")]
    InvalidCiphertext,
    /// Not a grant id.
    #[error("{0}")]
    InvalidGrantId(String),
    /// Not a grant token.
    #[error("{0}")]
    InvalidGrantToken(String),
    /// Not an import token, or one for another key.
    #[error("The import token is invalid or is associated with a different KMS key.")]
    InvalidImportToken,
    /// The key is of another usage.
    #[error("{0}")]
    InvalidKeyUsage(String),
    /// Not a marker of ours.
    #[error("")]
    InvalidMarker,
    /// Something broke inside KMS, or it could not be reached.
    #[error("{0}")]
    KmsInternal(String),
    /// The MAC is not one of this message under this key.
    #[error("")]
    KmsInvalidMac,
    /// The signature is not one of this message by this key.
    #[error("")]
    KmsInvalidSignature,
    /// The key's state forbids it.
    #[error("{0}")]
    KmsInvalidState(String),
    /// The key cannot be reached right now.
    #[error("{0}")]
    KeyUnavailable(String),
    /// A quota is used up.
    #[error("{0}")]
    LimitExceeded(String),
    /// The policy cannot be accepted.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// AWS managed aliases and keys are not to be managed.
    #[error("")]
    NotAuthorized,
    /// No such key, alias or grant.
    #[error("{0}")]
    NotFound(String),
    /// A tag is not allowed.
    #[error("{0}")]
    Tag(String),
    /// Not possible for this kind of key; AWS sends no message for some.
    #[error("{}", .0.as_deref().unwrap_or(""))]
    UnsupportedOperation(Option<String>),
    /// Policies refuse.
    #[error("{0}")]
    AccessDenied(String),
    /// The request breaks a constraint of the model.
    #[error("{0}")]
    Validation(String),
    /// Too many requests.
    #[error("{0}")]
    Throttling(String),
    /// The body is not what the operation takes.
    #[error("{0}")]
    Serialization(String),
    /// No operation of that name.
    #[error("")]
    UnknownOperation,
    /// An exception of a KMS elsewhere that has no variant here: its name and message.
    #[error("{1}")]
    Other(String, String),
}

impl KmsError {
    /// The exception's name, as `__type` carries it and S3 repeats it after `KMS.`.
    pub fn code(&self) -> &str {
        match self {
            Self::AlreadyExists(_) => "AlreadyExistsException",
            Self::Conflict(_) => "ConflictException",
            Self::Disabled(_) => "DisabledException",
            Self::DryRunOperation => "DryRunOperationException",
            Self::ExpiredImportToken => "ExpiredImportTokenException",
            Self::IncorrectKey => "IncorrectKeyException",
            Self::IncorrectKeyMaterial(_) => "IncorrectKeyMaterialException",
            Self::InvalidImportToken => "InvalidImportTokenException",
            Self::InvalidAliasName(_) => "InvalidAliasNameException",
            Self::InvalidArn(_) => "InvalidArnException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::InvalidGrantId(_) => "InvalidGrantIdException",
            Self::InvalidGrantToken(_) => "InvalidGrantTokenException",
            Self::InvalidKeyUsage(_) => "InvalidKeyUsageException",
            Self::InvalidMarker => "InvalidMarkerException",
            Self::KmsInternal(_) => "KMSInternalException",
            Self::KmsInvalidMac => "KMSInvalidMacException",
            Self::KmsInvalidSignature => "KMSInvalidSignatureException",
            Self::KmsInvalidState(_) => "KMSInvalidStateException",
            Self::KeyUnavailable(_) => "KeyUnavailableException",
            Self::LimitExceeded(_) => "LimitExceededException",
            Self::MalformedPolicyDocument(_) => "MalformedPolicyDocumentException",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::NotFound(_) => "NotFoundException",
            Self::Tag(_) => "TagException",
            Self::UnsupportedOperation(_) => "UnsupportedOperationException",
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::Validation(_) => "ValidationException",
            Self::Throttling(_) => "ThrottlingException",
            Self::Serialization(_) => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::Other(code, _) => code,
        }
    }

    /// HTTP status: 400 for everything a client can cause, 500 for the two that are KMS's own.
    pub fn status(&self) -> u16 {
        match self {
            Self::KmsInternal(_) | Self::KeyUnavailable(_) => 500,
            Self::AlreadyExists(_)
            | Self::Conflict(_)
            | Self::Disabled(_)
            | Self::DryRunOperation
            | Self::ExpiredImportToken
            | Self::IncorrectKey
            | Self::IncorrectKeyMaterial(_)
            | Self::InvalidImportToken
            | Self::InvalidAliasName(_)
            | Self::InvalidArn(_)
            | Self::InvalidCiphertext
            | Self::InvalidGrantId(_)
            | Self::InvalidGrantToken(_)
            | Self::InvalidKeyUsage(_)
            | Self::InvalidMarker
            | Self::KmsInvalidMac
            | Self::KmsInvalidSignature
            | Self::KmsInvalidState(_)
            | Self::LimitExceeded(_)
            | Self::MalformedPolicyDocument(_)
            | Self::NotAuthorized
            | Self::NotFound(_)
            | Self::Tag(_)
            | Self::UnsupportedOperation(_)
            | Self::AccessDenied(_)
            | Self::Validation(_)
            | Self::Throttling(_)
            | Self::Serialization(_)
            | Self::UnknownOperation
            | Self::Other(..) => 400,
        }
    }

    /// The fault that the wire prints. An empty text means AWS sends no message.
    pub fn fault(&self) -> ApiFault {
        let text = self.to_string();
        let message = (!text.is_empty()).then_some(text);
        ApiFault { code: self.code().to_owned().into(), status: self.status(), message, detail: Vec::new() }
    }
}
