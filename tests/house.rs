//! The house rules, proved: the arrows between crates, who may touch ciphers, clocks and randomness, and where `unsafe` stands.
//!
//! Each test quotes the invariant of ARCHITECTURE.md that it proves.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate may depend on among ours. An arrow is a line under `[dependencies]`; none goes up, none runs
/// sideways on floor 2. To add one, argue it in ARCHITECTURE.md and write it here.
const ARROWS: &[(&str, &[&str])] = &[
    // floor 0
    ("envelope", &[]),
    ("aws-core", &[]),
    ("store", &[]),
    // floor 1
    ("kms-api", &["envelope", "aws-core"]),
    ("aws-wire", &["aws-core"]),
    // floor 2
    ("kms-sim", &["kms-api", "aws-wire", "envelope", "aws-core", "store"]),
    ("ebs-sim", &["kms-api", "aws-wire", "envelope", "aws-core", "store"]),
    ("s3-sim", &["kms-api", "aws-wire", "envelope", "aws-core", "store"]),
    ("iam-sim", &["kms-api", "aws-wire", "envelope", "aws-core", "store"]),
    ("trail-sim", &["kms-api", "aws-wire", "envelope", "aws-core", "store"]),
    // floor 3
    ("scenarios", &["aws-core"]),
    (
        "sse-sim",
        &[
            "envelope",
            "aws-core",
            "store",
            "kms-api",
            "aws-wire",
            "kms-sim",
            "ebs-sim",
            "s3-sim",
            "iam-sim",
            "trail-sim",
            "scenarios",
        ],
    ),
    // floor 4
    ("benches", &["envelope"]),
];

/// Crates that encrypt.
const CIPHERS: &[&str] = &[
    "aes",
    "aes-gcm",
    "xts-mode",
    "aws-lc-rs",
    "ed25519-dalek",
    "ml-dsa",
    "ml-kem",
    "chacha20poly1305",
    "ring",
    "openssl",
];

/// The modules in which `unsafe` is lifted, each with SAFETY and JUSTIFICATION notes.
const UNSAFE_MODULES: &[&str] = &["foundation/envelope/src/locked.rs", "foundation/envelope/src/xts/fused.rs"];

struct Package {
    name: String,
    normal: BTreeSet<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let read = |package: &serde_json::Value| Package {
        name: package["name"].as_str().unwrap().into(),
        normal: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().into())
            .collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(read).collect()
}

/// Rust sources outside `target`, with their paths from the root.
fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
            }
        }
    }
    found
}

fn lies_in(path: &Path, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

#[test]
fn no_arrow_goes_up_and_none_runs_sideways() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, below)| (*name, below.iter().copied().collect())).collect();
    let ours: BTreeSet<&str> = allowed.keys().copied().collect();
    let packages = packages();
    let named: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(named, ours, "a crate without a floor");
    for package in &packages {
        for dependency in package.normal.iter().filter(|dependency| ours.contains(dependency.as_str())) {
            let below = &allowed[package.name.as_str()];
            assert!(
                below.contains(dependency.as_str()),
                "{} → {dependency} is not an arrow of the house",
                package.name
            );
        }
    }
}

#[test]
fn only_envelope_depends_on_a_cipher_crate() {
    for package in packages().iter().filter(|package| package.name != "envelope") {
        for cipher in CIPHERS {
            assert!(!package.normal.contains(*cipher), "{} depends on {cipher}", package.name);
        }
    }
}

#[test]
fn only_src_reads_the_wall_clock_and_os_randomness() {
    let words = ["Timestamp::now()", "SystemTime::now()", "getrandom::", "thread_rng", "OsRng", "rand::rng()"];
    for (path, text) in sources() {
        if lies_in(&path, &["src", "tests", "benches", "examples"])
            || path.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in words {
            assert!(!shipped.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn unsafe_stands_only_in_the_named_modules_and_says_why() {
    for (path, text) in sources() {
        if path == Path::new("tests/house.rs") {
            continue;
        }
        let lifts = text.contains("allow(unsafe_code");
        let named = UNSAFE_MODULES.iter().any(|module| path == Path::new(module));
        assert_eq!(lifts, named, "{}: the list in tests/house.rs and the code disagree", path.display());
        if named {
            assert!(text.contains("SAFETY:") && text.contains("JUSTIFICATION"), "{} lacks its notes", path.display());
        }
    }
}

#[test]
fn a_plaintext_data_key_cannot_be_copied_or_written_down() {
    let text = std::fs::read_to_string(root().join("foundation/envelope/src/data_key.rs")).unwrap();
    let head = text.split("pub struct PlaintextDataKey").next().unwrap();
    let attributes = head.rsplit("\n\n").next().unwrap();
    for trait_name in ["Clone", "Serialize", "Debug", "Copy"] {
        assert!(!attributes.contains(trait_name), "PlaintextDataKey derives {trait_name}");
    }
    assert!(!text.contains("impl Clone for PlaintextDataKey") && !text.contains("Serialize for PlaintextDataKey"));
}

#[test]
fn backing_keys_never_leave_the_hsm_boundary() {
    for (path, text) in sources() {
        let outside = path.starts_with("kms-sim/src") && !path.starts_with("kms-sim/src/hsm");
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        if outside {
            assert!(!shipped.contains("wrap::unwrap"), "{} opens a wrapped key outside hsm", path.display());
        }
    }
}

#[test]
fn the_data_plane_neither_waits_nor_asks_kms() {
    for (path, text) in sources() {
        if path.starts_with("ebs-sim/src/device") {
            for word in [".await", "async fn", "kms_api::client"] {
                assert!(!text.contains(word), "{} says {word}", path.display());
            }
        }
    }
}

#[test]
fn the_repository_names_no_machine() {
    for (path, text) in sources() {
        for word in ["/home/", "/root/"] {
            assert!(path.ends_with("house.rs") || !text.contains(word), "{} names {word}", path.display());
        }
    }
}
