//! The lessons that come along, inside the program: `sse-sim scenario run ebs-attach` works in any folder.

use std::path::{Path, PathBuf};

/// Names and texts, in the order in which a class takes them.
pub const LESSONS: [(&str, &str); 4] = [
    ("first-secret", include_str!("../library/first-secret.scenario.yaml")),
    ("envelope-openssl", include_str!("../library/envelope-openssl.scenario.yaml")),
    ("s3-default-vs-explicit", include_str!("../library/s3-default-vs-explicit.scenario.yaml")),
    ("ebs-attach", include_str!("../library/ebs-attach.scenario.yaml")),
];

/// The policies that they name.
const POLICIES: [(&str, &str); 2] = [
    ("policies/ebs-least-privilege.json", include_str!("../library/policies/ebs-least-privilege.json")),
    ("policies/s3-without-kms.json", include_str!("../library/policies/s3-without-kms.json")),
];

/// Where a lesson's other files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// In the program.
    Library,
    /// In a folder.
    Folder(PathBuf),
}

impl Shelf {
    /// The text of a file beside the lesson.
    pub fn read(&self, file: &str) -> Result<String, String> {
        match self {
            Self::Folder(folder) => std::fs::read_to_string(folder.join(file)).map_err(|error| error.to_string()),
            Self::Library => {
                find(&POLICIES, file).map(str::to_owned).ok_or_else(|| "the library has no such file".into())
            }
        }
    }
}

/// The text of a lesson, if `name` is the plain name of one that comes along.
pub fn lesson(name: &Path) -> Option<&'static str> {
    find(&LESSONS, name.to_str()?)
}

/// Where a lesson of that name would be shown to lie.
pub fn path_of(name: &Path) -> PathBuf {
    PathBuf::from(format!("scenarios/library/{}.scenario.yaml", name.display()))
}

/// Every lesson that comes along, by name.
pub fn all() -> Vec<PathBuf> {
    LESSONS.iter().map(|(name, _)| PathBuf::from(name)).collect()
}

fn find(texts: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    texts.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(folder: &str, suffix: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("library").join(folder);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.filter_map(|name| name.strip_suffix(suffix).map(str::to_owned)).collect()
    }

    #[test]
    fn the_program_carries_every_file_of_the_library() {
        assert_eq!(names("", ".scenario.yaml"), LESSONS.iter().map(|(name, _)| (*name).to_owned()).collect());
        let policies: BTreeSet<String> = names("policies", "").iter().map(|name| format!("policies/{name}")).collect();
        assert_eq!(policies, POLICIES.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
}
