//! EC2's ids: a prefix, a hyphen, 8 or 17 hex digits. They become file names, so that nothing else passes.

/// Whether `id` is `<prefix>-` and 8 or 17 lower-case hex digits.
pub fn is_id(prefix: &str, id: &str) -> bool {
    let digits = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_ids() {
        assert!(is_id("vol", "vol-0123456789abcdef0") && is_id("i", "i-0a1b2c3d"));
        for id in ["vol-", "vol-0123456789ABCDEF0", "vol-../../etc/passwd", "i-0123456789abcdef0", "vol-0123"] {
            assert!(!is_id("vol", id), "{id}");
        }
    }
}
