//! sse-sim.
