//! A load that knows what each answer must be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aether_actor::AskError;
use tokio::task::JoinSet;

use crate::account::{AccountError, Deposit, Withdraw};
use crate::world::{TestClient, World};

/// Callers, each with an account of its own, so that each knows what the next answer must be.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<(usize, u64, u64)>,
}

impl Load {
    pub(crate) fn start(client: &TestClient, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for key in 0..callers {
            let (stop, account) = (Arc::clone(&stop), client.account(key));
            running.spawn(async move {
                let (mut balance, mut asked) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let deposited = account.ask(Deposit { cents: 3 }).await.unwrap();
                    balance += 3;
                    assert_eq!(deposited, balance, "{key}: lost, or executed twice");
                    let refused = account.ask(Withdraw { cents: balance + 1 }).await.unwrap_err();
                    let AskError::Refused(AccountError::Overdrawn { by: 1 }) = refused else {
                        panic!("{key}: {refused:?}");
                    };
                    let withdrawn = account.ask(Withdraw { cents: 1 }).await.unwrap();
                    balance -= 1;
                    assert_eq!(withdrawn, balance, "{key}: lost, or executed twice");
                    asked += 3;
                }
                (key, balance, asked)
            });
        }
        Self { stop, callers: running }
    }

    /// Stops it, and compares what was answered with the log. How many commands were answered.
    pub(crate) async fn stop(self, world: &World) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut commands = 0;
        for (key, balance, asked) in self.callers.join_all().await {
            assert_eq!(world.balance(key).await, balance, "{key}: the log says something else");
            commands += asked;
        }
        commands
    }
}
