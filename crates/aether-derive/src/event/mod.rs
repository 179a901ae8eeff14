//! `#[derive(DomainEvent)]`.

mod attributes;
mod expand;
mod field;
mod rules;
mod serde_attributes;
mod type_text;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput};

use crate::crate_path;
use attributes::{EnumAttributes, VariantAttributes};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        let message = "domain events are an enum, each type of event a variant; write `enum` here";
        return Err(syn::Error::new(input.ident.span(), message));
    };
    if !input.generics.params.is_empty() {
        let message = "domain events have no generics, since a type on the wire stands for one type; write out the enum";
        return Err(syn::Error::new(input.generics.span(), message));
    }
    let on_enum = EnumAttributes::of(input)?;
    let serde = serde_attributes::of_enum(&input.attrs)?;
    let mut variants = Vec::with_capacity(data.variants.len());
    for variant in &data.variants {
        variants.push(Variant {
            syntax: variant,
            attributes: VariantAttributes::of(variant)?,
            data: field::data(variant, &serde)?,
        });
    }
    rules::check(&variants, &on_enum.retired)?;
    let path = crate_path::event(on_enum.krate.as_ref())?;
    Ok(expand::expand(input, &on_enum, &variants, &path))
}

/// One variant, and what is said of it.
struct Variant<'a> {
    syntax: &'a syn::Variant,
    attributes: VariantAttributes,
    data: field::Data,
}
