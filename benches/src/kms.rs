//! GenerateDataKey and Decrypt, requests per second over eight connections, beside a bare axum handler.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use crate::client::{Connection, kms_request};
use crate::server::Server;
use crate::stats::{Figure, line};

const CONNECTIONS: usize = 8;
const SPAN: Duration = Duration::from_secs(1);

/// Prints the comparison.
pub fn report() -> anyhow::Result<()> {
    println!("KMS, requests per second over {CONNECTIONS} connections (ours vs a bare axum handler)");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = Server::start("kms", &[])?;
    let bare = Bare::start()?;
    let (generate, decrypt) = runtime.block_on(prepare(server.port))?;
    for (what, request) in [("GenerateDataKey", generate), ("Decrypt", decrypt)] {
        let (ours, peer) = Figure::take_both(
            || runtime.block_on(rate(server.port, &request)),
            || runtime.block_on(rate(bare.port, &request)),
        )?;
        line(what, &ours, &peer, "req/s", None);
    }
    Ok(())
}

/// A key, and the two requests on it.
async fn prepare(port: u16) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut connection = Connection::open(port).await?;
    let created: Value = serde_json::from_slice(connection.call(&kms_request("CreateKey", "{}")).await?)?;
    let key = created["KeyMetadata"]["KeyId"].as_str().context("CreateKey answers a key id")?;
    let generate = kms_request("GenerateDataKey", &json!({ "KeyId": key, "KeySpec": "AES_256" }).to_string());
    let made: Value = serde_json::from_slice(connection.call(&generate).await?)?;
    let decrypt = kms_request("Decrypt", &json!({ "CiphertextBlob": made["CiphertextBlob"] }).to_string());
    Ok((generate, decrypt))
}

async fn rate(port: u16, request: &[u8]) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let request = request.to_vec();
            tokio::spawn(async move {
                let mut connection = Connection::open(port).await?;
                let mut done = 0u32;
                while begun.elapsed() < SPAN {
                    connection.call(&request).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for worker in workers {
        done += worker.await??;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// This program again, as the bare handler.
struct Bare {
    port: u16,
    child: Child,
}

impl Bare {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("bare-axum").stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("stdout was piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { port: line.trim().parse()?, child })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
