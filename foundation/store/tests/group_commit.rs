//! Writers that wait together share one commit, and each answers for itself.
#![allow(clippy::unwrap_used)]

use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;

use store::backend::crashing::{CrashingBackend, Mishap};
use store::{Span, Store, StoreError, Table};

const NAMES: Table<String> = Table::new("names");

type Write = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Holds the writer's thread inside a closure until `release` is dropped, so that others queue up behind it.
fn hold_the_writer(store: &Store) -> (mpsc::Sender<()>, std::thread::JoinHandle<Result<(), StoreError>>) {
    let (release, held) = mpsc::channel::<()>();
    let (inside, entered) = mpsc::channel();
    let store = store.clone();
    let holder = std::thread::spawn(move || {
        store.write_blocking(move |_| {
            inside.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        })
    });
    entered.recv().unwrap();
    (release, holder)
}

/// Polling a write once queues its closure; all are queued before the writer's thread may go on.
async fn queue_behind_the_writer(store: &Store, mut writes: Vec<Write>) -> Vec<Result<(), StoreError>> {
    let (release, holder) = hold_the_writer(store);
    for write in &mut writes {
        let answered = std::future::poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_ready())).await;
        assert!(!answered, "nobody is answered while the writer is held");
    }
    drop(release);
    let mut results = Vec::new();
    for write in writes {
        results.push(write.await);
    }
    // The holder wrote nothing, but took part in the same commit: it fails or succeeds with it.
    let _ = holder.join().unwrap();
    results
}

fn put(store: &Store, key: String) -> Write {
    let store = store.clone();
    Box::pin(async move { store.write(move |txn| txn.put(&NAMES, &key, &key)).await })
}

#[tokio::test]
async fn a_hundred_waiting_writers_cost_one_commit() {
    let medium = CrashingBackend::default();
    let store = Store::on(medium.clone());
    let writes = (0..100).map(|n| put(&store, format!("{n:03}"))).collect();
    let results = queue_behind_the_writer(&store, writes).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(store.scan(&NAMES, Span::all(), usize::MAX).unwrap().len(), 100);
    // The held writer changed nothing and needed no commit of its own.
    assert_eq!(medium.commits(), 1);
}

#[tokio::test]
async fn a_writer_that_fails_or_panics_undoes_only_its_own_changes() {
    let store = Store::in_memory();
    let scribble = |verdict: fn() -> Result<(), StoreError>| {
        let store = store.clone();
        async move {
            let write = store.write(move |txn| {
                txn.put(&NAMES, "scribble", &"x".into())?;
                verdict()
            });
            write.await
        }
    };
    let refuse = scribble(|| Err(StoreError::Backend("changed my mind".into())));
    let panic = scribble(|| panic!("a bug in a closure"));
    let (before, after) = (put(&store, "a".into()), put(&store, "b".into()));
    let all: Vec<Write> = vec![before, Box::pin(refuse), Box::pin(panic), after];
    let results = queue_behind_the_writer(&store, all).await;
    assert!(results[0].is_ok() && results[3].is_ok());
    assert!(matches!(&results[1], Err(StoreError::Backend(why)) if why == "changed my mind"));
    assert!(matches!(results[2], Err(StoreError::Abandoned)));
    let keys: Vec<String> = store.scan(&NAMES, Span::all(), 9).unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b"]);
}

#[tokio::test]
async fn a_later_writer_of_the_batch_sees_the_earlier_and_readers_see_neither_before_the_commit() {
    let store = Store::in_memory();
    let first = put(&store, "taken".into());
    let reader = store.clone();
    let second_store = store.clone();
    let second = async move {
        let write = second_store.write(move |txn| {
            let seen_by_reader = reader.get(&NAMES, "taken")?.is_some();
            let seen_by_writer = txn.get(&NAMES, "taken")?.is_some();
            let deleted = txn.delete(&NAMES, "taken")?;
            assert!(txn.scan(&NAMES, Span::all(), 9)?.is_empty());
            txn.put(&NAMES, "moved", &String::new())?;
            Ok::<_, StoreError>((seen_by_reader, seen_by_writer, deleted))
        });
        assert_eq!(write.await.unwrap(), (false, true, true));
        Ok(())
    };
    let all: Vec<Write> = vec![first, Box::pin(second)];
    queue_behind_the_writer(&store, all).await;
    assert_eq!(store.scan(&NAMES, Span::all(), 9).unwrap(), [("moved".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_refused_commit_fails_all_who_shared_it_and_the_store_goes_on() {
    let medium = CrashingBackend::default();
    let store = Store::on(medium.clone());
    medium.plan(Mishap::Refuse);
    let writes = (0..3).map(|n| put(&store, n.to_string())).collect();
    let results = queue_behind_the_writer(&store, writes).await;
    assert!(results.iter().all(Result::is_err));
    assert!(store.scan(&NAMES, Span::all(), 9).unwrap().is_empty());
    medium.plan(Mishap::None);
    put(&store, "again".into()).await.unwrap();
    assert_eq!(medium.commits(), 1);
}

/// Power fails between the write and the acknowledgement: the change may be there, but nobody was told so.
#[tokio::test]
async fn a_lost_answer_is_an_error_although_the_row_is_there_after_the_restart() {
    let medium = CrashingBackend::default();
    let store = Store::on(medium.clone());
    medium.plan(Mishap::LoseTheAnswer);
    assert!(put(&store, "ghost".into()).await.is_err());
    drop(store);
    medium.plan(Mishap::None);
    assert!(Store::on(medium).get(&NAMES, "ghost").unwrap().is_some());
}

/// A client that hangs up drops its future; what was queued is committed all the same, before the store is gone.
#[tokio::test]
async fn a_dropped_store_first_commits_what_is_queued() {
    let medium = CrashingBackend::default();
    let store = Store::on(medium.clone());
    let (release, holder) = hold_the_writer(&store);
    let mut queued = put(&store, "last word".into());
    std::future::poll_fn(|cx| Poll::Ready(queued.as_mut().poll(cx).is_ready())).await;
    drop(queued);
    drop(release);
    holder.join().unwrap().unwrap();
    drop(store);
    assert_eq!(medium.commits(), 1);
    assert!(Store::on(medium).get(&NAMES, "last word").unwrap().is_some());
}

#[test]
fn a_closure_may_hold_the_last_clone_of_its_own_store() {
    let store = Store::in_memory();
    let inner = store.clone();
    let (release, held) = mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        store.write_blocking(move |_| {
            let _ = held.recv();
            drop(inner);
            Ok::<_, StoreError>(())
        })
    });
    drop(release);
    writer.join().unwrap().unwrap();
}
