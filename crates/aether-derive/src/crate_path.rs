//! Where the traits are, as seen from the crate that derives them.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Path};

/// A package that has the traits, what its library is called, and where in it they are.
type Place = (&'static str, &'static str, Option<&'static str>);

const EVENT: &[Place] = &[
    ("aether-event", "aether_event", None),
    ("aether-actor", "aether_actor", Some("event")),
    ("aether", "aether", Some("event")),
];
const ACTOR: &[Place] = &[("aether-actor", "aether_actor", None), ("aether", "aether", Some("actor"))];

/// The path of what `aether-event` has.
pub(crate) fn event(given: Option<&Path>) -> syn::Result<TokenStream> {
    find(EVENT, given)
}

/// The path of what `aether-actor` has.
pub(crate) fn actor(given: Option<&Path>) -> syn::Result<TokenStream> {
    find(ACTOR, given)
}

/// The first package that the crate depends on. The facade comes last: it may be there without the module.
fn find(places: &[Place], given: Option<&Path>) -> syn::Result<TokenStream> {
    if let Some(path) = given {
        return Ok(quote!(#path));
    }
    for (package, library, module) in places {
        let library = match crate_name(package) {
            // Its tests, examples and doctests are crates of their own, so `crate` would be wrong in them.
            Ok(FoundCrate::Itself) => (*library).to_owned(),
            Ok(FoundCrate::Name(name)) => name,
            Err(_) => continue,
        };
        let library = Ident::new(&library, Span::call_site());
        let module = module.map(|module| Ident::new(module, Span::call_site())).into_iter();
        return Ok(quote!(::#library #(::#module)*));
    }
    Err(syn::Error::new(
        Span::call_site(),
        "the package depends on no crate that has the trait; add `aether` to its dependencies, or say where it is by `crate = path`",
    ))
}
