//! How a proxy fails, and what KMS makes of it: one sentence per fault, another exception per operation.

use kms_api::error::KmsError;
use kms_api::key_store_fault::KeyStoreFault;
use serde::Deserialize;

/// How a proxy fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyFault {
    /// `InvalidStateException`: the external key is disabled.
    KeyDisabled,
    /// `InvalidCiphertextException`
    Ciphertext,
    /// What it decrypted is not what KMS had it encrypt.
    Plaintext,
    /// `InvalidKeyUsageException`
    KeyUsage,
    /// `AuthenticationFailedException`
    Authentication,
    /// `AccessDeniedException`
    AccessDenied,
    /// `KeyNotFoundException`
    KeyNotFound,
    /// `InvalidUriPathException`
    UriPath,
    /// `UnsupportedOperationException`
    Unsupported,
    /// `DependencyTimeoutException`
    DependencyTimeout,
    /// `ThrottlingException`
    Throttling,
    /// `InternalException`
    Internal,
    /// It is well, but none of its key managers is.
    ManagersUnavailable,
    /// No TCP connection.
    Unreachable,
    /// No TLS connection.
    Tls,
    /// No answer in time.
    TimedOut,
    /// An answer that cannot be understood; `ValidationException` counts as one.
    Malformed,
}

use ProxyFault::{
    AccessDenied, Authentication, Ciphertext, DependencyTimeout, Internal, KeyDisabled, KeyNotFound, KeyUsage,
    Malformed, ManagersUnavailable, Plaintext, Throttling, TimedOut, Tls, Unreachable, Unsupported, UriPath,
};

