//! The lessons: strict YAML, real command lines, checked expectations.
