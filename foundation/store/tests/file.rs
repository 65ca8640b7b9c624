//! The redb file: one owner, clear words for a damaged one, and nothing acknowledged is lost to `kill -9`.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use store::{Span, Store, StoreError, Table};

const COUNTS: Table<u32> = Table::new("counts");

#[test]
fn a_second_opening_of_the_same_file_is_refused_until_the_first_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let first = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert!(error.to_string().contains("in use by another process"));
    drop(first);
    Store::open(&path).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    fs::write(&path, b"this is somebody's shopping list\n".repeat(500)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("state.redb"));
    assert!(fs::read(&path).unwrap().starts_with(b"this is somebody's"));
}

/// Bits rot. Whatever byte of the header is hit, or wherever the file is cut, the store opens or says what is wrong.
#[test]
fn a_damaged_file_never_brings_the_process_down() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let store = Store::open(&path).unwrap();
    store.write_blocking(|txn| (0..500).try_for_each(|n| txn.put(&COUNTS, &n.to_string(), &n))).unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let flips = (0..512).map(|at| {
        let mut image = whole.clone();
        image[at] ^= 0xff;
        image
    });
    let cuts = (1..12).map(|twelfth| whole[..whole.len() * twelfth / 12].to_vec());
    let mut refused = 0;
    for image in flips.chain(cuts) {
        fs::write(&path, image).unwrap();
        let read = Store::open(&path).and_then(|store| store.scan(&COUNTS, Span::all(), usize::MAX));
        match read {
            Ok(rows) => assert!(rows.len() <= 500),
            Err(error) => refused += usize::from(!error.to_string().is_empty()),
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_file_in_a_missing_folder_names_the_path() {
    let error = Store::open(std::path::Path::new("/nonexistent/state.redb")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/state.redb"), "{error}");
}

/// The page cache outlives a killed process, so what is in the file at any moment is what the next process finds.
/// Copies of the file are taken while a writer runs; each must open and hold all that was acknowledged before the copy.
#[test]
fn what_was_acknowledged_is_in_every_later_image_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let store = Store::open(&path).unwrap();
    let acknowledged = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=200 {
                store.write_blocking(move |txn| txn.put(&COUNTS, &format!("{n:05}"), &n)).unwrap();
                acknowledged.store(n, Ordering::SeqCst);
            }
        });
        for image in 0..8 {
            while acknowledged.load(Ordering::SeqCst) < image * 25 + 1 {
                std::thread::yield_now();
            }
            let promised = acknowledged.load(Ordering::SeqCst);
            let copy = dir.path().join(format!("image-{image}.redb"));
            freeze(&path, &copy);
            let found = Store::open(&copy).unwrap().scan(&COUNTS, Span::all(), usize::MAX).unwrap();
            let whole = (1..=u32::try_from(found.len()).unwrap()).map(|n| (format!("{n:05}"), n));
            assert!(found.len() >= usize::try_from(promised).unwrap(), "{} of {promised}", found.len());
            assert!(found.into_iter().eq(whole), "image {image} has a gap");
        }
    });
}

/// One consistent image: copied again until nothing was written meanwhile, as a killed process leaves exactly one state.
fn freeze(from: &std::path::Path, to: &std::path::Path) {
    loop {
        let before = fs::read(from).unwrap();
        if before == fs::read(from).unwrap() {
            return fs::write(to, before).unwrap();
        }
    }
}

#[derive(Serialize, Deserialize)]
struct KeyOfYesterday {
    id: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct KeyOfToday {
    id: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[test]
fn a_row_gains_a_member_and_old_rows_still_read() {
    let store = Store::in_memory();
    let old: Table<KeyOfYesterday> = Table::new("keys");
    let new: Table<KeyOfToday> = Table::new("keys");
    store.write_blocking(move |txn| txn.put(&old, "k", &KeyOfYesterday { id: "k".into() })).unwrap();
    assert_eq!(store.get(&new, "k").unwrap(), Some(KeyOfToday { id: "k".into(), tags: Vec::new() }));
    let error = store.get(&Table::<u32>::new("keys"), "k").unwrap_err();
    assert!(error.to_string().starts_with("row k of table keys cannot be decoded"), "{error}");
}
