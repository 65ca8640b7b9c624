//! The simulated HSMs. Backing keys are born, wrapped, unwrapped and used in `boundary`, and nowhere else.

pub mod boundary;
pub mod custom_store;
pub mod fleet;
mod module;
pub mod twice;
