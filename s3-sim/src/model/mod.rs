//! What S3 knows, free of wire shapes and of tables: buckets, objects, listings, uploads.

pub(crate) mod bucket;
pub(crate) mod listing;
pub(crate) mod multipart;
pub(crate) mod object;
pub(crate) mod version;
pub(crate) mod version_listing;
