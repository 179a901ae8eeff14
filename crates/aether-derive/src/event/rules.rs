//! What a set of events has to keep to, as far as it can be said with a place in the code.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{Error, LitStr};

use super::Variant;
use super::attributes::{Retired, Upcaster};

/// The longest name: what fits into a type on the wire beside `.v` and the digits of any version.
const MAX_NAME_LEN: usize = 255 - 12;

pub(super) fn check(variants: &[Variant<'_>], retired: &[Retired]) -> syn::Result<()> {
    let mut errors = Errors::default();
    names(variants, retired, &mut errors);
    for variant in variants {
        let said = &variant.attributes;
        let name = said.name.value();
        let versions = 1..said.version;
        for upcaster in said.upcasters.iter().filter(|upcaster| !versions.contains(&upcaster.from)) {
            let message = format!(
                "`{name}` has version {}, so there is nothing to upcast from version {}; raise its version, or leave out the upcaster",
                said.version, upcaster.from
            );
            errors.push(upcaster.span, message);
        }
        one_for_each(&name, versions, &said.upcasters, said.version_span, &mut errors);
    }
    for retired in retired {
        let name = retired.name.value();
        match retired.upcasters.iter().map(|upcaster| upcaster.from).max() {
            None => errors.push(
                retired.name.span(),
                format!(
                    "say what becomes of retired events: `retired(\"{name}\", upcast(1 = function => \"…\"))`"
                ),
            ),
            Some(last) => {
                one_for_each(&name, 1..last + 1, &retired.upcasters, retired.name.span(), &mut errors)
            }
        }
    }
    targets(variants, retired, &mut errors);
    errors.0.map_or(Ok(()), Err)
}

#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn push(&mut self, span: Span, message: impl std::fmt::Display) {
        let error = Error::new(span, message);
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }
}

fn names(variants: &[Variant<'_>], retired: &[Retired], errors: &mut Errors) {
    let of_variants =
        variants.iter().flat_map(|v| std::iter::once(&v.attributes.name).chain(&v.attributes.was));
    let mut seen = BTreeSet::new();
    for literal in of_variants.chain(retired.iter().map(|retired| &retired.name)) {
        let name = literal.value();
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            errors.push(literal.span(), format!("a name has from 1 to {MAX_NAME_LEN} bytes"));
        }
        if name.starts_with("aether.") {
            errors.push(
                literal.span(),
                "names that begin with `aether.` are for Aether's own events; choose another",
            );
        }
        if ends_like_a_version(&name) {
            errors
                .push(literal.span(), "a name does not end like a version; say the version by `version = …`");
        }
        if !seen.insert(name.clone()) {
            errors.push(
                literal.span(),
                format!("`{name}` is there already; give each type of event a name of its own"),
            );
        }
    }
}

fn ends_like_a_version(name: &str) -> bool {
    name.rsplit_once(".v")
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn one_for_each(
    name: &str,
    versions: std::ops::Range<u32>,
    upcasters: &[Upcaster],
    span: Span,
    errors: &mut Errors,
) {
    let mut seen = BTreeSet::new();
    for upcaster in upcasters {
        if !seen.insert(upcaster.from) {
            errors.push(
                upcaster.span,
                format!("there is another upcaster from version {}; keep one", upcaster.from),
            );
        }
    }
    if let Some(from) = versions.into_iter().find(|version| !seen.contains(version)) {
        errors.push(
            span,
            format!("`{name}` has no upcaster from version {from}; add `upcast({from} = function)`"),
        );
    }
}

/// Where upcasters lead has to be a type that there is or was.
fn targets(variants: &[Variant<'_>], retired: &[Retired], errors: &mut Errors) {
    let mut versions = BTreeMap::new();
    for said in variants.iter().map(|variant| &variant.attributes) {
        for name in std::iter::once(&said.name).chain(&said.was) {
            versions.insert(name.value(), said.version);
        }
    }
    for retired in retired {
        let last = retired.upcasters.iter().map(|upcaster| upcaster.from).max();
        versions.insert(retired.name.value(), last.unwrap_or(0));
        let into_nothing = |upcaster: &&Upcaster| upcaster.into.is_empty() && Some(upcaster.from) == last;
        if let Some(upcaster) = retired.upcasters.iter().find(into_nothing) {
            let message =
                "say where the last version of a retired event leads: `=> \"…\"`, or several in parentheses";
            errors.push(upcaster.span, message);
        }
    }
    let known = |target: &LitStr| {
        let target = target.value();
        versions.contains_key(&target)
            || target.rsplit_once(".v").is_some_and(|(name, digits)| {
                let version = digits.parse().ok().filter(|_| !digits.starts_with('0'));
                version.is_some_and(|v: u32| v >= 2 && versions.get(name).is_some_and(|last| v <= *last))
            })
    };
    let upcasters = variants.iter().flat_map(|variant| &variant.attributes.upcasters);
    for upcaster in upcasters.chain(retired.iter().flat_map(|retired| &retired.upcasters)) {
        for target in upcaster.into.iter().filter(|target| !known(target)) {
            let names: Vec<_> = versions.keys().map(|name| format!("`{name}`")).collect();
            let message =
                format!("there is no such event; there are {}, and their versions", names.join(", "));
            errors.push(target.span(), message);
        }
    }
}
