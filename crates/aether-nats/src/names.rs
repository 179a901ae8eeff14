//! Names of streams and buckets, made of what users call them.

use aether_core::sanitise;

/// Returns `<namespace>_<stream>`, sanitised: what NATS refuses in the name of a stream becomes an underscore.
#[must_use]
pub fn stream_name(namespace: Option<&str>, stream: &str) -> String {
    joined(namespace, stream, sanitise)
}

/// Returns `<namespace>_<bucket>`, sanitised: in the name of a bucket, all but letters, digits, dashes and underscores
/// becomes an underscore.
#[must_use]
pub fn bucket_name(namespace: Option<&str>, bucket: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    joined(namespace, bucket, |name| name.chars().map(|c| if allowed(c) { c } else { '_' }).collect())
}

fn joined(namespace: Option<&str>, name: &str, sanitise: impl Fn(&str) -> String) -> String {
    match namespace {
        Some(namespace) => format!("{}_{}", sanitise(namespace), sanitise(name)),
        None => sanitise(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_stricter_names_than_streams() {
        assert_eq!(stream_name(Some("a.b c"), "my ä$"), "a_b_c_my_ä$");
        assert_eq!(bucket_name(Some("a.b c"), "my ä$"), "a_b_c_my___");
        assert_eq!(stream_name(None, "events"), "events");
    }
}
