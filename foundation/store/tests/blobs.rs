//! Blobs are whole or absent.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Read;
use std::path::Path;

use store::StoreError;
use store::blobs::BlobStore;

fn files_below(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

fn write(blobs: &BlobStore, id: &str, body: &[u8]) {
    let mut writer = blobs.create(id).unwrap();
    writer.write_all(body).unwrap();
    writer.finish().unwrap();
}

fn read(blobs: &BlobStore, id: &str) -> Vec<u8> {
    let mut body = Vec::new();
    blobs.open_blob(id).unwrap().read_to_end(&mut body).unwrap();
    body
}

#[test]
fn a_blob_is_invisible_until_finished_and_gone_when_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(dir.path()).unwrap();
    let mut writer = blobs.create("body-1").unwrap();
    writer.write_all(b"first half, ").unwrap();
    assert!(blobs.open_blob("body-1").unwrap_err().is_not_found());
    writer.write_all(b"second half").unwrap();
    writer.finish().unwrap();
    assert_eq!(read(&blobs, "body-1"), b"first half, second half");

    let mut abandoned = blobs.create("body-2").unwrap();
    abandoned.write_all(b"the client hung up").unwrap();
    drop(abandoned);
    assert_eq!(files_below(dir.path()), 1);
}

#[test]
fn a_second_writing_replaces_the_first_and_a_reader_keeps_what_it_opened() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(dir.path()).unwrap();
    write(&blobs, "x", b"old");
    let mut reader = blobs.open_blob("x").unwrap();
    write(&blobs, "x", b"new");
    blobs.delete("x").unwrap();
    blobs.delete("x").unwrap();
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    assert_eq!(body, "old");
    assert!(blobs.open_blob("x").unwrap_err().is_not_found());
}

#[test]
fn the_sweep_after_a_crash_removes_the_unfinished_and_the_unnamed() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(dir.path()).unwrap();
    for n in 0..20 {
        write(&blobs, &format!("chunk-{n}"), &[n]);
    }
    let mut torn = blobs.create("torn").unwrap();
    torn.write_all(b"half a bo").unwrap();
    std::mem::forget(torn); // the process was killed here

    let survivor = BlobStore::open(dir.path()).unwrap();
    let removed = survivor.sweep(|id| id == "chunk-3" || id == "chunk-17").unwrap();
    assert_eq!(removed, 19);
    assert_eq!((read(&survivor, "chunk-3"), read(&survivor, "chunk-17")), (vec![3], vec![17]));
    assert_eq!(files_below(dir.path()), 2);
    assert_eq!(survivor.sweep(|_| true).unwrap(), 0);
}

#[test]
fn no_id_leads_out_of_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(&dir.path().join("blobs")).unwrap();
    let long = "x".repeat(201);
    for id in ["", ".", "..", "../x", "a/b", "/etc/passwd", ".tmp", ".hidden", "a\0b", "a b", "é", long.as_str()] {
        let error = blobs.create(id).unwrap_err();
        assert!(matches!(&error, StoreError::BlobId(named) if named == id), "{id:?}: {error}");
        assert!(matches!(blobs.open_blob(id), Err(StoreError::BlobId(_))), "{id:?}");
        assert!(matches!(blobs.delete(id), Err(StoreError::BlobId(_))), "{id:?}");
    }
    write(&blobs, "Aa0.-_..x", b"odd but plain");
    assert_eq!(read(&blobs, "Aa0.-_..x"), b"odd but plain");
}
