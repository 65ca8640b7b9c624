//! CloudTrail: one record per call, in order, durable.
