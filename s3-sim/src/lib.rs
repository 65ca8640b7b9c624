//! An S3 that seals every object through KMS.
