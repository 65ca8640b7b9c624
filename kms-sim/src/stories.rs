//! Stories told to the whole KMS.
