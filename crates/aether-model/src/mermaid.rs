//! Boards as Mermaid flowcharts, in the colours of the sticky notes.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use crate::flow::flows;
use crate::index::Index;
use crate::{Board, Kind, Name, Sticky};

/// The colours of the sticky notes.
const STYLES: &str = "  classDef event fill:#ffa94d,stroke:#c76a00,color:#000
  classDef command fill:#74c0fc,stroke:#1971c2,color:#000
  classDef person fill:#ffe066,stroke:#b08900,color:#000,font-size:12px
  classDef aggregate fill:#fff3bf,stroke:#b08900,color:#000
  classDef policy fill:#d0bfff,stroke:#7048e8,color:#000
  classDef read_model fill:#8ce99a,stroke:#2b8a3e,color:#000
  classDef external_system fill:#faa2c1,stroke:#c2255c,color:#000
  classDef hot_spot fill:#ff6b6b,stroke:#a51111,color:#000
  classDef missing stroke-dasharray:5 5
";

impl Board {
    /// The board as a Mermaid flowchart, which GitHub and many editors draw: a box for each context, the colours of the
    /// sticky notes, and the flow from left to right.
    ///
    /// The same board always gives the same text. A board need not be valid to be drawn: a name that leads nowhere becomes
    /// a note with a dashed border.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut drawing = Drawing { text: String::from("flowchart LR\n"), drawn: BTreeSet::new() };
        let index = Index::of(self);
        let flows = flows(self, &index);
        drawing.text.push_str(STYLES);

        let mut notes: Vec<Sticky> = Vec::new();
        for kind in Kind::ALL {
            notes.extend(index.all(kind).into_iter().map(|(_, entry)| entry.sticky.clone()));
        }
        for flow in &flows {
            notes.extend([flow.from.clone(), flow.to.clone()]);
        }

        drawing.notes(&index, &notes, None, "  ");
        let mut contexts: Vec<&Name> = Vec::new();
        let mentioned = notes.iter().filter_map(|note| note.context.as_ref());
        for context in self.contexts.iter().map(|context| &context.name).chain(mentioned) {
            if !contexts.contains(&context) {
                contexts.push(context);
            }
        }
        for context in contexts {
            drawing.line(format_args!("  subgraph {}[\"{}\"]", group_id(context), label(context.as_str())));
            drawing.notes(&index, &notes, Some(context), "    ");
            drawing.line("  end");
        }
        for flow in &flows {
            let arrow = if flow.is_information() { "-.->" } else { "-->" };
            let after =
                flow.after.as_deref().map(|after| format!("|\"{}\"|", label(&format!("after {after}"))));
            let after = after.unwrap_or_default();
            drawing.line(format_args!("  {} {arrow}{after} {}", node_id(&flow.from), node_id(&flow.to)));
        }
        drawing.text
    }
}

struct Drawing {
    text: String,
    drawn: BTreeSet<String>,
}

impl Drawing {
    fn line(&mut self, line: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// The notes of one context that are not drawn yet.
    fn notes(&mut self, index: &Index, notes: &[Sticky], context: Option<&Name>, indent: &str) {
        for note in notes.iter().filter(|note| note.context.as_ref() == context) {
            let id = node_id(note);
            if !self.drawn.insert(id.clone()) {
                continue;
            }
            let (open, close) = if note.kind == Kind::Person { ("([", "])") } else { ("[", "]") };
            let (label, class) = (label(note.name.as_str()), class(note.kind));
            self.line(format_args!("{indent}{id}{open}\"{label}\"{close}:::{class}"));
            if !index.has(note) {
                self.line(format_args!("{indent}class {id} missing"));
            }
        }
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Event => "event",
        Kind::Command => "command",
        Kind::Person => "person",
        Kind::Aggregate => "aggregate",
        Kind::Policy => "policy",
        Kind::ReadModel => "read_model",
        Kind::ExternalSystem => "external_system",
        Kind::HotSpot => "hot_spot",
    }
}

/// An id that no other note has: its kind, context and name, with `__` between them, which no part has in itself.
fn node_id(note: &Sticky) -> String {
    let (kind, name) = (class(note.kind), escape(note.name.as_str()));
    match &note.context {
        Some(context) => format!("{kind}__{}__{name}", escape(context.as_str())),
        None => format!("{kind}__{name}"),
    }
}

fn group_id(context: &Name) -> String {
    format!("context__{}", escape(context.as_str()))
}

/// Letters and digits of ASCII as they are; anything else as `_` with its number in hexadecimal and `z`. So `_` is always
/// followed by a digit, and two texts never become one.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if c.is_ascii_alphanumeric() {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "_{:x}z", u32::from(c));
        }
        escaped
    })
}

/// A text that Mermaid shows as it is: whatever could be markup is an entity.
fn label(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if c.is_alphanumeric() || " ',()?!:/".contains(c) {
            escaped.push(c);
        } else if c == '\n' {
            escaped.push_str("<br/>");
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_notes_that_look_alike_differ() {
        let note = |context: Option<&str>, name: &str| {
            node_id(&Sticky { context: context.map(Name::new), kind: Kind::Event, name: Name::new(name) })
        };
        let ids = [
            note(None, "a b"),
            note(None, "a_b"),
            note(None, "ab"),
            note(None, "a__b"),
            note(Some("a"), "b"),
            note(Some("a"), "_b"),
            note(Some("a_"), "b"),
            note(Some(""), "a__b"),
            note(None, "a_20zb"),
            note(None, "AB"),
        ];
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:#?}");
    }

    #[test]
    fn labels_have_no_markup() {
        assert_eq!(
            label(r#"a "b" <i>#1; `c` %%{x}"#),
            "a #34;b#34; #60;i#62;#35;1#59; #96;c#96; #37;#37;#123;x#125;"
        );
        assert_eq!(label("Über\n1. konto"), "Über<br/>1#46; konto");
    }
}
