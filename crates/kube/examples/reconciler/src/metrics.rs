//! Counters for Prometheus, as text on a port. No label holds anything from a file.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[derive(Default)]
pub struct Metrics {
    pub passes: AtomicU64,
    pub failures: AtomicU64,
    pub milliseconds: AtomicU64,
    pub applied: AtomicU64,
    pub pruned: AtomicU64,
    pub integrity_failures: AtomicU64,
}

impl Metrics {
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, counter) in [
            ("reconcile_total", &self.passes),
            ("reconcile_failed_total", &self.failures),
            ("reconcile_milliseconds_total", &self.milliseconds),
            ("objects_changed_total", &self.applied),
            ("objects_pruned_total", &self.pruned),
            ("integrity_failed_total", &self.integrity_failures),
        ] {
            let _infallible =
                writeln!(out, "# TYPE sops_{name} counter\nsops_{name} {}", counter.load(Ordering::Relaxed));
        }
        out
    }
}

/// Answers every request with the counters, until the program ends.
pub async fn serve(metrics: Arc<Metrics>, address: &str) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let body = metrics.text();
        tokio::spawn(async move {
            let _request = stream.read(&mut [0; 1024]).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
            let _closed = stream.write_all((head + &body).as_bytes()).await;
        });
    }
}
