//! The smallest HTTP/1.1 client that can keep a connection busy: one write, one read, a length.

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to a port of this machine.
    pub async fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a prepared request and returns the answer's body; anything but 200 is an error.
    pub async fn call(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some((head, length)) = head(&self.buffer)? {
                while self.buffer.len() < head + length {
                    self.read_more().await?;
                }
                return Ok(&self.buffer[head..head + length]);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => bail!("the server closed the connection"),
            _ => Ok(()),
        }
    }
}

/// Length of the head and of the body, once the head is complete.
fn head(bytes: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end])?;
    if !text.starts_with("HTTP/1.1 200") {
        bail!("{}\n{}", text.lines().next().unwrap_or_default(), String::from_utf8_lossy(&bytes[end..]));
    }
    let length = text
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse::<usize>()))
        .context("an answer with a length")??;
    Ok(Some((end + 4, length)))
}

/// A request of the JSON protocol, scoped for KMS and not signed: open mode checks nothing of an unknown key.
pub fn kms_request(operation: &str, body: &str) -> Vec<u8> {
    request(
        "/",
        &format!("x-amz-target: TrentService.{operation}\r\ncontent-type: application/x-amz-json-1.1"),
        "kms",
        body,
    )
}

/// A request of the EC2 Query protocol.
pub fn ec2_request(form: &str) -> Vec<u8> {
    request("/", "content-type: application/x-www-form-urlencoded", "ec2", form)
}

fn request(path: &str, headers: &str, service: &str, body: &str) -> Vec<u8> {
    let scope = format!("Credential=000000000000/20260101/us-east-1/{service}/aws4_request");
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\
         authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
