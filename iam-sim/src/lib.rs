//! The IAM and STS that storage and keys need.
