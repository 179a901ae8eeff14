//! What `#[event(…)]` says on the enum and on its variants.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{DeriveInput, LitInt, LitStr, Path, Token, parenthesized, token};

/// What is said of the enum.
#[derive(Default)]
pub(super) struct EnumAttributes {
    pub(super) name: Option<LitStr>,
    pub(super) path: Option<Path>,
    pub(super) retired: Vec<Retired>,
}

/// What is said of a variant.
pub(super) struct VariantAttributes {
    pub(super) name: LitStr,
    pub(super) version: u32,
    /// Where the version is said, or else the variant's name.
    pub(super) version_span: Span,
    pub(super) was: Vec<LitStr>,
    pub(super) upcasters: Vec<Upcaster>,
}

/// `retired("Old", upcast(…))`.
pub(super) struct Retired {
    pub(super) name: LitStr,
    pub(super) upcasters: Vec<Upcaster>,
}

/// `1 = function => ("A", "B")`.
pub(super) struct Upcaster {
    pub(super) from: u32,
    pub(super) span: Span,
    pub(super) function: Path,
    pub(super) into: Vec<LitStr>,
}

impl EnumAttributes {
    pub(super) fn of(input: &DeriveInput) -> syn::Result<Self> {
        let mut said = Self::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    once(&meta, said.name.is_some())?;
                    said.name = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("crate") {
                    once(&meta, said.path.is_some())?;
                    said.path = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("retired") {
                    let content;
                    parenthesized!(content in meta.input);
                    said.retired.push(content.parse()?);
                } else {
                    return Err(meta.error(
                        "unknown key; known on an enum of events are `name = \"…\"`, `retired(\"…\", upcast(…))` and `crate = path`",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(said)
    }
}

impl VariantAttributes {
    pub(super) fn of(variant: &syn::Variant) -> syn::Result<Self> {
        let ident = &variant.ident;
        let mut said = Self {
            name: LitStr::new(&ident.unraw().to_string(), ident.span()),
            version: 1,
            version_span: ident.span(),
            was: Vec::new(),
            upcasters: Vec::new(),
        };
        let (mut named, mut versioned) = (false, false);
        for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    once(&meta, std::mem::replace(&mut named, true))?;
                    said.name = meta.value()?.parse()?;
                } else if meta.path.is_ident("was") {
                    said.was.push(meta.value()?.parse()?);
                } else if meta.path.is_ident("version") {
                    once(&meta, std::mem::replace(&mut versioned, true))?;
                    let version: LitInt = meta.value()?.parse()?;
                    (said.version, said.version_span) = (parse_version(&version)?, version.span());
                } else if meta.path.is_ident("upcast") {
                    said.upcasters.extend(parse_upcasters(meta.input)?);
                } else {
                    return Err(meta.error(
                        "unknown key; known on an event are `name = \"…\"`, `was = \"…\"`, `version = 2` and `upcast(1 = function)`",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(said)
    }
}

impl Parse for Retired {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: LitStr = input.parse()?;
        let mut upcasters = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let key: syn::Ident = input.parse()?;
            if key != "upcast" {
                let message = "unknown key; known behind the name of a retired event is `upcast(1 = function => \"…\")`";
                return Err(syn::Error::new(key.span(), message));
            }
            upcasters.extend(parse_upcasters(input)?);
        }
        Ok(Self { name, upcasters })
    }
}

impl Parse for Upcaster {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let from: LitInt = input.parse()?;
        input.parse::<Token![=]>()?;
        let function = input.parse()?;
        let mut into = Vec::new();
        if input.peek(Token![=>]) {
            input.parse::<Token![=>]>()?;
            if input.peek(token::Paren) {
                let content;
                parenthesized!(content in input);
                into.extend(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?);
            } else {
                into.push(input.parse()?);
            }
        }
        Ok(Self { from: parse_version(&from)?, span: from.span(), function, into })
    }
}

fn parse_upcasters(input: ParseStream<'_>) -> syn::Result<Punctuated<Upcaster, Token![,]>> {
    let content;
    parenthesized!(content in input);
    Punctuated::parse_terminated(&content)
}

fn parse_version(literal: &LitInt) -> syn::Result<u32> {
    match literal.base10_parse() {
        Ok(0) => Err(syn::Error::new(literal.span(), "versions begin with 1")),
        Ok(version) => Ok(version),
        Err(_) => Err(syn::Error::new(literal.span(), "a version is a whole number from 1")),
    }
}

fn once(meta: &ParseNestedMeta<'_>, there: bool) -> syn::Result<()> {
    if there { Err(meta.error("this is said twice; keep one")) } else { Ok(()) }
}
