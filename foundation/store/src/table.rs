//! A table is a name and a type. Keys are text in byte order; values are MessagePack maps with named members, so that a
//! later version may add members with a default and still read what an earlier one wrote.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// Names a table whose rows hold `V`.
#[derive(Debug)]
pub struct Table<V> {
    name: &'static str,
    rows: PhantomData<fn() -> V>,
}

impl<V> Table<V> {
    /// A table comes into being with its first row.
    pub const fn new(name: &'static str) -> Self {
        Self { name, rows: PhantomData }
    }

    /// The name under which it is stored.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<V: Serialize> Table<V> {
    pub(crate) fn encode(&self, value: &V) -> Result<Vec<u8>, StoreError> {
        rmp_serde::to_vec_named(value).map_err(|e| StoreError::Encode { table: self.name, reason: e.to_string() })
    }
}

impl<V: DeserializeOwned> Table<V> {
    pub(crate) fn decode(&self, key: &str, bytes: &[u8]) -> Result<V, StoreError> {
        rmp_serde::from_slice(bytes).map_err(|e| StoreError::Decode {
            table: self.name,
            key: key.into(),
            reason: e.to_string(),
        })
    }

    pub(crate) fn decode_rows(&self, rows: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, V)>, StoreError> {
        rows.into_iter()
            .map(|(key, bytes)| {
                let value = self.decode(&key, &bytes)?;
                Ok((key, value))
            })
            .collect()
    }
}
