//! The limit that KMS is measured against: an axum handler that answers a constant of the same size.

use axum::Router;
use axum::routing::post;

/// Serves until killed; prints its port.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let answer = "x".repeat(520);
        let app = Router::new().route("/", post(move |_body: String| async move { answer.clone() }));
        axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app).await?;
        Ok(())
    })
}
