//! docs/object-format.md holds: values that another implementation made open here.

use std::sync::LazyLock;

use envelope::secret::Secret;
use envelope::segment::PartId;
use envelope::wrap;
use serde_json::Value;

use crate::customer::CustomerKey;
use crate::layers::{OuterLayer, open_range, opener};
use crate::model::object::Lock;
use crate::open::Source;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../docs/object-format.vectors.json")).unwrap());

fn bytes(of: &Value, name: &str) -> Vec<u8> {
    hex::decode(of[name].as_str().unwrap()).unwrap()
}

fn part(of: &Value) -> PartId {
    PartId { blob: bytes(of, "blob").try_into().unwrap(), part_number: of["part"].as_u64().unwrap() as u16 }
}

#[test]
fn a_wrapped_key_opens() {
    let vector = &VECTORS["wrap"];
    let kek = Secret::new(bytes(vector, "kek"));
    let aad = vector["aad"].as_str().unwrap().as_bytes();
    let opened = wrap::unwrap(&kek, aad, &bytes(vector, "wrapped")).unwrap();
    assert_eq!(opened.expose(), bytes(vector, "plaintext"));
}

#[test]
fn a_body_opens() {
    let vector = &VECTORS["body"];
    let source = Source::Row(bytes(vector, "sealed"));
    let opener = opener(&source, &bytes(vector, "dataKey"), part(vector)).unwrap();
    assert_eq!(open_range(&opener, &source, 5, &(0..5)).unwrap(), bytes(vector, "plaintext"));
}

#[test]
fn a_body_in_two_layers_opens() {
    let vector = &VECTORS["twoLayers"];
    let sealed = Source::Row(bytes(vector, "sealed"));
    let outer = OuterLayer::over(sealed, &bytes(vector, "outerKey"), part(vector), 5).unwrap();
    let source = Source::Layer(outer);
    let opener = opener(&source, &bytes(vector, "dataKey"), part(vector)).unwrap();
    assert_eq!(open_range(&opener, &source, 5, &(1..4)).unwrap(), bytes(vector, "plaintext")[1..4]);
}

#[test]
fn a_customers_key_opens_its_lock() {
    let vector = &VECTORS["customerKey"];
    let lock = Lock { salt: bytes(vector, "salt"), commitment: bytes(vector, "commitment") };
    let key = CustomerKey::for_tests(Secret::new(bytes(vector, "key")));
    assert_eq!(key.unlock(&lock).unwrap().expose(), bytes(vector, "kek"));
}
