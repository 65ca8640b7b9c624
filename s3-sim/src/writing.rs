//! Writing one object: the walk that PutObject and CopyObject share.
//!
//! ```text
//! data key ─▶ body sealed ─▶ promises checked ─▶ proof made ─▶ key wiped ─▶ row committed ─▶ old blobs deleted
//!                                                                             └─ the object exists from here on
//! ```

use aws_core::event::Place;
use aws_wire::body::Trailers;
use bytes::Bytes;
use envelope::data_key::PlaintextDataKey;
use futures::Stream;
use http::{Extensions, HeaderMap};

use crate::S3Sim;
use crate::blobs::Landed;
use crate::call::Call;
use crate::digest::{Checksums, Digested, Digests, Promise};
use crate::error::{Outcome, TxnFault, fault};
use crate::keys::Owner;
use crate::model::multipart::LARGEST_BODY_BYTES;
use crate::model::object::{Facts, Label, Object, Piece, Sealed, UserHeaders, Wrapping, version_subject};
use crate::proof::{self, Row};
use crate::seal::{self, Target};
use crate::sse::SseChoice;
use crate::store::Guard;

/// An object about to be written.
pub(crate) struct Writing<'a> {
    /// The service.
    pub(crate) sim: &'a S3Sim,
    /// For whom.
    pub(crate) call: &'a Call,
    /// Which object.
    pub(crate) owner: Owner<'a>,
    /// How it will be sealed.
    pub(crate) choice: SseChoice,
    /// What is stored with it.
    pub(crate) headers: UserHeaders,
    /// Tags, ACL and locks; its place among the versions is given at the end.
    pub(crate) label: Label,
    /// What the client said of the body.
    pub(crate) promise: Promise,
    /// Bytes that must arrive, if the client said how many.
    pub(crate) length: Option<u64>,
    /// What must hold of the object that stands there.
    pub(crate) guard: Guard,
}

/// An object that exists.
pub(crate) struct Written {
    /// As committed.
    pub(crate) facts: Facts,
    /// Under which key.
    pub(crate) wrapping: Wrapping,
    /// MD5 of the customer's key, where there is one.
    pub(crate) customer_md5: Option<String>,
    /// Of the plaintext.
    pub(crate) checksum: Checksums,
}

impl Writing<'_> {
    /// Takes the body in and commits. `trailers` is asked once the body has ended.
    pub(crate) async fn run<S>(self, body: &mut S, trailers: impl FnOnce() -> Option<HeaderMap>) -> Outcome<Written>
    where
        S: Stream<Item = Outcome<Bytes>> + Unpin,
    {
        let Self { sim, owner, .. } = self;
        let (bucket, key) = (&owner.bucket.name, owner.key);
        self.guard.check(key, sim.rows.find_object(bucket, key)?.as_ref())?;
        self.call.additional("SSEApplied", self.choice.applied());
        let fresh = sim.keys.generate(self.call, owner, &self.choice.mode).await?;
        let with_md5 = self.choice.etag_is_md5() || self.promise.wants_md5();
        let digests = Digests::new(self.promise.algorithm, with_md5);
        let target = Target { shelf: &sim.shelf, entropy: &sim.world.entropy, keys: &fresh.plaintext, part: 0 };
        let arrived = seal::take_in(target, digests, body).await?;
        check_length(self.length, &arrived.digested)?;
        self.promise.check(&arrived.digested, trailers().as_ref())?;
        self.call.additional("bytesTransferredIn", arrived.digested.size);

        let stamp = sim.stamps.next(owner.bucket, sim.world.now(), &*sim.world.entropy);
        let facts = self.facts(&arrived.digested, arrived.piece, stamp.version);
        let checksum = Some(arrived.digested.checksum);
        let wrapping = fresh.wrapped.wrapping.clone();
        let sealed = Sealed { checksums: checksum.clone(), parts: Vec::new() };
        let proof = object_proof(sim, owner, fresh.plaintext.row(), &facts, &sealed);
        drop(fresh.plaintext);
        let label = Label { order: stamp.order, ..self.label };
        let object = Object { facts: facts.clone(), wrapped: fresh.wrapped, proof, inline: arrived.inline, label };
        let committed = sim.rows.put_object(bucket, key, object, self.guard.clone()).await;
        let replaced = kept_if_named(arrived.landed, committed)?;
        sim.settle(owner, facts.version.as_deref(), &wrapping, replaced).await;
        Ok(Written { facts, wrapping, customer_md5: self.choice.customer_md5(), checksum })
    }

    fn facts(&self, digested: &Digested, piece: Piece, version: Option<String>) -> Facts {
        Facts {
            generation: self.sim.world.uuid(),
            version,
            size: digested.size,
            etag: etag(self.sim, self.choice.etag_is_md5(), digested),
            modified: crate::headers::whole_seconds(self.sim.world.now()),
            headers: self.headers.clone(),
            pieces: vec![piece],
            upload: None,
            checksum: Some((digested.checksum.algorithm, digested.checksum.kind)),
        }
    }
}

