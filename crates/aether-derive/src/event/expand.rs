//! The implementation that is derived.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{DeriveInput, Ident, Path};

use super::Variant;
use super::attributes::{EnumAttributes, Upcaster};
use super::field::Field;

pub(super) fn expand(
    input: &DeriveInput,
    on_enum: &EnumAttributes,
    variants: &[Variant<'_>],
    path: &Path,
) -> TokenStream {
    let ident = &input.ident;
    let name = on_enum.name.as_ref().map_or_else(|| ident.unraw().to_string(), syn::LitStr::value);
    let descriptions = variants.iter().map(|variant| description(variant, path));
    let retired = on_enum.retired.iter().map(|retired| {
        let (name, upcasters) = (&retired.name, upcasters(&retired.upcasters, path));
        quote!(#path::Retired::new(#name, #upcasters))
    });
    let arms = variants.iter().enumerate().map(|(index, variant)| {
        let variant = &variant.syntax.ident;
        quote!(Self::#variant { .. } => #index,)
    });
    quote! {
        #[automatically_derived]
        impl #path::DomainEvent for #ident {
            const NAME: &'static str = #name;
            const VARIANTS: &'static [#path::Variant] = &[#(#descriptions),*];
            const RETIRED: &'static [#path::Retired] = &[#(#retired),*];

            fn variant(&self) -> usize {
                match *self { #(#arms)* }
            }
        }
    }
}

fn description(variant: &Variant<'_>, path: &Path) -> TokenStream {
    let said = &variant.attributes;
    let (name, version, was) = (&said.name, said.version, &said.was);
    let event_type = if version == 1 { name.value() } else { format!("{}.v{version}", name.value()) };
    let shape = Ident::new(variant.data.shape, variant.syntax.ident.span());
    let fields = variant.data.fields.iter().map(|Field { name, ty, optional }| {
        if *optional {
            quote!(#path::Field::optional(#name, #ty))
        } else {
            quote!(#path::Field::new(#name, #ty))
        }
    });
    let upcasters = upcasters(&said.upcasters, path);
    quote! {
        #path::Variant::new(#name, #version, #event_type)
            .with_aliases(&[#(#was),*])
            .with_data(#path::Shape::#shape, &[#(#fields),*])
            .with_upcasters(#upcasters)
    }
}

fn upcasters(upcasters: &[Upcaster], path: &Path) -> TokenStream {
    let each = upcasters.iter().map(|Upcaster { from, function, into, .. }| {
        quote!(#path::Upcaster::new(#from, #function).leading_to(&[#(#into),*]))
    });
    quote!(&[#(#each),*])
}
