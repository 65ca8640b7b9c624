//! The bridge from a key's life to the ledger: who holds which key, and where.

use std::fmt;
use std::sync::Arc;

use aws_core::event::{Event, Form, KeyDropped, KeyPlaced, Place, Sink};
use aws_core::time::Clock;
use envelope::data_key::Witness;
use envelope::secret::Secret;

/// Announces keys to the ledger.
#[derive(Clone)]
pub struct Custodian {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
}

impl Custodian {
    /// Speaks to `sink`, dated by `clock`.
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self { sink, clock }
    }

    /// Custody of a plaintext key: `subject` is `volume/<id>`, `object/<bucket>/<key>`, …
    pub fn custody(&self, subject: impl Into<String>, place: Place) -> Custody {
        Custody { custodian: self.clone(), subject: subject.into(), place }
    }

    /// A key is somewhere, in some form.
    pub fn placed(&self, subject: &str, place: Place, form: Form) {
        let ordinal = self.sink.next_ordinal();
        self.sink.emit(Event::KeyPlaced(KeyPlaced {
            ordinal,
            time: self.clock.now(),
            subject: subject.into(),
            place,
            form,
        }));
    }

    /// A wrapped key is stored.
    pub fn wrapped(&self, subject: &str, place: Place, by: impl Into<String>) {
        self.placed(subject, place, Form::Wrapped { by: by.into() });
    }

    /// A key is gone from a place.
    pub fn dropped(&self, subject: &str, place: Place) {
        let ordinal = self.sink.next_ordinal();
        self.sink.emit(Event::KeyDropped(KeyDropped {
            ordinal,
            time: self.clock.now(),
            subject: subject.into(),
            place,
        }));
    }
}

/// Into whose hands a plaintext key is delivered. Turns into the key's witness.
pub struct Custody {
    custodian: Custodian,
    subject: String,
    place: Place,
}

impl Custody {
    /// Puts secret bytes into this custody.
    pub fn take(self, bytes: Secret) -> envelope::data_key::PlaintextDataKey {
        envelope::data_key::PlaintextDataKey::born(bytes, Box::new(self))
    }
}

impl Witness for Custody {
    fn born(&self) {
        self.custodian.placed(&self.subject, self.place, Form::Plaintext);
    }

    fn dropped(&self) {
        self.custodian.dropped(&self.subject, self.place);
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custody({} in {:?})", self.subject, self.place)
    }
}
