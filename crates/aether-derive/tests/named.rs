//! Commands, queries and effects have stable names.

/// Stands for `aether-actor`, which is above this crate.
mod actor {
    pub(crate) trait Command {
        const NAME: &'static str;
    }
    pub(crate) trait Query {
        const NAME: &'static str;
    }
    pub(crate) trait Effect {
        const NAME: &'static str;
    }
}

use actor::{Command as _, Effect as _, Query as _};
use aether_derive::{Command, Effect, Query};

#[derive(Command)]
#[command(crate = crate::actor)]
struct Withdraw;

#[derive(Query)]
#[query(name = "bank.Balance", crate = crate::actor)]
enum Balance {}

#[derive(Effect)]
#[effect(crate = crate::actor)]
struct SendLetter;

#[test]
fn the_name_is_that_of_the_type_or_what_is_said() {
    assert_eq!(Withdraw::NAME, "Withdraw");
    assert_eq!(Balance::NAME, "bank.Balance");
    assert_eq!(SendLetter::NAME, "SendLetter");
}
