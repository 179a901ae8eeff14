//! The derive is forgotten.

use aether_event::encode;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum AccountEvent {
    Opened,
}

fn main() {
    let _ = encode(&AccountEvent::Opened);
}