/// Lets a blob stand when its row was committed, or may have been: a blob too many is swept at the next start, a blob
/// too few is an object lost.
pub(crate) fn kept_if_named<T>(landed: Option<Landed>, committed: Result<T, TxnFault>) -> Outcome<T> {
    let named = committed.as_ref().map_or_else(|ended| ended.uncertain, |_| true);
    if let Some(landed) = landed.filter(|_| named) {
        landed.keep();
    }
    Ok(committed?)
}

/// MD5 where the ETag is one, else 32 random digits: the same bytes have another ETag each time.
pub(crate) fn etag(sim: &S3Sim, is_md5: bool, digested: &Digested) -> String {
    match digested.md5 {
        Some(md5) if is_md5 => hex::encode(md5),
        Some(_) | None => hex::encode(sim.world.entropy.array::<16>()),
    }
}

/// The proof of an object's row.
pub(crate) fn object_proof(
    sim: &S3Sim,
    owner: Owner<'_>,
    key: &PlaintextDataKey,
    facts: &Facts,
    sealed: &Sealed,
) -> Vec<u8> {
    proof::seal(key, Row::Object(&owner.arn()), facts, sealed, &*sim.world.entropy)
}

impl S3Sim {
    /// After a commit: tells the ledger of the new row's key, and deletes what the row replaced.
    pub(crate) async fn settle(
        &self,
        owner: Owner<'_>,
        version: Option<&str>,
        wrapping: &Wrapping,
        replaced: Option<Object>,
    ) {
        self.forget(&owner.bucket.name, owner.key, replaced).await;
        let subject = version_subject(&owner.bucket.name, owner.key, version);
        self.world.custodian().wrapped(&subject, Place::S3Metadata, wrapping.by(&owner.bucket.name));
    }

    /// Of objects whose rows are gone: tells the ledger, deletes the blobs.
    pub(crate) async fn forget(&self, bucket: &str, key: &str, gone: impl IntoIterator<Item = Object>) {
        for object in gone {
            let subject = version_subject(bucket, key, object.facts.version.as_deref());
            self.world.custodian().dropped(&subject, Place::S3Metadata);
            self.shelf.doom(object.blobs()).await;
        }
    }
}

/// How many bytes a request says it carries; 411 when it does not say, 400 when it is more than S3 takes.
pub(crate) fn promised_length(headers: &HeaderMap) -> Outcome<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let length = number("x-amz-decoded-content-length").or_else(|| number("content-length"));
    let length =
        length.ok_or_else(|| fault("MissingContentLength", 411, "You must provide the Content-Length HTTP header."))?;
    if length > LARGEST_BODY_BYTES {
        return Err(seal::too_large().with("ProposedSize", length.to_string()));
    }
    Ok(length)
}

/// 400 when fewer or more bytes came.
pub(crate) fn check_length(promised: Option<u64>, digested: &Digested) -> Outcome<()> {
    match promised {
        Some(length) if length != digested.size => {
            let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
            Err(fault("IncompleteBody", 400, message))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads the trailers that the wire left in the extensions, once the body has ended.
pub(crate) fn trailers_of(extensions: &Extensions) -> impl FnOnce() -> Option<HeaderMap> + use<> {
    let trailers: Option<Trailers> = extensions.get::<Trailers>().cloned();
    move || trailers.and_then(|trailers| trailers.get())
}
