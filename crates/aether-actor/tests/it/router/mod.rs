//! Two systems over one store, joined by a router: actors are here or elsewhere, and nobody can tell.

mod clients;
mod commands;
mod evict;
mod gate;
mod here;
mod joined;
mod process;
mod queries;
