//! The simulated HSM. Backing keys are born, wrapped, unwrapped and used in `boundary`, and nowhere else.

pub mod boundary;
