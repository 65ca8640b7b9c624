//! Device names. `/dev/sdf`, `sdf`, `/dev/xvdf` and `xvdf` are one place on the instance; answers repeat what was given,
//! and the device file bears its last part.

/// A device name as given, known to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// Accepts `sda`–`sdz`, `sda1`–`sdz15`, `xvda`–`xvdz` and `xvdaa`–`xvdzz`, each with or without `/dev/`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("/dev/").unwrap_or(text);
        let disk = name.strip_prefix("sd").map(|rest| (rest, 1)).or(name.strip_prefix("xvd").map(|rest| (rest, 2)));
        let (rest, most_letters) = disk?;
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = rest.len() - digits.len();
        let partition = digits.is_empty() || (most_letters == 1 || letters == 1) && is_partition(digits);
        ((1..=most_letters).contains(&letters) && partition).then(|| Self(text.into()))
    }

    /// As given.
    pub fn as_given(&self) -> &str {
        &self.0
    }

    /// Whether both names are one place.
    pub fn same_place(&self, other: &str) -> bool {
        place(&self.0) == place(other)
    }
}

/// The last part of a device name: the name of the device file.
pub fn file_name(device: &str) -> &str {
    device.rsplit('/').next().unwrap_or(device)
}

fn place(device: &str) -> &str {
    let name = file_name(device);
    name.strip_prefix("sd").or(name.strip_prefix("xvd")).unwrap_or(name)
}

fn is_partition(digits: &str) -> bool {
    digits.parse::<u8>().is_ok_and(|n| (1..=15).contains(&n)) && !digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_spellings_are_one_place() {
        for text in ["/dev/sdf", "sdf", "/dev/xvdf", "xvdf"] {
            let name = DeviceName::parse(text).unwrap();
            assert!(name.same_place("/dev/sdf") && !name.same_place("/dev/sdg"), "{text}");
            assert_eq!(name.as_given(), text);
        }
        assert_eq!(file_name(DeviceName::parse("/dev/xvdba").unwrap().as_given()), "xvdba");
        assert_eq!(file_name("/dev/sda1"), "sda1");
    }

    #[test]
    fn what_is_no_disk_is_refused() {
        for text in [
            "",
            "/dev/",
            "/dev/sd",
            "/dev/sdaa",
            "/dev/sdf0",
            "/dev/sdf16",
            "/dev/xvdaaa",
            "/dev/xvdaa1",
            "/dev/hda",
            "/dev/../sdf",
            "/dev/sdf/x",
            "../sdf",
            "/dev/SDF",
            "sdf\0",
            "nvme1n1",
        ] {
            assert_eq!(DeviceName::parse(text), None, "{text:?}");
        }
    }
}
