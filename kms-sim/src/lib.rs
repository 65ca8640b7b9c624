//! A KMS whose encryption is real.
