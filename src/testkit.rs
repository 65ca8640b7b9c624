//! A server inside a test: a free port, an ephemeral state folder, and the same code as `sse-sim up`.

use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::compose::House;
use crate::flags::{Cli, Command, UpFlags};

/// A running server. Call [`TestServer::stop`] for an orderly end; dropping it ends the socket only.
#[derive(Debug)]
pub struct TestServer {
    /// `http://127.0.0.1:PORT`
    pub endpoint: String,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl TestServer {
    /// Starts a server with the flags of `sse-sim up`, e.g. `["--auth", "verify"]`. Ephemeral unless `--state` is given.
    pub async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let flags = up_flags(arguments)?;
        let listener = TcpListener::bind(("127.0.0.1", flags.port)).await?;
        let address = listener.local_addr()?;
        let house = House::open(&flags, address.port()).await?;
        let (stop, stopped) = oneshot::channel();
        let done = tokio::spawn(async move {
            let stopped = async move {
                // A dropped handle means the test is over.
                let _ = stopped.await;
            };
            aws_wire::serve::serve(listener, house.doors.clone(), stopped).await?;
            house.close().await;
            Ok(())
        });
        Ok(Self { endpoint: format!("http://{address}"), stop, done })
    }

    /// Stops serving, wipes keys, flushes the trail.
    pub async fn stop(self) -> anyhow::Result<()> {
        // The receiver is gone only when the server has ended already.
        let _ = self.stop.send(());
        self.done.await?
    }
}

fn up_flags(arguments: &[&str]) -> anyhow::Result<UpFlags> {
    let kept = arguments.contains(&"--state");
    let fixed = ["sse-sim", "up", "--port", "0"].into_iter().chain((!kept).then_some("--ephemeral"));
    match Cli::try_parse_from(fixed.chain(arguments.iter().copied()))?.command {
        Command::Up(flags) => Ok(*flags),
        _ => anyhow::bail!("the words of `up` parse as `up`"),
    }
}
