//! [`Page`]: what else an endpoint serves beside the metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// A page that the server serves at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The status of HTTP: 200 if all is well, 503 if this process should get no work now.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Page {
    /// A page of JSON, with status 200.
    #[must_use]
    pub fn json(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: "application/json", body: body.into() }
    }

    /// A page of text, with status 200.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// The page with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The first line of the response, after the version.
    pub(super) fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            404 => "Not Found",
            405 => "Method Not Allowed",
            503 => "Service Unavailable",
            _ => "Other",
        }
    }
}

type Render = Arc<dyn Fn() -> Page + Send + Sync>;

/// The pages by their paths.
#[derive(Clone, Default)]
pub(super) struct Pages(Arc<RwLock<BTreeMap<String, Render>>>);

impl Pages {
    pub(super) fn add(&self, path: &str, render: Render) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), render);
    }

    pub(super) fn render(&self, path: &str) -> Option<Page> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let render = pages.get(path).map(Arc::clone);
        drop(pages);
        render.map(|render| render())
    }

    /// The paths of all.
    pub(super) fn paths(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}
