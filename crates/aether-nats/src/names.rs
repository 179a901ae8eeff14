//! Names of streams and buckets, and the prefix of the JetStream API in which they are found ([`ApiPrefix`]).

use std::fmt;

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

/// The subject that the JetStream API of a stream begins with, and the JetStream domain that must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiPrefix {
    prefix: String,
    domain: Option<String>,
}

impl Default for ApiPrefix {
    fn default() -> Self {
        Self { prefix: "$JS.API".to_owned(), domain: None }
    }
}

impl ApiPrefix {
    /// The API of a JetStream domain: `$JS.<domain>.API`. Only acknowledgements of that domain are believed.
    #[must_use]
    pub fn domain(domain: impl Into<String>) -> Self {
        let domain = domain.into();
        Self { prefix: format!("$JS.{domain}.API"), domain: Some(domain) }
    }

    /// The API of another account, as it was imported. The prefix of a domain, `$JS.<domain>.API`, is that
    /// [domain](Self::domain).
    #[must_use]
    pub fn imported(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let domain =
            prefix.strip_prefix("$JS.").and_then(|rest| rest.strip_suffix(".API")).map(str::to_owned);
        Self { prefix, domain }
    }

    /// Returns the domain that was asked for.
    pub(crate) fn required_domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Checks that the prefix is a subject.
    ///
    /// # Errors
    /// [`InvalidApiPrefix`] if it is none, or has wildcards, or the domain has more than one token.
    pub fn validate(&self) -> Result<(), InvalidApiPrefix> {
        let is_token = |token: &str| {
            !token.is_empty() && !token.contains(['*', '>']) && !token.contains(char::is_whitespace)
        };
        let one_token = self.domain.as_deref().is_none_or(|domain| is_token(domain) && !domain.contains('.'));
        if one_token && self.prefix.split('.').all(is_token) {
            return Ok(());
        }
        Err(match &self.domain {
            Some(domain) => InvalidApiPrefix { field: "domain", value: domain.clone() },
            None => InvalidApiPrefix { field: "api_prefix", value: self.prefix.clone() },
        })
    }
}

impl fmt::Display for ApiPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

/// A domain or a prefix by which the JetStream API cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no subject without wildcards{}", if *field == "domain" { " of one token" } else { "" })]
pub struct InvalidApiPrefix {
    /// The setting: `domain` or `api_prefix`.
    pub field: &'static str,
    /// The text.
    pub value: String,
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

    #[test]
    fn a_prefix_is_a_subject_without_wildcards() {
        assert_eq!(ApiPrefix::default().to_string(), "$JS.API");
        assert_eq!(ApiPrefix::domain("hub").to_string(), "$JS.hub.API");
        assert_eq!(ApiPrefix::imported("imported.JS").to_string(), "imported.JS");
        assert_eq!(ApiPrefix::imported("$JS.hub.API"), ApiPrefix::domain("hub"));
        for good in [ApiPrefix::default(), ApiPrefix::domain("hub"), ApiPrefix::imported("imported.JS")] {
            good.validate().unwrap();
        }
        for (bad, field) in [
            (ApiPrefix::domain(""), "domain"),
            (ApiPrefix::domain("a.b"), "domain"),
            (ApiPrefix::domain("*"), "domain"),
            (ApiPrefix::imported("a..b"), "api_prefix"),
            (ApiPrefix::imported("a.>"), "api_prefix"),
            (ApiPrefix::imported("a b"), "api_prefix"),
        ] {
            assert_eq!(bad.validate().unwrap_err().field, field, "{bad}");
        }
    }
}
