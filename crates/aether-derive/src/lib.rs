//! The derives of Aether. Users import them from the facade `aether`, or from `aether-event` and `aether-actor`, where they
//! stand beside the traits of the same names.
//!
//! A derive has to name the crate of its trait, and a macro cannot see which crates its caller depends on. Each crate
//! therefore re-exports a derive of its own, which names that crate: `aether-event` has [`DomainEvent`](macro@DomainEvent),
//! `aether-actor` [`DomainEventOfActor`](macro@DomainEventOfActor) and the facade
//! [`DomainEventOfFacade`](macro@DomainEventOfFacade), all under the name `DomainEvent`. Callers that rename a crate in
//! their `Cargo.toml` say `crate = path`.

mod event;
mod named;

use proc_macro::TokenStream;

use named::Named;

#[doc = include_str!("domain_event.md")]
#[proc_macro_derive(DomainEvent, attributes(event))]
pub fn domain_event(input: TokenStream) -> TokenStream {
    event::derive(input, "::aether_event")
}

#[doc = include_str!("domain_event.md")]
#[proc_macro_derive(DomainEventOfActor, attributes(event))]
pub fn domain_event_of_actor(input: TokenStream) -> TokenStream {
    event::derive(input, "::aether_actor::event")
}

#[doc = include_str!("domain_event.md")]
#[proc_macro_derive(DomainEventOfFacade, attributes(event))]
pub fn domain_event_of_facade(input: TokenStream) -> TokenStream {
    event::derive(input, "::aether::event")
}

/// Implements `Command` for a type. The command is named after the type, or by `#[command(name = "…")]`.
#[proc_macro_derive(Command, attributes(command))]
pub fn command(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::COMMAND, "::aether_actor")
}

/// Implements `Command` for a type. The command is named after the type, or by `#[command(name = "…")]`.
#[proc_macro_derive(CommandOfFacade, attributes(command))]
pub fn command_of_facade(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::COMMAND, "::aether::actor")
}

/// Implements `Query` for a type. The query is named after the type, or by `#[query(name = "…")]`.
#[proc_macro_derive(Query, attributes(query))]
pub fn query(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::QUERY, "::aether_actor")
}

/// Implements `Query` for a type. The query is named after the type, or by `#[query(name = "…")]`.
#[proc_macro_derive(QueryOfFacade, attributes(query))]
pub fn query_of_facade(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::QUERY, "::aether::actor")
}

/// Implements `Effect` for a type. The effect is named after the type, or by `#[effect(name = "…")]`.
#[proc_macro_derive(Effect, attributes(effect))]
pub fn effect(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::EFFECT, "::aether_actor")
}

/// Implements `Effect` for a type. The effect is named after the type, or by `#[effect(name = "…")]`.
#[proc_macro_derive(EffectOfFacade, attributes(effect))]
pub fn effect_of_facade(input: TokenStream) -> TokenStream {
    named::derive(input, &Named::EFFECT, "::aether::actor")
}
