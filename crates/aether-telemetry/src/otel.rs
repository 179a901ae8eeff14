//! Trace contexts between `tracing`, OpenTelemetry and the W3C's text form.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The trace context of a span that is part of a trace.
pub(crate) fn context(span: &Span) -> Option<SpanContext> {
    let context = span.context().span().span_context().clone();
    context.is_valid().then_some(context)
}

pub(crate) fn follow(span: &Span, traceparent: &str) {
    let Some(parent) = parse(traceparent) else { return };
    let current = context(&Span::current());
    // It fails only where there is no trace, or for a span that has begun, which none of ours has.
    let _ = span.set_parent(Context::current().with_remote_span_context(parent));
    if let Some(current) = current {
        span.add_link(current);
    }
}

pub(crate) fn accompany(span: &Span, traceparent: &str) {
    let Some(origin) = parse(traceparent) else { return };
    match context(&Span::current()) {
        Some(current) if current.span_id() == origin.span_id() => {}
        Some(_) => span.add_link(origin),
        None => {
            let _ = span.set_parent(Context::current().with_remote_span_context(origin));
        }
    }
}

pub(crate) fn link<'t>(span: &Span, traceparents: impl Iterator<Item = &'t str>) {
    let mut last = None;
    for context in traceparents.filter_map(parse) {
        // Events that were saved together carry the same.
        if last.replace(context.span_id()) != Some(context.span_id()) {
            span.add_link(context);
        }
    }
}

/// The text of a trace context, in version 00.
pub(crate) fn format(context: &SpanContext) -> String {
    let flags = context.trace_flags().to_u8();
    format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())
}

/// The trace context of a text, in version 00 or in a later one, which begins like it.
fn parse(text: &str) -> Option<SpanContext> {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let lengths = [version, trace, span, flags].map(str::len);
    let later = version != "00" && version != "ff";
    if lengths != [2, 32, 16, 2] || ![version, trace, span, flags].into_iter().all(is_hex) {
        return None;
    }
    if version == "ff" || (parts.next().is_some() && !later) {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_context_survives_its_text() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = parse(text).unwrap();
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(format(&context), text);
    }

    #[test]
    fn a_later_version_is_read_like_this_one_and_garbage_is_none() {
        let trace = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        assert!(parse(&format!("cc-{trace}-01-what-comes")).is_some());
        for garbage in [
            String::new(),
            format!("00-{trace}"),
            format!("00-{trace}-01-more"),
            format!("ff-{trace}-01"),
            format!("00-{}-01", trace.to_uppercase()),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-+{}-01", &trace[1..]),
        ] {
            assert!(parse(&garbage).is_none(), "{garbage}");
        }
    }
}
