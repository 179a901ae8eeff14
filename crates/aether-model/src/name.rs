//! [`Name`], [`Reference`] and [`Key`]: what stands on a sticky note, and when two of them mean the same.

use std::fmt;

/// The name on a sticky note, as people say it: `Account opened`.
///
/// Any text can be made a name, so that a board can be read first and then told all that is wrong with it.
/// [`Board::validate`](crate::Board::validate) refuses names without a letter or digit, and names with a dot, which
/// separates a context from what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// A name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key, which all names with the same meaning share.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

impl<T: Into<String>> From<T> for Name {
    fn from(name: T) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name as another sticky note mentions it, with its context if it belongs to another: `banking.Account opened`.
///
/// What stands before the first dot is the context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    /// A reference: `Name` or `context.Name`.
    #[must_use]
    pub fn new(reference: impl Into<String>) -> Self {
        Self(reference.into())
    }

    /// The reference as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The context that it names, if it names one.
    #[must_use]
    pub fn context(&self) -> Option<Name> {
        self.0.split_once('.').map(|(context, _)| Name::new(context.trim()))
    }

    /// The name without the context.
    #[must_use]
    pub fn name(&self) -> Name {
        Name::new(self.0.split_once('.').map_or(&*self.0, |(_, name)| name).trim())
    }

    /// Returns the key of the name without its context.
    #[must_use]
    pub fn key(&self) -> Key {
        self.name().key()
    }
}

impl<T: Into<String>> From<T> for Reference {
    fn from(reference: T) -> Self {
        Self::new(reference)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that names with the same meaning share: their letters and digits, in lower case.
///
/// So a board can speak in words and code in identifiers: `Account opened`, `account-opened`, `account_opened` and
/// `AccountOpened` all have the key `accountopened`. What code adds for the version of a schema (`AccountOpened.v2`) is no
/// part of it.
///
/// ```
/// use aether_model::Key;
///
/// assert_eq!(Key::of("Account opened"), Key::of("AccountOpened"));
/// assert_eq!(Key::of("Account opened"), Key::of("account_opened.v2"));
/// assert_ne!(Key::of("Account opened"), Key::of("Account opened again"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let name = without_version(name);
        Self(name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the name has no letter and no digit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A name as code says it, without the version of its schema: `Deposited` of `Deposited.v2`.
pub(crate) fn without_version(name: &str) -> &str {
    match name.rsplit_once(".v") {
        Some((base, version)) if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => {
            base
        }
        _ => name,
    }
}

/// The candidate that is nearest to what was written, if one is near enough to have been meant.
///
/// A quarter of the letters may differ, or what was written may be a part of the candidate or the other way round.
pub(crate) fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = Reference::new(written).key();
    let near =
        candidates.into_iter().filter_map(|candidate| Some((distance(&wanted, candidate)?, candidate)));
    near.min().map(|(_, candidate)| candidate)
}

/// How far a candidate is from a key, if it is near enough.
fn distance(wanted: &Key, candidate: &str) -> Option<usize> {
    /// Shorter parts are in too many names.
    const SHORTEST_PART: usize = 4;

    let key = Reference::new(candidate).key();
    let (wanted, key) = (wanted.as_str(), key.as_str());
    let distance = strsim::damerau_levenshtein(wanted, key);
    let (shorter, longer) = if wanted.len() < key.len() { (wanted, key) } else { (key, wanted) };
    let part = shorter.len() >= SHORTEST_PART && (longer.starts_with(shorter) || longer.ends_with(shorter));
    (part || distance <= (wanted.chars().count() / 4).max(1)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_context_or_not() {
        let near = Reference::new(" Account opened ");
        assert_eq!((near.context(), near.name()), (None, Name::new("Account opened")));
        let far = Reference::new("banking . Account opened");
        assert_eq!((far.context(), far.name()), (Some(Name::new("banking")), Name::new("Account opened")));
    }

    #[test]
    fn keys_ignore_case_spaces_signs_and_versions() {
        for name in
            ["AccountOpened", "account opened", "ACCOUNT_OPENED", "account-opened!", "AccountOpened.v12"]
        {
            assert_eq!(Key::of(name).as_str(), "accountopened", "{name}");
        }
        assert_eq!(Key::of("Überwiesen").as_str(), "überwiesen");
        assert!(Key::of(" -?- ").is_empty());
        assert_eq!(Key::of("x.vault").as_str(), "xvault");
    }

    #[test]
    fn what_is_near_is_suggested() {
        let names = ["Account opened", "Account closed", "banking.Deposited"];
        for (written, meant) in [
            ("Akkount opened", Some("Account opened")),
            ("AccountClose", Some("Account closed")),
            ("Opened", Some("Account opened")),
            ("Deposited", Some("banking.Deposited")),
            ("Account frozen", None),
            ("Something else", None),
            ("", None),
        ] {
            assert_eq!(closest(written, names), meant, "{written}");
        }
    }
}
