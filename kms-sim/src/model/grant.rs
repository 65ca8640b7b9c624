//! Grants: a principal may use one key for some operations, under constraints on the encryption context.

use std::collections::BTreeMap;

use aws_core::principal::Principal;
use aws_core::time::Timestamp;
use kms_api::shapes::{ContextMap, GrantConstraints};

use super::address::KeyAddress;
use super::purpose::{KeyUsage, Purpose};

/// Most grants that one key may have.
pub const GRANTS_PER_KEY: usize = 50_000;

macro_rules! grant_operations {
    ($($name:ident),* $(,)?) => {
        /// What a grant can allow, by AWS's names and in AWS's order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GrantOperation { $(#[doc = concat!("`", stringify!($name), "`")] $name),* }

        impl GrantOperation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// AWS's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

grant_operations!(
    Decrypt,
    Encrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    ReEncryptFrom,
    ReEncryptTo,
    Sign,
    Verify,
    GetPublicKey,
    CreateGrant,
    RetireGrant,
    DescribeKey,
    GenerateDataKeyPair,
    GenerateDataKeyPairWithoutPlaintext,
    GenerateMac,
    VerifyMac,
    DeriveSharedSecret,
    Encapsulate,
    Decapsulate,
);

impl GrantOperation {
    /// Reads AWS's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// Whether keys of this purpose do it.
    pub fn suits(self, purpose: Purpose) -> bool {
        match self {
            Self::CreateGrant | Self::RetireGrant | Self::DescribeKey => true,
            Self::Encrypt | Self::Decrypt | Self::ReEncryptFrom | Self::ReEncryptTo => {
                purpose.usage == KeyUsage::EncryptDecrypt
            }
            Self::GenerateDataKey
            | Self::GenerateDataKeyWithoutPlaintext
            | Self::GenerateDataKeyPair
            | Self::GenerateDataKeyPairWithoutPlaintext => purpose.is_default(),
            Self::GetPublicKey => purpose.is_asymmetric(),
            Self::Sign | Self::Verify => purpose.usage == KeyUsage::SignVerify,
            Self::GenerateMac | Self::VerifyMac => purpose.usage == KeyUsage::GenerateVerifyMac,
            Self::DeriveSharedSecret => purpose.usage == KeyUsage::KeyAgreement,
            Self::Encapsulate | Self::Decapsulate => purpose.usage == KeyUsage::EncapsulateDecapsulate,
        }
    }
}

/// A standing permission on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// 64 hex digits.
    pub id: String,
    /// The key it is about.
    pub key: KeyAddress,
    /// Makes a retry find this grant again.
    pub name: Option<String>,
    /// Who may use the key: an ARN, or a service principal.
    pub grantee: String,
    /// Whether the grant was made to a service by that name (`GranteeServicePrincipal`).
    pub grantee_is_service: bool,
    /// Who may end the grant.
    pub retiring: Option<String>,
    /// Whether that is a service, named as such (`RetiringServicePrincipal`).
    pub retiring_is_service: bool,
    /// What the grantee may do.
    pub operations: Vec<GrantOperation>,
    /// Under which encryption context; `None` for any.
    pub constraints: Option<GrantConstraints>,
    /// On behalf of which resource; `None` for any.
    pub source_arn: Option<String>,
    /// ARN of the root of the account that made it.
    pub issuer: String,
    /// When it was made.
    pub created: Timestamp,
}

/// What a request shows of itself to a grant.
#[derive(Clone, Copy, Debug)]
pub struct Showing<'a> {
    /// The operation asked for.
    pub operation: GrantOperation,
    /// Its encryption context, where the operation has one.
    pub context: Option<&'a ContextMap>,
    /// The resource on whose behalf a service asks (`aws:SourceArn`).
    pub source_arn: Option<&'a str>,
    /// For CreateGrant: the grant to be made.
    pub child: Option<&'a Grant>,
}

impl Grant {
    /// Whether the two were asked for with the same parameters, name included: then the second is a retry.
    pub fn is_retry_of(&self, other: &Self) -> bool {
        let parties = |grant: &Self| (grant.grantee_is_service, grant.retiring_is_service, grant.source_arn.clone());
        let same_words = self.name == other.name && self.grantee == other.grantee && self.retiring == other.retiring;
        same_words
            && parties(self) == parties(other)
            && self.operations == other.operations
            && self.constraints == other.constraints
    }

