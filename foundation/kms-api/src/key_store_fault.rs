//! The exceptions about custom key stores, each by name. They share a shape: a name, a message, status 400.

/// What is wrong with a custom key store, its cluster, its proxy or its external keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStoreFault {
    /// Another key store of the account has the cluster.
    CloudHsmClusterInUse,
    /// The cluster lacks something, HSMs for instance.
    CloudHsmClusterInvalidConfiguration,
    /// The cluster is not active.
    CloudHsmClusterNotActive,
    /// No such cluster.
    CloudHsmClusterNotFound,
    /// The cluster has another certificate.
    CloudHsmClusterNotRelated,
    /// Keys live in the key store.
    CustomKeyStoreHasCmks,
    /// The connection state forbids it.
    CustomKeyStoreInvalidState,
    /// Another key store has the name.
    CustomKeyStoreNameInUse,
    /// No such key store.
    CustomKeyStoreNotFound,
    /// The certificate is not the cluster's.
    IncorrectTrustAnchor,
    /// Another KMS key has the external key.
    XksKeyAlreadyInUse,
    /// The external key is not of the kind that is needed.
    XksKeyInvalidConfiguration,
    /// The proxy does not know the external key.
    XksKeyNotFound,
    /// The proxy does not accept the credential.
    XksProxyIncorrectAuthenticationCredential,
    /// The proxy is not configured correctly.
    XksProxyInvalidConfiguration,
    /// The proxy says something that cannot be understood.
    XksProxyInvalidResponse,
    /// Another key store has the endpoint.
    XksProxyUriEndpointInUse,
    /// Another key store has the endpoint and path.
    XksProxyUriInUse,
    /// The proxy does not answer.
    XksProxyUriUnreachable,
    /// Another key store has the endpoint service.
    XksProxyVpcEndpointServiceInUse,
    /// The endpoint service lacks something.
    XksProxyVpcEndpointServiceInvalidConfiguration,
    /// No such endpoint service.
    XksProxyVpcEndpointServiceNotFound,
}

impl KeyStoreFault {
    /// The exception's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::CloudHsmClusterInUse => "CloudHsmClusterInUseException",
            Self::CloudHsmClusterInvalidConfiguration => "CloudHsmClusterInvalidConfigurationException",
            Self::CloudHsmClusterNotActive => "CloudHsmClusterNotActiveException",
            Self::CloudHsmClusterNotFound => "CloudHsmClusterNotFoundException",
            Self::CloudHsmClusterNotRelated => "CloudHsmClusterNotRelatedException",
            Self::CustomKeyStoreHasCmks => "CustomKeyStoreHasCMKsException",
            Self::CustomKeyStoreInvalidState => "CustomKeyStoreInvalidStateException",
            Self::CustomKeyStoreNameInUse => "CustomKeyStoreNameInUseException",
            Self::CustomKeyStoreNotFound => "CustomKeyStoreNotFoundException",
            Self::IncorrectTrustAnchor => "IncorrectTrustAnchorException",
            Self::XksKeyAlreadyInUse => "XksKeyAlreadyInUseException",
            Self::XksKeyInvalidConfiguration => "XksKeyInvalidConfigurationException",
            Self::XksKeyNotFound => "XksKeyNotFoundException",
            Self::XksProxyIncorrectAuthenticationCredential => "XksProxyIncorrectAuthenticationCredentialException",
            Self::XksProxyInvalidConfiguration => "XksProxyInvalidConfigurationException",
            Self::XksProxyInvalidResponse => "XksProxyInvalidResponseException",
            Self::XksProxyUriEndpointInUse => "XksProxyUriEndpointInUseException",
            Self::XksProxyUriInUse => "XksProxyUriInUseException",
            Self::XksProxyUriUnreachable => "XksProxyUriUnreachableException",
            Self::XksProxyVpcEndpointServiceInUse => "XksProxyVpcEndpointServiceInUseException",
            Self::XksProxyVpcEndpointServiceInvalidConfiguration => {
                "XksProxyVpcEndpointServiceInvalidConfigurationException"
            }
            Self::XksProxyVpcEndpointServiceNotFound => "XksProxyVpcEndpointServiceNotFoundException",
        }
    }
}
