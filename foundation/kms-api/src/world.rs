//! What every service is given: whom to ask about identities, where events go, the time, and randomness.

use std::sync::Arc;

use aws_core::audit::{Audit, Opening};
use aws_core::call::CallContext;
use aws_core::event::Sink;
use aws_core::identity::Identities;
use aws_core::time::{Clock, Timestamp};
use envelope::entropy::Entropy;

use crate::custody::Custodian;

/// The surroundings of a service. Cheap to clone.
#[derive(Clone)]
pub struct World {
    /// IAM, as the others see it.
    pub identities: Arc<dyn Identities>,
    /// Where events go.
    pub sink: Arc<dyn Sink>,
    /// The simulated clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl World {
    /// Now, on the simulated clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh UUID.
    pub fn uuid(&self) -> String {
        aws_core::id::uuid(self.entropy.array())
    }

    /// Opens the notebook of a call.
    pub fn audit(&self, ctx: &CallContext, opening: Opening<'_>) -> Audit {
        Audit::open(&*self.sink, ctx, opening, self.now(), self.entropy.array())
    }

    /// Announces keys to the ledger.
    pub fn custodian(&self) -> Custodian {
        Custodian::new(self.sink.clone(), self.clock.clone())
    }
}
