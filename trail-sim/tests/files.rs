//! The trail outlives its process, however that ends.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_core::event::Sink;
use aws_core::policy::explain::{Explanation, Layer, Verdict};
use support::{emit, emit_with, refused};
use trail_sim::Trail;
use trail_sim::archive::Range;

const EVER: Range = Range { from: i64::MIN, to: i64::MAX, before: None };

fn names(trail: &Trail) -> Vec<String> {
    trail.flush();
    let found = trail.archive().newest(EVER, |_| true, usize::MAX).unwrap();
    found.into_iter().rev().map(|found| found.card.name).collect()
}

fn open(dir: &Path) -> Arc<Trail> {
    Trail::open(Some(dir.to_owned()), 1_000_000).unwrap()
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    paths
}

/// In memory where there is such a folder: a thousand recoveries need no disk to prove what they prove.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn records_and_ordinals_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let trail = open(dir.path());
    (1..=3).for_each(|n| drop(emit(&trail, n)));
    drop(trail);
    let trail = open(dir.path());
    assert_eq!(trail.next_ordinal().0, 4);
    emit(&trail, 4);
    assert_eq!(names(&trail), ["Call1", "Call2", "Call3", "Call4"]);
}

/// `kill -9` and power cuts leave a prefix of what was written. Whatever its length, the whole records in it are kept, the
/// torn one is cut off, and new records follow.
#[test]
fn the_last_segment_may_be_torn_at_any_byte() {
    let dir = tempfile::tempdir().unwrap();
    let trail = open(dir.path());
    let mut ends = vec![0];
    let log = dir.path().join("segment-000000001.log");
    for n in 1..=3 {
        emit(&trail, n);
        trail.flush();
        ends.push(fs::metadata(&log).unwrap().len());
    }
    drop(trail);
    let whole = fs::read(&log).unwrap();
    for length in 0..=whole.len() {
        let torn = scratch();
        let log = torn.path().join("segment-000000001.log");
        fs::write(&log, &whole[..length]).unwrap();
        let survivors = ends.iter().filter(|end| **end > 0 && **end <= length as u64).count();
        let trail = open(torn.path());
        assert_eq!(trail.records(), survivors, "cut at {length}");
        assert_eq!(fs::metadata(&log).unwrap().len(), ends[survivors]);
        emit(&trail, 99);
        assert_eq!(names(&trail).len(), survivors + 1);
        assert_eq!(names(&trail).last().unwrap(), "Call99");
    }
}

#[test]
fn a_tail_of_zeros_or_of_garbage_is_cut_off() {
    for tail in [vec![0; 4096], b"\xff\xff\xff\x7fgarbage".to_vec(), b"\x04\0\0\0\0\0\0\0null".to_vec()] {
        let dir = tempfile::tempdir().unwrap();
        let trail = open(dir.path());
        emit(&trail, 1);
        drop(trail);
        let log = dir.path().join("segment-000000001.log");
        let mut bytes = fs::read(&log).unwrap();
        let whole = bytes.len();
        bytes.extend(tail);
        fs::write(&log, bytes).unwrap();
        assert_eq!(names(&open(dir.path())), ["Call1"]);
        assert_eq!(fs::metadata(&log).unwrap().len() as usize, whole);
    }
}

#[test]
fn the_newest_stay_and_old_segments_go_with_their_index() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(Some(dir.path().to_owned()), 200).unwrap();
    for n in 0..1000 {
        emit(&trail, n);
        trail.flush();
    }
    let kept = names(&trail);
    assert!((200..=225).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap(), "Call999");
    let (logs, indexes) = (files(dir.path(), "log"), files(dir.path(), "idx"));
    assert_eq!(logs.len(), indexes.len() + 1);
    assert!(!logs.contains(&dir.path().join("segment-000000001.log")));
}

#[test]
fn full_segments_are_found_again_with_and_without_their_index() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(Some(dir.path().to_owned()), 200).unwrap();
    let ids: Vec<String> = (0..150).map(|n| emit(&trail, n)).collect();
    drop(trail);
    let reopened = || Trail::open(Some(dir.path().to_owned()), 200).unwrap();
    let all: Vec<String> = (0..150).map(|n| format!("Call{n}")).collect();
    assert_eq!(names(&reopened()), all);
    for index in files(dir.path(), "idx") {
        fs::write(index, b"rotten").unwrap();
    }
    let trail = reopened();
    assert_eq!(names(&trail), all);
    assert_eq!(trail.next_ordinal().0, 151);
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(trail.why(id).unwrap().unwrap().record["eventName"], format!("Call{n}"));
    }
    assert!(trail.why("nobody").unwrap().is_none());
}

#[test]
fn the_decision_survives_beside_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let explanation = Explanation {
        principal: "arn:aws:iam::210987654321:user/mira".into(),
        action: "kms:Decrypt".into(),
        resource: "*".into(),
        verdict: Verdict::ImplicitDeny(Layer::IdentityPolicy),
        considered: Vec::new(),
        facts: [("aws:username".to_owned(), vec!["mi\nra".to_owned()])].into(),
    };
    let trail = open(dir.path());
    let id = emit_with(&trail, 1, |call| {
        call.error = Some(refused("line one\nline two"));
        call.decision = Some(Arc::new(explanation.clone()));
    });
    let undecided = emit(&trail, 2);
    drop(trail);
    let trail = open(dir.path());
    let why = trail.why(&id).unwrap().unwrap();
    assert_eq!(why.decision, Some(explanation));
    assert_eq!(why.record["errorMessage"], "line one\nline two");
    assert_eq!(trail.why(&undecided).unwrap().unwrap().decision, None);
}

#[test]
fn an_ephemeral_trail_rolls_and_forgets_as_a_named_one_does() {
    let trail = Trail::open(None, 200).unwrap();
    let ids: Vec<String> = (0..1000)
        .map(|n| {
            let id = emit(&trail, n);
            trail.flush();
            id
        })
        .collect();
    assert!((200..=225).contains(&trail.records()));
    assert!(trail.why(&ids[0]).unwrap().is_none());
    assert!(trail.why(&ids[850]).unwrap().is_some());
}

/// `/dev/full` is a disk without room. The record stays in memory, and whoever ends the server is not held for ever.
#[test]
fn a_full_disk_stalls_the_trail_but_not_its_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("segment-000000001.log")).unwrap();
    let trail = open(dir.path());
    emit(&trail, 1);
    while !trail.stalled() {
        std::thread::yield_now();
    }
    assert_eq!(trail.records(), 0);
    trail.shutdown();
    assert!(trail.stalled());
}
