//! An EBS whose attached volumes are real files.
