//! The derives of Aether. Users have them from the facade `aether`, or from `aether-event` and `aether-actor`, where they
//! stand beside the traits of the same names.

mod crate_path;
mod event;
mod named;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use named::Named;

/// Makes an enum the events of a kind of actor. Each variant is a type of event, called like the variant.
///
/// On the enum:
///
/// | `#[event(…)]` | meaning |
/// |---|---|
/// | `name = "AccountEvent"` | what errors and schema files call the enum, if it is renamed in the code |
/// | `retired("Old", upcast(1 = function => "New"))` | there may be such events in logs; there is no variant for them |
/// | `crate = path` | where the trait is, if it is not found by itself |
///
/// On a variant:
///
/// | `#[event(…)]` | meaning |
/// |---|---|
/// | `name = "AccountOpened"` | the stable name of the type, if it is not the variant's |
/// | `was = "AccountCreated"` | an older name; may be there several times |
/// | `version = 2` | the version of its fields; 1 if it is not said |
/// | `upcast(1 = function, 2 = function => ("A", "B.v2"))` | from each older version: what brings its data to the next version, or to the types behind `=>` |
///
/// The guide is in the crate `aether-event`.
#[proc_macro_derive(DomainEvent, attributes(event))]
pub fn domain_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    event::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a type a command, called like the type, or `#[command(name = "…")]`.
#[proc_macro_derive(Command, attributes(command))]
pub fn command(input: TokenStream) -> TokenStream {
    named::derive(input, &Named { name: "Command", attribute: "command" })
}

/// Makes a type a query, called like the type, or `#[query(name = "…")]`.
#[proc_macro_derive(Query, attributes(query))]
pub fn query(input: TokenStream) -> TokenStream {
    named::derive(input, &Named { name: "Query", attribute: "query" })
}

/// Makes a type an effect, called like the type, or `#[effect(name = "…")]`.
#[proc_macro_derive(Effect, attributes(effect))]
pub fn effect(input: TokenStream) -> TokenStream {
    named::derive(input, &Named { name: "Effect", attribute: "effect" })
}
