//! The derives that give a type a stable name and nothing else: commands, queries, effects.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, LitStr, Path};

/// A trait that only has a name.
pub(crate) struct Named {
    name: &'static str,
    attribute: &'static str,
}

impl Named {
    pub(crate) const COMMAND: Self = Self { name: "Command", attribute: "command" };
    pub(crate) const QUERY: Self = Self { name: "Query", attribute: "query" };
    pub(crate) const EFFECT: Self = Self { name: "Effect", attribute: "effect" };
}

/// Derives the trait, which is at `home` unless the type says `crate = path`.
pub(crate) fn derive(input: proc_macro::TokenStream, named: &Named, home: &str) -> proc_macro::TokenStream {
    let expanded = syn::parse(input).and_then(|input| expand(&input, named, home));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput, named: &Named, home: &str) -> syn::Result<TokenStream> {
    let (name, path) = attributes(input, named.attribute)?;
    let Named { name: trait_name, attribute } = named;
    if !input.generics.params.is_empty() {
        let message =
            format!("a {attribute} has no generics, since its name stands for one type; name each one");
        return Err(syn::Error::new(input.generics.span(), message));
    }
    if let Data::Union(data) = &input.data {
        let message = format!("a {attribute} is a struct or an enum");
        return Err(syn::Error::new(data.union_token.span(), message));
    }
    let ident = &input.ident;
    let name = name.unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()));
    let path = path.map_or_else(|| syn::parse_str(home), Ok)?;
    let trait_name = syn::Ident::new(trait_name, proc_macro2::Span::call_site());
    Ok(quote! {
        #[automatically_derived]
        impl #path::#trait_name for #ident {
            const NAME: &'static str = #name;
        }
    })
}

fn attributes(input: &DeriveInput, attribute: &str) -> syn::Result<(Option<LitStr>, Option<Path>)> {
    let (mut name, mut path) = (None, None);
    for found in input.attrs.iter().filter(|found| found.path().is_ident(attribute)) {
        found.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                let given: LitStr = meta.value()?.parse()?;
                if given.value().is_empty() {
                    return Err(syn::Error::new(given.span(), "the name is empty"));
                }
                name = Some(given);
            } else if meta.path.is_ident("crate") {
                path = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("unknown key; known are `name = \"…\"` and `crate = path`"));
            }
            Ok(())
        })?;
    }
    Ok((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_explained() {
        let error = |input: DeriveInput| expand(&input, &Named::COMMAND, "::home").unwrap_err().to_string();
        let generic = error(syn::parse_quote!(
            struct Withdraw<T>(T);
        ));
        assert_eq!(generic, "a command has no generics, since its name stands for one type; name each one");
        let union = error(syn::parse_quote!(union Withdraw { a: u8, b: u8 }));
        assert_eq!(union, "a command is a struct or an enum");
        let unknown = error(syn::parse_quote!(
            #[command(title = "x")]
            struct Withdraw;
        ));
        assert_eq!(unknown, "unknown key; known are `name = \"…\"` and `crate = path`");
        let empty = error(syn::parse_quote!(
            #[command(name = "")]
            struct Withdraw;
        ));
        assert_eq!(empty, "the name is empty");
    }
}
