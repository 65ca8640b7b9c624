//! What is emitted arrives: all of it, in order, at every reader.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::event::{Event, Form, KeyDropped, KeyPlaced, Place, Sink};
use support::{call, emit, start};
use tokio::sync::broadcast::error::TryRecvError;
use trail_sim::Trail;
use trail_sim::archive::Range;

const EVER: Range = Range { from: i64::MIN, to: i64::MAX, before: None };

/// Names of all records in the order in which they were written, and the order of their ordinals.
fn written(trail: &Trail) -> Vec<String> {
    trail.flush();
    let found = trail.archive().newest(EVER, |_| true, usize::MAX).unwrap();
    found.into_iter().rev().map(|found| found.card.name).collect()
}

#[test]
fn eight_threads_through_a_queue_of_two_lose_nothing_and_keep_each_threads_order() {
    const THREADS: u64 = 8;
    const EACH: u64 = 500;
    let trail = Trail::with_queue(None, 1_000_000, 2).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let trail = &trail;
            scope.spawn(move || (0..EACH).for_each(|n| drop(emit(trail, thread * 10_000 + n))));
        }
    });
    let mut by_thread: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for name in written(&trail) {
        let n: u64 = name.strip_prefix("Call").unwrap().parse().unwrap();
        by_thread.entry(n / 10_000).or_default().push(n % 10_000);
    }
    assert_eq!(by_thread.len() as u64, THREADS);
    assert!(by_thread.values().all(|numbers| numbers.iter().copied().eq(0..EACH)));
    assert_eq!(trail.records() as u64, THREADS * EACH);
    assert!(trail.waits() > 0, "a queue of two cannot hold eight threads without making one wait");
}

#[test]
fn an_unhurried_caller_never_waits() {
    let trail = Trail::open(None, 100).unwrap();
    (0..50).for_each(|n| drop(emit(&trail, n)));
    trail.flush();
    assert_eq!(trail.waits(), 0);
}

#[test]
fn a_call_is_placed_by_its_start_even_when_it_ends_last() {
    let trail = Trail::open(None, 100).unwrap();
    let attach = call(&*trail, 1, start());
    emit(&trail, 2);
    emit(&trail, 3);
    trail.emit(Event::Api(Box::new(attach)));
    assert_eq!(written(&trail), ["Call1", "Call2", "Call3"]);
    let seen: Vec<u64> = trail.events_since(0, 10).iter().map(|event| ordinal(event)).collect();
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(trail.events_since(1, 1).iter().map(|event| ordinal(event)).collect::<Vec<_>>(), [2]);
}

fn ordinal(event: &Event) -> u64 {
    match event {
        Event::Api(call) => call.ordinal.0,
        Event::Service(event) => event.ordinal.0,
        Event::KeyPlaced(placed) => placed.ordinal.0,
        Event::KeyDropped(dropped) => dropped.ordinal.0,
    }
}

#[test]
fn keys_move_through_the_ledger_and_never_into_the_files() {
    let trail = Trail::open(None, 100).unwrap();
    let (subject, place) = ("volume/vol-1".to_owned(), Place::HypervisorMemory);
    let ordinal = trail.next_ordinal();
    let placed = KeyPlaced { ordinal, time: start(), subject: subject.clone(), place, form: Form::Plaintext };
    trail.emit(Event::KeyPlaced(placed));
    trail.flush();
    assert!(trail.ledger().subjects()[&subject].contains_key(&place));
    let ordinal = trail.next_ordinal();
    trail.emit(Event::KeyDropped(KeyDropped { ordinal, time: start(), subject: subject.clone(), place }));
    trail.flush();
    assert!(!trail.ledger().subjects().contains_key(&subject));
    assert_eq!((trail.events_since(0, 10).len(), trail.records()), (2, 0));
}

#[test]
fn a_subscriber_hears_events_live_and_is_told_when_it_slept() {
    let trail = Trail::open(None, 100_000).unwrap();
    let (mut awake, mut asleep) = (trail.subscribe(), trail.subscribe());
    let mut heard = 0;
    for n in 0..5000 {
        emit(&trail, n);
        if n % 1000 == 999 {
            trail.flush();
            while awake.try_recv().is_ok() {
                heard += 1;
            }
        }
    }
    assert_eq!(heard, 5000);
    assert!(matches!(asleep.try_recv(), Err(TryRecvError::Lagged(missed)) if missed == 5000 - 4096));
    assert!(asleep.try_recv().is_ok());
}

#[test]
fn the_ring_forgets_the_oldest_and_the_files_do_not() {
    let trail = Trail::open(None, 100_000).unwrap();
    (0..10_005).for_each(|n| drop(emit(&trail, n)));
    trail.flush();
    let ring = trail.events_since(0, usize::MAX);
    assert_eq!((ring.len(), ordinal(&ring[0])), (10_000, 6));
    assert_eq!(trail.records(), 10_005);
}

#[tokio::test]
async fn a_task_waits_for_the_barrier_without_a_thread_of_its_own() {
    let trail = Trail::open(None, 100).unwrap();
    emit(&trail, 1);
    trail.flushed().await;
    assert_eq!(trail.records(), 1);
}

#[test]
fn after_the_shutdown_nothing_hangs_and_what_came_before_is_there() {
    let trail: Arc<Trail> = Trail::open(None, 100).unwrap();
    emit(&trail, 1);
    trail.shutdown();
    trail.shutdown();
    emit(&trail, 2);
    trail.flush();
    assert_eq!(trail.records(), 1);
}
