//! Related multi-Region keys: one id and one material in several regions; everything else is each region's own.
//!
//! Who is related follows from account and id; no key keeps a list of its relatives. What is shared is copied from the
//! primary key to its replicas whenever it changes ([`follow`]), in the same commit.

use serde_json::{Value, json};

use super::backing_key::BackingKey;
use super::key::{Key, KeyOrigin};

/// A multi-Region key's place among its relatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiRegion {
    /// The one that is replicated, and rotated.
    Primary,
    /// A copy that follows.
    Replica,
}

impl MultiRegion {
    /// AWS's word, also the value of `kms:MultiRegionKeyType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Replica => "REPLICA",
        }
    }

    /// Reads AWS's word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Primary, Self::Replica].into_iter().find(|role| role.name() == name)
    }
}

/// Takes over what related keys share. Bytes of imported material stay each region's own: only their names travel.
pub fn follow(replica: &mut Key, primary: &Key) {
    replica.purpose = primary.purpose;
    replica.rotation = primary.rotation.clone();
    let own: Vec<BackingKey> = replica.materials.drain(..).chain(replica.pending.take()).collect();
    let taken_over = |shared: &BackingKey| match primary.origin {
        KeyOrigin::External => own_bytes(&own, shared),
        KeyOrigin::AwsKms | KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore => shared.clone(),
    };
    replica.materials = primary.materials.iter().map(taken_over).collect();
    replica.pending = primary.pending.as_ref().map(taken_over);
}

fn own_bytes(own: &[BackingKey], shared: &BackingKey) -> BackingKey {
    let Some(held) = own.iter().find(|held| held.id == shared.id) else { return shared.without_bytes() };
    BackingKey { since: shared.since, origin: shared.origin, ..held.clone() }
}

/// `MultiRegionConfiguration` of a key, given all its relatives (itself among them).
pub fn configuration(role: MultiRegion, relatives: &[&Key]) -> Value {
    let named = |key: &&Key| json!({"Arn": key.arn, "Region": key.address.region});
    let of_role = |wanted| relatives.iter().filter(move |key| key.multi_region == Some(wanted)).map(named);
    json!({
        "MultiRegionKeyType": role.name(),
        "PrimaryKey": of_role(MultiRegion::Primary).next(),
        "ReplicaKeys": of_role(MultiRegion::Replica).collect::<Vec<_>>(),
    })
}
