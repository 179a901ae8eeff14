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

use attributes::{EnumAttributes, VariantAttributes};

/// Derives the trait, which is at `home` unless the enum says `crate = path`.
pub(crate) fn derive(input: proc_macro::TokenStream, home: &str) -> proc_macro::TokenStream {
    let expanded = syn::parse(input).and_then(|input| expand(&input, home));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput, home: &str) -> syn::Result<TokenStream> {
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
    let path = on_enum.path.clone().map_or_else(|| syn::parse_str(home), Ok)?;
    Ok(expand::expand(input, &on_enum, &variants, &path))
}

/// One variant, and what is said of it.
struct Variant<'a> {
    syntax: &'a syn::Variant,
    attributes: VariantAttributes,
    data: field::Data,
}
