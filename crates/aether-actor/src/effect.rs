//! [`Effect`]: what is to be done in the world once a decision stands.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something to be done in the world because of a decision: a mail, a payment, a call. Derive it: `#[derive(Effect)]`.
///
/// A decision declares it ([`Decision::effect`](crate::Decision::effect)); it is saved with the events, and done by the
/// handler of its type once they stand: at least once, always with the same id, also after a crash.
pub trait Effect: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it is recorded: by default the name of the type.
    const NAME: &'static str;
}
