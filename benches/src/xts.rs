//! XTS beside OpenSSL's `EVP_aes_256_xts`, as `openssl speed` measures it. That tool keeps one tweak for all its calls, so
//! it pays nothing per data unit for setting one up: a favour to the peer.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use envelope::data_key::{PlaintextDataKey, Witness};
use envelope::secret::Secret;
use envelope::xts::{DataUnit, VolumeCipher};

use crate::stats::{Figure, line};

const SPAN: Duration = Duration::from_millis(500);

struct Nobody;

impl Witness for Nobody {
    fn born(&self) {}
    fn dropped(&self) {}
}

/// Prints the comparison.
pub fn report() -> anyhow::Result<()> {
    println!("XTS-AES-256, one core, MB/s (ours vs OpenSSL)");
    let bytes = Secret::filled(64, |out| out.iter_mut().zip(0u8..).for_each(|(byte, n)| *byte = n.wrapping_mul(37)));
    let key = PlaintextDataKey::born(bytes, Box::new(Nobody));
    let cipher = VolumeCipher::new(&key)?;
    // A 4 KiB page is eight data units of ours; OpenSSL is given the whole page as one unit.
    compare("encrypt, 4 KiB requests", &cipher, 4096, 0.9)?;
    compare("encrypt, 512-byte data units", &cipher, 512, 1.5)?;
    Ok(())
}

fn compare(what: &str, cipher: &VolumeCipher, size: usize, bound: f64) -> anyhow::Result<()> {
    // Volumes see requests of 4 KiB and more: at 512-byte units ours encrypts a page of them per call, which is the
    // batching this measures; the peer has no such call.
    let request = size.max(4096);
    let (ours, peer) = Figure::take_both(|| Ok(ours(cipher, request)), || openssl(size))?;
    line(what, &ours, &peer, "MB/s", Some(bound));
    Ok(())
}

fn ours(cipher: &VolumeCipher, request: usize) -> f64 {
    let (source, mut target) = (vec![0x5a; request], vec![0; request]);
    let (start, mut done, mut unit) = (Instant::now(), 0usize, 0u64);
    while start.elapsed() < SPAN {
        for _ in 0..64 {
            cipher.encrypt(DataUnit(unit), &source, &mut target);
            unit += (request / 512) as u64;
            done += request;
        }
    }
    std::hint::black_box(&target);
    done as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn openssl(size: usize) -> anyhow::Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", &size.to_string(), "-evp", "aes-256-xts"])
        .output()
        .context("openssl is needed for the comparison")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // the machine-readable line: +F:22:AES-256-XTS:BYTES_PER_SECOND
    let figure = text.lines().find(|line| line.starts_with("+F:")).and_then(|line| line.rsplit(':').next());
    Ok(figure.context("openssl speed printed no figure")?.trim().parse::<f64>()? / 1e6)
}
