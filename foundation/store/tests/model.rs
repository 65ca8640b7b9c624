//! A store is a sorted map, whatever the order of operations, reopenings included.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use store::{Span, Store, StoreError, Table};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    count: u32,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

const ROWS: Table<Row> = Table::new("rows");
/// Lies beside `ROWS` with the same keys: tables must not mix.
const OTHER: Table<u8> = Table::new("rows.other");

#[derive(Clone, Debug)]
enum Op {
    Write { changes: Vec<(String, Option<u32>)>, keep: bool },
    Scan { prefix: String, after: Option<String>, limit: usize },
    Reopen,
}

fn key() -> impl Strategy<Value = String> {
    "[ab/é]{0,3}"
}

fn op() -> impl Strategy<Value = Op> {
    let change = (key(), proptest::option::of(any::<u32>()));
    prop_oneof![
        4 => (proptest::collection::vec(change, 0..6), any::<bool>()).prop_map(|(changes, keep)| Op::Write { changes, keep }),
        4 => (key(), proptest::option::of(key()), 0..5usize).prop_map(|(prefix, after, limit)| Op::Scan { prefix, after, limit }),
        1 => Just(Op::Reopen),
    ]
}

fn row(count: u32) -> Row {
    Row { count, bytes: count.to_le_bytes().to_vec() }
}

type Model = BTreeMap<String, Row>;

fn expected(model: &Model, span: (&str, Option<&str>), limit: usize) -> Vec<(String, Row)> {
    let inside = |key: &str| key.starts_with(span.0) && span.1.is_none_or(|after| key > after);
    model.iter().filter(|(key, _)| inside(key)).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn span<'a>(prefix: &'a str, after: Option<&'a str>) -> Span<'a> {
    after.map_or(Span::prefix(prefix), |after| Span::prefix(prefix).after(after))
}

/// Applies changes in a transaction that checks itself against the model after every step.
fn write(store: &Store, model: &mut Model, changes: Vec<(String, Option<u32>)>, keep: bool) {
    let mut ahead = model.clone();
    let result = store.write_blocking(move |txn| {
        for (key, change) in &changes {
            assert_eq!(txn.get(&ROWS, key)?.as_ref(), ahead.get(key));
            match change {
                Some(count) => {
                    txn.put(&ROWS, key, &row(*count))?;
                    ahead.insert(key.clone(), row(*count));
                }
                None => assert_eq!(txn.delete(&ROWS, key)?, ahead.remove(key).is_some()),
            }
            for limit in [0, 1, 2, usize::MAX] {
                assert_eq!(
                    txn.scan(&ROWS, Span::prefix("a").after("ab"), limit)?,
                    expected(&ahead, ("a", Some("ab")), limit)
                );
            }
            txn.put(&OTHER, key, &7)?;
        }
        if keep { Ok(Some(ahead)) } else { Err(StoreError::Backend("undone".into())) }
    });
    match result {
        Ok(Some(ahead)) => *model = ahead,
        Ok(None) => unreachable!("a kept transaction returns its model"),
        Err(e) => assert!(!keep, "{e}"),
    }
}

fn run(ops: Vec<Op>, open: impl Fn() -> Store) {
    let mut store = open();
    let mut model = Model::new();
    for op in ops {
        match op {
            Op::Write { changes, keep } => write(&store, &mut model, changes, keep),
            Op::Scan { prefix, after, limit } => {
                let found = store.scan(&ROWS, span(&prefix, after.as_deref()), limit).unwrap();
                assert_eq!(found, expected(&model, (&prefix, after.as_deref()), limit));
            }
            Op::Reopen => {
                drop(store);
                store = open();
            }
        }
    }
    assert_eq!(store.scan(&ROWS, Span::all(), usize::MAX).unwrap(), expected(&model, ("", None), usize::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_redb_store_is_a_sorted_map(ops in proptest::collection::vec(op(), 1..25)) {
        let dir = tempfile::tempdir().unwrap();
        run(ops, || Store::open(&dir.path().join("state.redb")).unwrap());
    }

    #[test]
    fn a_store_on_the_crashing_double_is_a_sorted_map(ops in proptest::collection::vec(op(), 1..40)) {
        let medium = store::backend::crashing::CrashingBackend::default();
        run(ops, || Store::on(medium.clone()));
    }
}
