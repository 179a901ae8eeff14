//! The little of HTTP that is needed: one request, one answer, and the connection is closed.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::pages::{Page, Pages};

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8192;

/// Reads one request and answers it with the page at its path.
pub(super) async fn answer(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    pages: &Pages,
) -> io::Result<()> {
    let Some(head) = read_head(&mut connection).await? else { return Ok(()) };
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = str::from_utf8(line).unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let page = match method {
        "GET" | "HEAD" => pages.render(path).unwrap_or_else(|| {
            Page::text(format!("there are {}\n", pages.paths().join(" and "))).status(404)
        }),
        "" => return connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await,
        _ => Page::text("").status(405),
    };
    let (status, reason, kind, length) = (page.status, page.reason(), page.content_type, page.body.len());
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        connection.write_all(page.body.as_bytes()).await?;
    }
    connection.shutdown().await
}

/// The head of the request; `None` if the other side ends before, or sends more than any scrape does.
async fn read_head(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(512);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || connection.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(request: &str) -> String {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let pages = Pages::default();
        pages.add("/metrics", std::sync::Arc::new(|| Page::text("aether_saves_total 1\n")));
        answer(server, &pages).await.unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test]
    async fn a_scrape_gets_the_metrics_and_nothing_else_does() {
        let response = ask("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("content-length: 21\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\naether_saves_total 1\n"), "{response}");
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (" \r\n\r\n", "400"),
            ("HEAD /metrics?a=b HTTP/1.0\r\n\r\n", "200"),
        ] {
            let response = ask(request).await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {response}");
            assert!(!response.ends_with(" 1\n"), "{request}: {response}");
        }
    }

    #[tokio::test]
    async fn what_is_no_request_gets_no_answer() {
        assert_eq!(ask("GET /metrics HTT").await, "");
        assert_eq!(ask(&"x".repeat(2 * MAX_HEAD)).await, "");
    }
}