impl ProxyFault {
    /// AWS's sentence, the same in all operations.
    fn sentence(self) -> &'static str {
        match self {
            KeyDisabled => {
                "The external key associated with this KMS key in an external key store is not enabled in the external \
                 key manager. Enable the external key in the external key manager and retry the request."
            }
            Ciphertext => {
                "The external key store proxy rejected the request because the specified ciphertext or encryption \
                 context is corrupted, missing, or otherwise invalid."
            }
            Plaintext => {
                "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, \
                 is corrupted, missing, or otherwise invalid."
            }
            KeyUsage => {
                "The external key associated with this KMS key in an external key store does not support the requested \
                 operation. Enable the operation on the key in your external key manager, and try the request again."
            }
            Authentication => {
                "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify \
                 the XKS proxy authentication credentials for your external key store and update if necessary."
            }
            AccessDenied => {
                "The external key store proxy denied access to the operation. Verify that the user and the external \
                 key are both authorized for this operation, and try the request again."
            }
            KeyNotFound => {
                "The external key associated with this KMS key in an external key store was not found in its external \
                 key manager. If the external key ID associated with this KMS key is incorrect, create a new KMS key \
                 with the correct external key ID."
            }
            UriPath => {
                "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path \
                 for your external key store and update if necessary."
            }
            Unsupported => {
                "The external key store proxy rejected the request because it does not support the requested \
                 operation. If you see this error repeatedly, report it to your external key store proxy administrator."
            }
            _ => self.sentence_of_circumstance(),
        }
    }

    /// What is wrong is neither the request nor the key.
    fn sentence_of_circumstance(self) -> &'static str {
        match self {
            DependencyTimeout => {
                "The external key store proxy did not respond to the request in the time allotted. Retry the request. \
                 If you see this error repeatedly, report it to your external key store proxy administrator."
            }
            Throttling => {
                "The external key store proxy rejected the request due to a very high request rate. Reduce the \
                 frequency of your calls using KMS keys in this external key store."
            }
            Internal | ManagersUnavailable => {
                "The external key store proxy rejected the request because it cannot communicate with the external key \
                 manager. Verify that the external key store proxy configuration is correct and that the external key \
                 manager is available."
            }
            Unreachable => {
                "AWS KMS cannot communicate with the external key store proxy. This might be a transient network \
                 issue. If you see this error repeatedly, verify that your external key store proxy is active and is \
                 connected to the network, and that its endpoint URI is correct in your external key store."
            }
            Tls => {
                "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS \
                 configuration, including its certificate."
            }
            TimedOut => {
                "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the \
                 request. If you see this error repeatedly, report it to your external key store proxy administrator."
            }
            _ => {
                "AWS KMS cannot interpret the response from the external key store proxy. If you see this error \
                 repeatedly, report it to your external key store proxy administrator."
            }
        }
    }

    /// In cryptographic operations: one exception for all.
    pub(crate) fn in_cryptography(self) -> KmsError {
        KmsError::KmsInvalidState(self.sentence().into())
    }

    /// In CreateKey.
    pub(crate) fn in_create_key(self) -> KmsError {
        let fault = match self {
            KeyDisabled | KeyUsage => KeyStoreFault::XksKeyInvalidConfiguration,
            KeyNotFound => KeyStoreFault::XksKeyNotFound,
            AccessDenied => return self.in_cryptography(),
            _ => KeyStoreFault::CustomKeyStoreInvalidState,
        };
        KmsError::KeyStore(fault, self.sentence().into())
    }

    /// In CreateCustomKeyStore and UpdateCustomKeyStore.
    pub(crate) fn in_management(self) -> KmsError {
        let fault = match self {
            Authentication | AccessDenied => KeyStoreFault::XksProxyIncorrectAuthenticationCredential,
            UriPath => KeyStoreFault::XksProxyInvalidConfiguration,
            DependencyTimeout | Throttling | ManagersUnavailable | Unreachable | Tls | TimedOut => {
                KeyStoreFault::XksProxyUriUnreachable
            }
            KeyDisabled | Ciphertext | Plaintext | KeyUsage | KeyNotFound | Unsupported | Internal | Malformed => {
                KeyStoreFault::XksProxyInvalidResponse
            }
        };
        KmsError::KeyStore(fault, self.sentence().into())
    }

    /// `ConnectionErrorCode` after ConnectCustomKeyStore.
    pub(crate) fn connection_error(self) -> &'static str {
        match self {
            Authentication => "INVALID_CREDENTIALS",
            AccessDenied => "XKS_PROXY_ACCESS_DENIED",
            UriPath => "XKS_PROXY_INVALID_CONFIGURATION",
            Unreachable | ManagersUnavailable => "XKS_PROXY_NOT_REACHABLE",
            Tls => "XKS_PROXY_INVALID_TLS_CONFIGURATION",
            DependencyTimeout | Throttling | TimedOut => "XKS_PROXY_TIMED_OUT",
            KeyDisabled | Ciphertext | Plaintext | KeyUsage | KeyNotFound | Unsupported | Internal | Malformed => {
                "XKS_PROXY_INVALID_RESPONSE"
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    error_name: String,
}

/// What a proxy's refusal means. Its own words are not passed on.
pub(super) fn of_answer(body: &[u8]) -> ProxyFault {
    let Ok(Refused { error_name }) = serde_json::from_slice(body) else { return Malformed };
    match &*error_name {
        "InvalidStateException" => KeyDisabled,
        "InvalidCiphertextException" => Ciphertext,
        "InvalidKeyUsageException" => KeyUsage,
        "AuthenticationFailedException" => Authentication,
        "AccessDeniedException" => AccessDenied,
        "KeyNotFoundException" => KeyNotFound,
        "InvalidUriPathException" => UriPath,
        "UnsupportedOperationException" => Unsupported,
        "DependencyTimeoutException" => DependencyTimeout,
        "ThrottlingException" => Throttling,
        "InternalException" => Internal,
        _ => Malformed,
    }
}

/// What a request without an answer means.
pub(super) fn of_transport(error: &reqwest::Error) -> ProxyFault {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut said = String::new();
    while let Some(inner) = cause {
        said.push_str(&inner.to_string());
        cause = inner.source();
    }
    let said = said.to_ascii_lowercase();
    match () {
        () if error.is_timeout() => TimedOut,
        () if said.contains("certificate") || said.contains("tls") => Tls,
        () if error.is_connect() => Unreachable,
        () => Malformed,
    }
}
