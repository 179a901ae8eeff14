//! Comparing the events of the code with what a file remembers of them.

use std::collections::BTreeSet;

use super::{Data, Field, Type, Types};
use crate::Shape;

/// What differs between a file and the code.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// What cannot be read any more, or might not be; what to do about it.
    pub(super) breaking: Vec<String>,
    /// What is as it should be, and not in the file yet.
    pub(super) news: Vec<String>,
}

/// What the events of the enum `name` have become since the file was written.
pub(super) fn compare(name: &str, file: &Types, code: &Types) -> Differences {
    let mut differences = Differences::default();
    let names = |types: &'_ Types| -> BTreeSet<String> {
        types.iter().flat_map(|(name, ty)| std::iter::once(name).chain(&ty.was)).cloned().collect()
    };
    for gone in names(file).difference(&names(code)) {
        differences.breaking.push(format!(
            "`{gone}` of {name} is gone, and there may be such events in logs: say `was = \"{gone}\"` on the event that \
             it is now, or `retired(\"{gone}\", upcast(…))` on the enum"
        ));
    }
    for (event, ty) in code {
        let compared = |old: &Type| old.now.as_ref() != Some(event);
        let before = std::iter::once(event).chain(&ty.was).filter_map(|name| file.get_key_value(name));
        let before: Vec<_> = before.filter(|(_, old)| compared(old)).collect();
        if before.is_empty() {
            differences.news.push(format!("`{event}` of {name} is new"));
        }
        for (old_event, old) in before {
            if old_event != event {
                differences.news.push(format!("`{old_event}` of {name} is now called `{event}`"));
            }
            compare_type(&format!("`{event}` of {name}"), old, ty, &mut differences);
        }
    }
    differences
}

/// What the file is to say now: the events of the code, and all versions that the file has.
pub(super) fn merge(file: &Types, code: &Types) -> Types {
    let mut merged = code.clone();
    for (name, old) in file {
        if let Some(ty) = merged.get_mut(name) {
            let latest = std::mem::replace(&mut ty.versions, old.versions.clone());
            ty.versions.extend(latest);
        } else {
            let now = code.iter().find(|(_, ty)| ty.was.contains(name)).map(|(now, _)| now.clone());
            merged.insert(name.clone(), Type { now, ..old.clone() });
        }
    }
    merged
}

fn compare_type(event: &str, old: &Type, new: &Type, differences: &mut Differences) {
    let (from, to) = (old.version, new.version);
    if new.retired && from > to {
        let message = format!("{event} is retired and has no upcaster from version {from}: add one");
        differences.breaking.push(message);
    } else if from > to {
        differences.breaking.push(format!(
            "{event} went back from version {from} to {to}, and there may be events of the later one in logs: raise it \
             to {} or more",
            from + 1
        ));
    } else if from < to {
        differences.news.push(format!("{event} went from version {from} to {to}"));
    } else if let (Some(before), Some(after)) = (old.versions.get(&from), new.versions.get(&to)) {
        let changes = Changes::between(before, after);
        if !changes.breaking.is_empty() {
            differences.breaking.push(format!(
                "{event} has changed ({}) but is still version {from}: say `version = {}` and `upcast({from} = …)`",
                changes.breaking.join(", "),
                from + 1
            ));
        } else if !changes.harmless.is_empty() {
            differences.news.push(format!("{event} has changed ({})", changes.harmless.join(", ")));
        }
    }
    if new.retired != old.retired {
        differences.news.push(format!("{event} is {}", if new.retired { "retired" } else { "back" }));
    }
    if old.was.symmetric_difference(&new.was).next().is_some() {
        differences.news.push(format!("{event} has other names from before"));
    }
}

/// How one version's data differs from what it was.
#[derive(Default)]
struct Changes {
    /// Old data might not be read.
    breaking: Vec<String>,
    /// Old data is read as before.
    harmless: Vec<String>,
}

impl Changes {
    fn between(old: &Data, new: &Data) -> Self {
        let mut changes = Self::default();
        if old.shape != new.shape {
            changes.breaking.push(format!("it was {} and is {}", described(old.shape), described(new.shape)));
            return changes;
        }
        for before in &old.fields {
            match new.fields.iter().find(|field| field.name == before.name) {
                Some(after) => changes.field(before, after),
                None => changes.breaking.push(format!("field `{}: {}` is gone", before.name, before.ty)),
            }
        }
        for Field { name, ty, optional } in &new.fields {
            if !old.fields.iter().any(|field| field.name == *name) {
                let (which, what) = match optional {
                    true => (&mut changes.harmless, "is new and may be missing"),
                    false => (&mut changes.breaking, "is new"),
                };
                which.push(format!("field `{name}: {ty}` {what}"));
            }
        }
        changes
    }

    fn field(&mut self, before: &Field, after: &Field) {
        let Field { name, ty, .. } = after;
        if before.ty != *ty {
            self.breaking.push(format!("field `{name}: {ty}` was `{}`", before.ty));
        } else if before.optional && !after.optional {
            self.breaking.push(format!("field `{name}: {ty}` must be there now"));
        } else if before.optional != after.optional {
            self.harmless.push(format!("field `{name}: {ty}` may be missing now"));
        }
    }
}

fn described(shape: Shape) -> &'static str {
    match shape {
        Shape::Unit => "without data",
        Shape::Newtype => "one value",
        Shape::Tuple => "an array",
        Shape::Struct => "an object",
    }
}
