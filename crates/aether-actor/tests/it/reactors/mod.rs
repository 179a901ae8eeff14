//! What follows the events on behalf of a system: process managers, timers, effects.

mod bank;
mod bell;
mod crashes;
mod effects;
mod faulty;
mod nats;
mod process;
mod timers;
mod transfer;
mod world;
