//! What `#[serde(…)]` says that changes how an event looks as JSON.

use proc_macro2::TokenTree;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Token, parenthesized, token};

/// What is said of all fields of an enum, or of a variant.
#[derive(Default)]
pub(super) struct Renaming {
    /// The rule for the names of fields.
    pub(super) fields: Option<String>,
}

/// What is said of a field.
#[derive(Default)]
pub(super) struct FieldAttributes {
    pub(super) rename: Option<String>,
    /// It is not in the data at all.
    pub(super) skip: bool,
    pub(super) default: bool,
    pub(super) flatten: bool,
    /// Its own way to be written or read.
    pub(super) with: Option<String>,
}

/// Refuses what would make serde write the enum in another way than by the names of its variants.
pub(super) fn of_enum(attributes: &[Attribute]) -> syn::Result<Renaming> {
    const REFUSED: &[&str] =
        &["tag", "content", "untagged", "from", "try_from", "into", "transparent", "remote"];
    let mut renaming = Renaming::default();
    each(attributes, |meta| {
        if let Some(key) = REFUSED.iter().find(|key| meta.path.is_ident(key)) {
            return Err(meta.error(format!(
                "events carry their type beside their data, so the enum has no `{key}` for serde; leave it out"
            )));
        }
        if meta.path.is_ident("rename_all_fields") {
            renaming.fields = text(meta)?;
            return Ok(());
        }
        skip(meta)
    })?;
    Ok(renaming)
}

/// Refuses what would let serde pass over the variant, or write all of it in a way of its own.
pub(super) fn of_variant(attributes: &[Attribute]) -> syn::Result<Renaming> {
    const REFUSED: &[&str] = &[
        "skip",
        "skip_serializing",
        "skip_deserializing",
        "other",
        "untagged",
        "with",
        "serialize_with",
        "deserialize_with",
    ];
    let mut renaming = Renaming::default();
    each(attributes, |meta| {
        if let Some(key) = REFUSED.iter().find(|key| meta.path.is_ident(key)) {
            return Err(meta.error(format!(
                "every event is written and read, so it has no `{key}` for serde as a whole"
            )));
        }
        if meta.path.is_ident("rename_all") {
            renaming.fields = text(meta)?;
            return Ok(());
        }
        skip(meta)
    })?;
    Ok(renaming)
}

pub(super) fn of_field(attributes: &[Attribute]) -> syn::Result<FieldAttributes> {
    let mut said = FieldAttributes::default();
    each(attributes, |meta| {
        if meta.path.is_ident("rename") {
            said.rename = text(meta)?;
        } else if ["with", "serialize_with", "deserialize_with"].iter().any(|key| meta.path.is_ident(key)) {
            said.with = text(meta)?;
        } else {
            said.skip |= meta.path.is_ident("skip");
            said.default |= meta.path.is_ident("default");
            said.flatten |= meta.path.is_ident("flatten");
            skip(meta)?;
        }
        Ok(())
    })?;
    Ok(said)
}

fn each(
    attributes: &[Attribute],
    mut logic: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| logic(&meta))?;
    }
    Ok(())
}

/// The text of `key = "text"`, or the one for writing of `key(serialize = "text", deserialize = "…")`.
fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<String>> {
    if !meta.input.peek(token::Paren) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut written = None;
    meta.parse_nested_meta(|inner| {
        let value = inner.value()?.parse::<LitStr>()?.value();
        if inner.path.is_ident("serialize") {
            written = Some(value);
        }
        Ok(())
    })?;
    Ok(written)
}

/// Passes over the value of a key that does not matter here.
fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<TokenTree>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}
