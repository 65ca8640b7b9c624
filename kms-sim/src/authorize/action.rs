//! Every action that a policy can name, as a type: `Authorized<Encrypt>` is proof of one decision and of no other.

use crate::model::grant::GrantOperation;

/// An action of IAM's `kms:` namespace.
pub trait Action: Send + Sync + 'static {
    /// `kms:Encrypt`, …
    const NAME: &'static str;
    /// The grant operation that can allow it.
    const GRANTABLE: Option<GrantOperation>;
    /// Whether principals of other accounts can be allowed at all.
    const CROSSES_ACCOUNTS: bool;
}

macro_rules! actions {
    ($($name:ident: $grantable:expr, $crosses:expr;)*) => { $(
        #[doc = concat!("`kms:", stringify!($name), "`")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Action for $name {
            const NAME: &'static str = concat!("kms:", stringify!($name));
            const GRANTABLE: Option<GrantOperation> = $grantable;
            const CROSSES_ACCOUNTS: bool = $crosses;
        }
    )* };
}

const OWN: bool = false;
const CROSSES: bool = true;

actions! {
    CancelKeyDeletion: None, OWN;
    CreateAlias: None, OWN;
    CreateGrant: Some(GrantOperation::CreateGrant), CROSSES;
    CreateKey: None, OWN;
    Decapsulate: Some(GrantOperation::Decapsulate), CROSSES;
    Decrypt: Some(GrantOperation::Decrypt), CROSSES;
    DeleteAlias: None, OWN;
    DeleteImportedKeyMaterial: None, OWN;
    DeriveSharedSecret: Some(GrantOperation::DeriveSharedSecret), CROSSES;
    DescribeKey: Some(GrantOperation::DescribeKey), CROSSES;
    DisableKey: None, OWN;
    DisableKeyRotation: None, OWN;
    EnableKey: None, OWN;
    EnableKeyRotation: None, OWN;
    Encapsulate: Some(GrantOperation::Encapsulate), CROSSES;
    Encrypt: Some(GrantOperation::Encrypt), CROSSES;
    GenerateDataKey: Some(GrantOperation::GenerateDataKey), CROSSES;
    GenerateDataKeyPair: Some(GrantOperation::GenerateDataKeyPair), CROSSES;
    GenerateDataKeyPairWithoutPlaintext: Some(GrantOperation::GenerateDataKeyPairWithoutPlaintext), CROSSES;
    GenerateDataKeyWithoutPlaintext: Some(GrantOperation::GenerateDataKeyWithoutPlaintext), CROSSES;
    GenerateMac: Some(GrantOperation::GenerateMac), CROSSES;
    GenerateRandom: None, OWN;
    GetKeyLastUsage: None, OWN;
    GetKeyPolicy: None, OWN;
    GetKeyRotationStatus: None, CROSSES;
    GetPublicKey: Some(GrantOperation::GetPublicKey), CROSSES;
    GetParametersForImport: None, OWN;
    ImportKeyMaterial: None, OWN;
    ListAliases: None, OWN;
    ListGrants: None, CROSSES;
    ListKeyPolicies: None, OWN;
    ListKeyRotations: None, OWN;
    ListKeys: None, OWN;
    ListResourceTags: None, OWN;
    ListRetirableGrants: None, OWN;
    PutKeyPolicy: None, OWN;
    ReEncryptFrom: Some(GrantOperation::ReEncryptFrom), CROSSES;
    ReEncryptTo: Some(GrantOperation::ReEncryptTo), CROSSES;
    ReplicateKey: None, OWN;
    RetireGrant: Some(GrantOperation::RetireGrant), CROSSES;
    RevokeGrant: None, CROSSES;
    RotateKeyOnDemand: None, OWN;
    ScheduleKeyDeletion: None, OWN;
    Sign: Some(GrantOperation::Sign), CROSSES;
    TagResource: None, OWN;
    UntagResource: None, OWN;
    UpdateAlias: None, OWN;
    UpdateKeyDescription: None, OWN;
    UpdatePrimaryRegion: None, OWN;
    Verify: Some(GrantOperation::Verify), CROSSES;
    VerifyMac: Some(GrantOperation::VerifyMac), CROSSES;
}
