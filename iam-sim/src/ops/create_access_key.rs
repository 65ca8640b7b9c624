//! CreateAccessKey: a pair of names, one of them secret. The secret is told once, here, and rests wrapped.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::ops::keys::{Owner, keys_of};
use crate::ops::shapes;
use crate::records::{AccessKey, KeyStatus};
use crate::service::Op;
use crate::vault::{Purpose, new_access_key_id, new_secret};

/// So that a key can be replaced while the old one still works, and no more.
const MOST_KEYS: usize = 2;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreateAccessKey", run);

fn run(call: &mut Call<'_>) -> Answer {
    let owner = Owner::of(call)?;
    let entropy = call.directory.entropy();
    let (id, secret) = (new_access_key_id("AKIA", entropy), new_secret(entropy));
    let key = AccessKey {
        id: id.clone(),
        owner: owner.principal(),
        created: call.now(),
        wrapped_secret: call.directory.vault().seal(Purpose::SecretAccessKey, &id, secret.as_bytes(), entropy),
        status: KeyStatus::Active,
    };
    let mut shape = shapes::access_key(&key, owner.name());
    shape["SecretAccessKey"] = json!(*secret);
    call.directory.change(|shelves, draft| {
        if keys_of(shelves, &owner).count() >= MOST_KEYS {
            return Err(IamError::Quota { what: "AccessKeysPerUser", most: MOST_KEYS });
        }
        draft.put(key);
        Ok(json!({ "AccessKey": shape }))
    })
}
