//! An object laid open as far as it can be without a key: its row, its wrapped data key and who can unwrap it, the
//! headers of its sealed pieces and the first bytes of ciphertext. docs/object-format.md explains every member.

use std::fs::File;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::segment::{self, HEADER_BYTES};
use serde_json::{Value, json};

use crate::S3Sim;
use crate::model::bucket::object_arn;
use crate::model::object::{Object, Piece, Wrapping};

/// How many bytes of ciphertext are shown.
const SHOWN_BYTES: usize = 64;

impl S3Sim {
    /// What is stored of an object; `None` when there is no such object.
    pub fn inspect(&self, bucket: &str, key: &str) -> Option<Value> {
        let object = self.rows.find_object(bucket, key).ok()??;
        let facts = &object.facts;
        Some(json!({
            "arn": object_arn(bucket, key),
            "size": facts.size,
            "etag": facts.etag,
            "lastModified": facts.modified,
            "encryption": mode(&object.wrapped.wrapping),
            "wrappedKey": STANDARD.encode(&object.wrapped.blob),
            "wrapping": self.wrapping(bucket, &object.wrapped.wrapping),
            "whoCanUnwrap": who(&object.wrapped.wrapping),
            "proof": STANDARD.encode(&object.proof),
            "pieces": facts.pieces.iter().map(|piece| self.piece(&object, piece)).collect::<Vec<_>>(),
        }))
    }

    fn wrapping(&self, bucket: &str, wrapping: &Wrapping) -> Value {
        match wrapping {
            Wrapping::S3Owned => json!({}),
            Wrapping::Kms { key_arn, context, carried } => {
                let carried = carried.as_ref().map(|carried| STANDARD.encode(carried));
                json!({"keyArn": key_arn, "encryptionContext": context, "carriedKey": carried})
            }
            Wrapping::BucketKey { id, .. } => {
                let row = self.rows.bucket_key(bucket, id).ok().flatten();
                row.map_or(Value::Null, |row| {
                    let wrapped = STANDARD.encode(&row.blob);
                    json!({"keyArn": row.key_arn, "encryptionContext": row.context,
                           "bucketKey": {"id": row.id, "wrappedKey": wrapped}})
                })
            }
            Wrapping::Dsse { key_arn, context, outer } => json!({
                "keyArn": key_arn, "encryptionContext": context, "outerWrappedKey": STANDARD.encode(outer),
            }),
            Wrapping::Customer { lock, row } => json!({
                "salt": hex::encode(&lock.salt), "commitment": hex::encode(&lock.commitment),
                "rowWrappedKey": STANDARD.encode(row),
            }),
        }
    }

    fn piece(&self, object: &Object, piece: &Piece) -> Value {
        let path = object.inline.is_none().then(|| self.shelf.path(&piece.blob).ok()).flatten();
        let mut start = Vec::new();
        match (&object.inline, &path) {
            (Some(inline), _) => start.extend(inline.iter().take(HEADER_BYTES + SHOWN_BYTES)),
            (None, Some(path)) => {
                let wanted = (HEADER_BYTES + SHOWN_BYTES) as u64;
                // A blob that cannot be read shows as an empty one: looking must work on a damaged store too.
                let _ = File::open(path).and_then(|file| file.take(wanted).read_to_end(&mut start));
            }
            (None, None) => {}
        }
        json!({
            "part": piece.part,
            "blob": piece.blob,
            "size": piece.size,
            "sealedSize": sealed_size(object, piece),
            "file": path,
            "inline": object.inline.as_ref().map(|inline| STANDARD.encode(inline)),
            "header": header(&start),
            "firstCiphertext": start.get(HEADER_BYTES..).map(hex::encode),
        })
    }
}

fn sealed_size(object: &Object, piece: &Piece) -> Option<u64> {
    let once = segment::sealed_len(piece.size)?;
    match object.wrapped.wrapping {
        Wrapping::Dsse { .. } => segment::sealed_len(once),
        Wrapping::S3Owned | Wrapping::Kms { .. } | Wrapping::BucketKey { .. } | Wrapping::Customer { .. } => Some(once),
    }
}

/// The members of a SEA1 header, as they stand; of two layers, the outer one's.
fn header(bytes: &[u8]) -> Value {
    if bytes.len() < HEADER_BYTES {
        return Value::Null;
    }
    json!({
        "magic": String::from_utf8_lossy(&bytes[..4]),
        "suite": bytes[4],
        "segmentLog2": bytes[5],
        "part": u16::from_be_bytes([bytes[6], bytes[7]]),
        "blob": hex::encode(&bytes[8..24]),
        "salt": hex::encode(&bytes[24..56]),
        "commitment": hex::encode(&bytes[56..88]),
    })
}

fn mode(wrapping: &Wrapping) -> &'static str {
    match wrapping {
        Wrapping::S3Owned => "SSE-S3",
        Wrapping::Kms { .. } => "SSE-KMS",
        Wrapping::BucketKey { .. } => "SSE-KMS with a bucket key",
        Wrapping::Dsse { .. } => "DSSE-KMS",
        Wrapping::Customer { .. } => "SSE-C",
    }
}

fn who(wrapping: &Wrapping) -> String {
    match wrapping {
        Wrapping::S3Owned => "S3 alone, under a key of its own; whoever may s3:GetObject gets plaintext".into(),
        Wrapping::Kms { key_arn, .. } => {
            format!("whoever may kms:Decrypt under {key_arn} with this encryption context")
        }
        Wrapping::BucketKey { key_arn, .. } => format!(
            "whoever may kms:Decrypt under {key_arn} with the bucket's encryption context; and, without asking KMS, \
             a requester for whom S3 still holds the bucket key"
        ),
        Wrapping::Dsse { key_arn, .. } => format!(
            "S3 together with whoever may kms:Decrypt under {key_arn} with this encryption context: the outer layer's \
             key is under S3's own"
        ),
        Wrapping::Customer { .. } => "whoever holds the customer's key; it is not kept here".into(),
    }
}
