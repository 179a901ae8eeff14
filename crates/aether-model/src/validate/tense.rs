//! Habits about names: events in the past tense, commands as orders. Only hints, and only for English.

use super::Found;
use crate::{Kind, Name};

/// Past tenses that do not end in "ed".
const IRREGULAR: &[&str] = &[
    "beaten",
    "become",
    "been",
    "began",
    "begun",
    "bought",
    "bound",
    "broken",
    "brought",
    "built",
    "came",
    "caught",
    "chosen",
    "come",
    "cut",
    "done",
    "drawn",
    "driven",
    "fallen",
    "fell",
    "forgotten",
    "fought",
    "found",
    "frozen",
    "given",
    "gone",
    "got",
    "grown",
    "held",
    "hidden",
    "hit",
    "kept",
    "known",
    "laid",
    "left",
    "lent",
    "lost",
    "made",
    "met",
    "paid",
    "put",
    "ran",
    "read",
    "run",
    "said",
    "seen",
    "sent",
    "set",
    "shown",
    "shut",
    "sold",
    "spent",
    "split",
    "spoken",
    "stolen",
    "struck",
    "taken",
    "taught",
    "thrown",
    "told",
    "took",
    "understood",
    "was",
    "were",
    "went",
    "withdrawn",
    "withdrew",
    "won",
    "written",
];

pub(super) fn check(found: &mut Found<'_>) {
    let index = found.index;
    let events = index.all(Kind::Event);
    // Where no event is in the past tense of English, the board is in another language.
    if !events.iter().any(|(_, event)| past(&event.sticky.name)) {
        return;
    }
    for (_, event) in events {
        if !past(&event.sticky.name) {
            let help = "name what has happened, in the past tense: `Account opened`";
            found.hint(&event.sticky, "its name does not say that it has happened", help);
        }
    }
    for (_, command) in index.all(Kind::Command) {
        if words(&command.sticky.name).last().is_some_and(|word| regular(word)) {
            let help = "name what is wanted, as an order: `Open account`";
            found.hint(&command.sticky, "its name says that it has happened already", help);
        }
    }
}

/// Whether some word of a name is in the past tense.
fn past(name: &Name) -> bool {
    // Also with a prefix: "unfrozen", "overdrawn", "repaid".
    let irregular =
        |word: &str| IRREGULAR.iter().any(|past| word == *past || past.len() > 3 && word.ends_with(past));
    words(name).iter().any(|word| regular(word) || irregular(word))
}

fn regular(word: &str) -> bool {
    word.ends_with("ed") && !word.ends_with("eed") && !["bed", "embed", "red", "shed", "wed"].contains(&word)
}

/// The words of a name in lower case, whether it is written in words or as an identifier.
fn words(name: &Name) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.as_str().chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && previous.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_tense_is_found_in_words_and_identifiers() {
        for name in [
            "Account opened",
            "AccountOpened",
            "Money withdrawn",
            "Transfer timed out",
            "invoice_sent",
            "Account unfrozen",
        ] {
            assert!(past(&Name::new(name)), "{name}");
        }
        for name in ["Open account", "OpenAccount", "Proceed", "Feed", "Month end", "Asset", ""] {
            assert!(!past(&Name::new(name)), "{name}");
        }
    }
}
