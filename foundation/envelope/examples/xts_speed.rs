//! How quick is the cipher of a volume? MB/s of one core, per backend; compare with
//! `openssl speed -evp aes-256-xts -bytes 4096 -seconds 2`.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use envelope::data_key::{PlaintextDataKey, Witness};
use envelope::secret::Secret;
use envelope::xts::{Backend, DATA_UNIT_BYTES, DataUnit, VolumeCipher};

struct Nobody;

impl Witness for Nobody {
    fn born(&self) {}
    fn dropped(&self) {}
}

fn main() {
    let key = PlaintextDataKey::born(
        Secret::filled(64, |key| key.iter_mut().zip(0..).for_each(|(k, n)| *k = n)),
        Box::new(Nobody),
    );
    println!("MB/s, one core, 512-byte data units; out of place / in place / decrypt in place");
    println!("{:10} {:>20} {:>20} {:>20} {:>20}", "", "512 B", "4 KiB", "64 KiB", "1 MiB");
    for backend in Backend::available() {
        let cipher = VolumeCipher::with_backend(&key, backend).expect("a good key and an available backend");
        let speeds = [1, 8, 128, 2048].map(|units| speeds(&cipher, units * DATA_UNIT_BYTES));
        let shown = speeds.map(|speeds| speeds.map(|speed| format!("{speed:.0}")).join(" / "));
        println!("{:10} {:>20} {:>20} {:>20} {:>20}", backend.name(), shown[0], shown[1], shown[2], shown[3]);
    }
}

fn speeds(cipher: &VolumeCipher, len: usize) -> [f64; 3] {
    let (src, mut dst) = (vec![1; len], vec![2; len]);
    let out_of_place = rate(len, |unit| cipher.encrypt(unit, black_box(&src), black_box(&mut dst)));
    let in_place = rate(len, |unit| cipher.encrypt_in_place(unit, black_box(&mut dst)));
    let decrypted = rate(len, |unit| cipher.decrypt_in_place(unit, black_box(&mut dst)));
    [out_of_place, in_place, decrypted]
}

/// The best of five short runs, by processor time: what the code can do, whoever else is busy on the machine.
fn rate(len: usize, mut run: impl FnMut(DataUnit)) -> f64 {
    let mut best = 0f64;
    for _ in 0..5 {
        let (wall, start, mut calls) = (Instant::now(), processor_time(), 0u64);
        while wall.elapsed() < Duration::from_millis(100) {
            (0..64).for_each(|n| run(DataUnit(calls + n)));
            calls += 64;
        }
        let spent = processor_time() - start;
        best = best.max(calls as f64 * len as f64 / spent.as_secs_f64() / 1e6);
    }
    best
}

/// Time that this thread has spent on a processor. The kernel counts in ticks of a few milliseconds.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread its times");
    let nanoseconds = stat.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first field is nanoseconds on a processor"))
}
