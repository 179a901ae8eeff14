//! [`Traced`]: a subscriber with OpenTelemetry's layer, and an exporter in memory.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

/// Traces what this thread does, until this is dropped. The tests' runtimes have one thread each.
pub(crate) struct Traced {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _current: DefaultGuard,
}

impl Traced {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("aether"));
        let current = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { exporter, provider, _current: current }
    }

    /// The spans that have ended and whose names begin so, in the order in which they have ended.
    pub(crate) fn spans(&self, name: &str) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        let spans = self.exporter.get_finished_spans().unwrap();
        spans.into_iter().filter(|span| span.name.starts_with(name)).collect()
    }

    /// The only span whose name begins so.
    #[track_caller]
    pub(crate) fn span(&self, name: &str) -> SpanData {
        let mut spans = self.spans(name);
        assert_eq!(spans.len(), 1, "{name}: {spans:#?}");
        spans.remove(0)
    }
}

/// The value of an attribute, as text.
pub(crate) fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string())
}

/// The trace context of a span, in the W3C's text form.
pub(crate) fn traceparent(span: &SpanData) -> String {
    let context = &span.span_context;
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
}
