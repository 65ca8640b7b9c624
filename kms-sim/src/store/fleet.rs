//! ```text
//! kms.hsm      fleet      which HSMs are wiped, and the fingerprint of the domain key that they held
//! ```

use std::collections::BTreeMap;

use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use serde::{Deserialize, Serialize};
use store::{Store, Table};

use crate::error::Broken;
use crate::hsm::fleet::Scars;

const HSM: Table<FleetRow> = Table::new("kms.hsm");
const FLEET: &str = "fleet";

#[derive(Serialize, Deserialize)]
struct FleetRow {
    #[serde(with = "serde_bytes")]
    fingerprint: Vec<u8>,
    wiped: BTreeMap<u32, Timestamp>,
}

/// What of the HSMs' fate was kept, if anything ever happened to them.
pub(crate) fn load(store: &Store) -> Result<Option<Scars>, Broken> {
    let Some(FleetRow { fingerprint, wiped }) = store.get(&HSM, FLEET)? else { return Ok(None) };
    let fingerprint = fingerprint.try_into().map_err(|_| Broken::Row(HSM.name(), FLEET.into()))?;
    Ok(Some(Scars { fingerprint, wiped }))
}

/// Keeps the HSMs' fate.
pub(crate) async fn keep(store: &Store, scars: Scars) -> Result<(), KmsError> {
    let row = FleetRow { fingerprint: scars.fingerprint.to_vec(), wiped: scars.wiped };
    super::write(store, move |txn| txn.put(&HSM, FLEET, &row)).await
}
