//! Sockets: accepting, HTTP/1.1 over hyper, and an orderly end.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::{limits, unread};

/// The connection on which a request came: in its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The client.
    pub peer: SocketAddr,
    /// Whether TLS protects it.
    pub secure: bool,
}

/// Serves `router` on `listener` until `shutdown` resolves; then no new call is taken, and those in flight are given
/// [`limits::SHUTDOWN_GRACE`].
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let (end, ended) = watch::channel(());
    let seats = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        while connections.try_join_next().is_some() {}
        let seat = seats.clone().acquire_owned();
        tokio::select! {
            () = &mut shutdown => break,
            Ok((seat, (stream, peer))) = async { Ok::<_, tokio::sync::AcquireError>((seat.await?, accept(&listener).await)) } => {
                let (router, ended) = (router.clone(), ended.clone());
                connections.spawn(async move {
                    connection(stream, peer, router, ended).await;
                    drop(seat);
                });
            }
        }
    }
    drop(listener);
    drop(end);
    let _ =
        tokio::time::timeout(limits::SHUTDOWN_GRACE, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// The next connection. Running out of file descriptors is no reason to stop: the next moment may have some.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, mut ended: watch::Receiver<()>) {
    // Answers are small: waiting to fill a packet would cost each of them up to 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Connection { peer, secure: false });
        Box::pin(unread::answer(router.clone(), request))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits::HEAD_TIME);
    let mut serving = http.serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        outcome = poll_fn(|cx| serving.poll_without_shutdown(cx)) => Some(outcome),
        _ = ended.changed() => None,
    };
    match served {
        Some(Ok(())) => linger(serving.into_parts().io.into_inner()).await,
        Some(outcome) => note(outcome),
        None => {
            Pin::new(&mut serving).graceful_shutdown();
            note(serving.await);
        }
    }
}

/// Closes a connection whose client may still be sending a body that was refused unread. Closing at once would reset it,
/// and the client would see a broken pipe instead of the refusal.
async fn linger(mut stream: TcpStream) {
    let discard = async {
        stream.shutdown().await?;
        let mut sink = vec![0; 64 * 1024];
        while stream.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(limits::LINGER, discard).await {
        tracing::debug!(%error, "a connection ended");
    }
}

fn note(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}
