//! Form parameters of the Query protocols.

/// The decoded form.
#[derive(Clone, Debug, Default)]
pub struct Params(pub(crate) Vec<(String, String)>);
