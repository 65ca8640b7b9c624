//! Configurations of a bucket that most requests need not know: one row each, as JSON of what the client sent.

use ::store::{Span, Table, Txn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Rows, existing};
use crate::error::{Outcome, TxnFault, internal, store_failed};

/// `<bucket>/<kind>`
const DOCUMENTS: Table<String> = Table::new("s3.documents");

/// Which configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The bucket policy, as written.
    Policy,
    /// CORS rules.
    Cors,
    /// Lifecycle rules.
    Lifecycle,
    /// Tags of the bucket.
    Tagging,
    /// Where access logs go.
    Logging,
    /// Where notifications go.
    Notification,
    /// The canned ACL of the bucket.
    Acl,
    /// Transfer acceleration.
    Accelerate,
    /// Who pays.
    RequestPayment,
    /// Object Lock's default retention.
    ObjectLock,
}

impl Kind {
    fn row(self, bucket: &str) -> String {
        format!("{bucket}/{self:?}")
    }
}

impl Rows {
    /// One configuration, if it is set.
    pub(crate) fn document<T: DeserializeOwned>(&self, bucket: &str, kind: Kind) -> Outcome<Option<T>> {
        let Some(text) = self.0.get(&DOCUMENTS, &kind.row(bucket)).map_err(store_failed)? else { return Ok(None) };
        let read = serde_json::from_str(&text).map_err(|error| {
            tracing::error!(%error, bucket, ?kind, "a stored configuration cannot be read");
            internal()
        });
        read.map(Some)
    }

    /// Sets one.
    pub(crate) async fn put_document(&self, bucket: &str, kind: Kind, value: &impl Serialize) -> Outcome<()> {
        let text = serde_json::to_string(value).map_err(|_| internal())?;
        let bucket = bucket.to_owned();
        self.write(move |txn| {
            existing(txn, &bucket)?;
            Ok(txn.put(&DOCUMENTS, &kind.row(&bucket), &text)?)
        })
        .await
    }

    /// Removes one, if it is there.
    pub(crate) async fn drop_document(&self, bucket: &str, kind: Kind) -> Outcome<()> {
        let bucket = bucket.to_owned();
        self.write(move |txn| {
            existing(txn, &bucket)?;
            txn.delete(&DOCUMENTS, &kind.row(&bucket))?;
            Ok(())
        })
        .await
    }
}

/// Removes all, with their bucket.
pub(super) fn drop_all(txn: &mut Txn<'_>, bucket: &str) -> Result<(), TxnFault> {
    for (row, _) in txn.scan(&DOCUMENTS, Span::prefix(&format!("{bucket}/")), usize::MAX)? {
        txn.delete(&DOCUMENTS, &row)?;
    }
    Ok(())
}
