//! Policies: what they say (`document`), when they speak (`condition`), who wins (`evaluate`), and why (`explain`).

pub mod condition;
pub mod document;
pub mod evaluate;
pub mod explain;
