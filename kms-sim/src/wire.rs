//! `TrentService` on the wire: the operation's name picks its file under `ops`, and the gesture is the same for all.

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use aws_wire::service::JsonService;
use bytes::Bytes;
use kms_api::error::KmsError;

use crate::KmsSim;
use crate::authorize::action::*;
use crate::operation::{Operation, decode, perform, perform_detached};
use crate::ops::re_encrypt::ReEncrypt;

macro_rules! dispatch {
    ($kms:expr, $ctx:expr, $operation:expr, $body:expr; $($name:ident)*) => {
        match $operation {
            $(stringify!($name) => $kms.serve::<$name>($ctx, $body).await,)*
            _ => Err(KmsError::UnknownOperation),
        }
    };
}

#[async_trait]
impl JsonService for KmsSim {
    fn target_prefix(&self) -> &'static str {
        "TrentService"
    }

    async fn call(&self, ctx: &CallContext, operation: &str, body: &[u8]) -> Result<Bytes, ApiFault> {
        let outcome = dispatch!(self, ctx, operation, body;
            CancelKeyDeletion CreateAlias CreateGrant CreateKey Decapsulate Decrypt DeleteAlias
            DeleteImportedKeyMaterial DeriveSharedSecret DescribeKey DisableKey DisableKeyRotation EnableKey
            EnableKeyRotation Encapsulate Encrypt GenerateDataKey GenerateDataKeyPair
            GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom
            GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus GetParametersForImport GetPublicKey ImportKeyMaterial
            ListAliases ListGrants ListKeyPolicies ListKeyRotations ListKeys ListResourceTags ListRetirableGrants
            PutKeyPolicy ReEncrypt ReplicateKey RetireGrant RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign
            TagResource UntagResource UpdateAlias UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac
        );
        outcome.map_err(|error: KmsError| error.fault())
    }
}

impl KmsSim {
    async fn serve<O: Operation>(&self, ctx: &CallContext, body: &[u8]) -> Result<Bytes, KmsError> {
        let decoded = decode::<O>(body);
        let answer = match O::READ_ONLY {
            true => perform::<O>(self, ctx, decoded).await?,
            false => perform_detached::<O>(self.handle(), ctx.clone(), decoded).await?,
        };
        Ok(O::print(self, answer))
    }
}
