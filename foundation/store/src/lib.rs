//! Tables and blobs that survive a crash.
