//! "Did you mean …?": the name that was probably meant.

use crate::{Key, Reference};

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