    /// Whether this grant allows the request; else what does not fit.
    pub fn fits(&self, showing: &Showing<'_>) -> Result<(), String> {
        if !self.operations.contains(&showing.operation) {
            return Err(format!("the grant does not allow {}", showing.operation.name()));
        }
        if let Some(context) = showing.context {
            self.admits(context)?;
        }
        if self.source_arn.as_deref().is_some_and(|wanted| showing.source_arn != Some(wanted)) {
            return Err("the request is not made on behalf of the resource that the grant names".into());
        }
        showing.child.map_or(Ok(()), |child| self.covers(child))
    }

    fn admits(&self, context: &ContextMap) -> Result<(), String> {
        let Some(constraints) = &self.constraints else { return Ok(()) };
        if let Some(subset) = &constraints.encryption_context_subset
            && !includes(context, subset)
        {
            return Err("the encryption context lacks pairs that the grant demands".into());
        }
        if let Some(exact) = &constraints.encryption_context_equals
            && !equals(context, exact)
        {
            return Err("the encryption context is not the one that the grant demands".into());
        }
        Ok(())
    }

    /// A grant made through a grant: no more operations, constraints at least as strict.
    fn covers(&self, child: &Self) -> Result<(), String> {
        if !child.operations.iter().all(|operation| self.operations.contains(operation)) {
            return Err("the new grant has operations that this grant lacks".into());
        }
        if self.source_arn.is_some() && child.source_arn != self.source_arn {
            return Err("the new grant is not for the resource that this grant is for".into());
        }
        match &self.constraints {
            Some(own) if !at_least_as_strict(child.constraints.as_ref(), own) => {
                Err("the new grant's constraints are weaker than this grant's".into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// `ACCOUNT/REGION/KEY/GRANT`: its row's name, by which lists across keys are ordered.
    pub fn row(&self) -> String {
        format!("{}/{}", self.key.row(), self.id)
    }

    /// Whether `principal` is the one who may end this grant.
    pub fn is_retired_by(&self, principal: &Principal) -> bool {
        let grantee_may = self.operations.contains(&GrantOperation::RetireGrant);
        let names = names_of(principal);
        names.iter().any(|name| self.retiring.as_ref() == Some(name) || (grantee_may && self.grantee == *name))
    }
}

/// The names under which a grant can speak of a principal: itself, the role behind a session, and a service without
/// its region.
pub fn names_of(principal: &Principal) -> Vec<String> {
    [Some(principal.arn()), principal.role_arn(), regionless(principal)].into_iter().flatten().collect()
}

fn regionless(principal: &Principal) -> Option<String> {
    let Principal::Service { name, .. } = principal else { return None };
    let (service, region) = name.strip_suffix(".amazonaws.com")?.split_once('.')?;
    (!region.is_empty()).then(|| format!("{service}.amazonaws.com"))
}

/// Names of context pairs are compared without regard to case, values exactly.
fn includes(context: &ContextMap, wanted: &ContextMap) -> bool {
    wanted.iter().all(|(name, value)| context.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value))
}

fn equals(context: &ContextMap, wanted: &ContextMap) -> bool {
    context.len() == wanted.len() && includes(context, wanted) && includes(wanted, context)
}

fn at_least_as_strict(child: Option<&GrantConstraints>, parent: &GrantConstraints) -> bool {
    let Some(child) = child else { return false };
    let demanded = child.encryption_context_equals.as_ref().or(child.encryption_context_subset.as_ref());
    let subset_kept = parent
        .encryption_context_subset
        .as_ref()
        .is_none_or(|subset| demanded.is_some_and(|demanded| includes(demanded, subset)));
    let exact_kept = parent
        .encryption_context_equals
        .as_ref()
        .is_none_or(|exact| child.encryption_context_equals.as_ref().is_some_and(|demanded| equals(demanded, exact)));
    subset_kept && exact_kept
}

/// An empty constraint structure constrains nothing and is not stored.
pub fn meaningful(constraints: Option<GrantConstraints>) -> Option<GrantConstraints> {
    constraints.filter(|c| c.encryption_context_subset.is_some() || c.encryption_context_equals.is_some())
}

/// AWS's word for the kind of constraint (`kms:GrantConstraintType`).
pub fn constraint_type(constraints: Option<&GrantConstraints>) -> Option<&'static str> {
    let constraints = constraints?;
    let exact = constraints.encryption_context_equals.as_ref().map(|_| "EncryptionContextEquals");
    exact.or(constraints.encryption_context_subset.as_ref().map(|_: &BTreeMap<_, _>| "EncryptionContextSubset"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_core::id::{AccountId, Region};
    use proptest::prelude::*;

    fn map(pairs: &[(&str, &str)]) -> ContextMap {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    fn subset(pairs: &[(&str, &str)]) -> Option<GrantConstraints> {
        Some(GrantConstraints { encryption_context_subset: Some(map(pairs)), encryption_context_equals: None })
    }

    fn exact(pairs: &[(&str, &str)]) -> Option<GrantConstraints> {
        Some(GrantConstraints { encryption_context_subset: None, encryption_context_equals: Some(map(pairs)) })
    }

    fn grant(operations: &[GrantOperation], constraints: Option<GrantConstraints>) -> Grant {
        Grant {
            id: "0".repeat(64),
            key: KeyAddress { account: AccountId::default_account(), region: Region::default_region(), id: "k".into() },
            name: None,
            grantee: "arn:aws:iam::000000000000:user/u".into(),
            grantee_is_service: false,
            retiring: None,
            retiring_is_service: false,
            operations: operations.to_vec(),
            constraints,
            source_arn: None,
            issuer: String::new(),
            created: Timestamp::UNIX_EPOCH,
        }
    }

    fn decrypts(grant: &Grant, context: &ContextMap) -> bool {
        let showing =
            Showing { operation: GrantOperation::Decrypt, context: Some(context), source_arn: None, child: None };
        grant.fits(&showing).is_ok()
    }

    #[test]
    fn a_subset_tolerates_more_pairs_and_other_case_of_names_but_not_of_values() {
        let held = grant(&[GrantOperation::Decrypt], subset(&[("aws:ebs:id", "vol-1")]));
        assert!(decrypts(&held, &map(&[("AWS:EBS:ID", "vol-1"), ("more", "x")])));
        assert!(!decrypts(&held, &map(&[("aws:ebs:id", "VOL-1")])));
        assert!(!decrypts(&held, &map(&[])));
    }

    #[test]
    fn equals_with_nothing_demands_nothing_at_all() {
        let held = grant(&[GrantOperation::Decrypt], exact(&[]));
        assert!(decrypts(&held, &map(&[])));
        assert!(!decrypts(&held, &map(&[("a", "b")])));
    }

    #[test]
    fn a_child_grant_never_allows_more_than_its_parent() {
        use GrantOperation::{CreateGrant, Decrypt, Encrypt};
        let parent = grant(&[CreateGrant, Decrypt], subset(&[("a", "1")]));
        let fits = |child: &Grant| {
            parent
                .fits(&Showing { operation: CreateGrant, context: None, source_arn: None, child: Some(child) })
                .is_ok()
        };
        assert!(fits(&grant(&[Decrypt], subset(&[("a", "1"), ("b", "2")]))));
        assert!(fits(&grant(&[Decrypt], exact(&[("a", "1")]))));
        assert!(!fits(&grant(&[Decrypt, Encrypt], subset(&[("a", "1")]))));
        assert!(!fits(&grant(&[Decrypt], None)));
        assert!(!fits(&grant(&[Decrypt], exact(&[("b", "1")]))));
    }

    fn contexts() -> impl Strategy<Value = ContextMap> {
        proptest::collection::btree_map("[ab]", "[12]", 0..3)
    }

    fn constraints() -> impl Strategy<Value = Option<GrantConstraints>> {
        prop_oneof![
            Just(None),
            contexts().prop_map(|pairs| Some(GrantConstraints {
                encryption_context_subset: Some(pairs),
                encryption_context_equals: None
            })),
            contexts().prop_map(|pairs| Some(GrantConstraints {
                encryption_context_subset: None,
                encryption_context_equals: Some(pairs)
            })),
        ]
    }

    proptest! {
        /// If a parent covers a child, then whatever context the child admits, the parent admits too.
        #[test]
        fn covering_is_sound(parent in constraints(), child in constraints(), context in contexts()) {
            let parent = grant(&[GrantOperation::Decrypt], parent);
            let child = grant(&[GrantOperation::Decrypt], child);
            if parent.covers(&child).is_ok() && decrypts(&child, &context) {
                prop_assert!(decrypts(&parent, &context));
            }
        }
    }
}
