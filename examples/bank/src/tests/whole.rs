//! The whole bank, in memory.

use std::sync::Arc;
use std::time::Duration;

use aether::actor::AskError;
use tokio::time::Instant;

use crate::account::{Account, AccountError};
use crate::audit::Books;
use crate::commands::{Balance, Deposit, Freeze, Open, RequestTransfer, Withdraw};
use crate::faults::Faults;
use crate::outcomes::Counts;
use crate::simulate;
use crate::views::Views;
use crate::world::World;

#[tokio::test]
async fn the_books_balance_after_many_transfers() {
    let world = World::memory();
    let report = simulate(&world, 5, 100, 16, Faults::none()).await.unwrap();
    assert_eq!(report.complaints(), Vec::<String>::new(), "{}", report.text());
    assert_eq!(report.outcomes.ended(), 100);
    // The bank goes on where it stood.
    let report = simulate(&world, 5, 50, 16, Faults::none()).await.unwrap();
    assert_eq!(report.complaints(), Vec::<String>::new(), "{}", report.text());
    assert_eq!((report.outcomes.ended(), report.books.paid_in), (150, 50000));
}

#[tokio::test]
async fn money_that_cannot_be_given_comes_back() {
    let world = World::memory();
    let views = Views::open(&world.store).await.unwrap();
    let system = world.start().await.unwrap();
    let (ada, bob) = (system.actor::<Account>("ada"), system.actor::<Account>("bob"));
    for account in [&ada, &bob] {
        account.ask(Open { owner: "somebody".into() }).await.unwrap();
        account.ask(Deposit { cents: 1000 }).await.unwrap();
    }
    let overdrawn = ada.ask(Withdraw { cents: 1001 }).await;
    assert_eq!(overdrawn, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));

    bob.ask(Freeze { seconds: 1 }).await.unwrap();
    for cents in [300, 2000] {
        ada.ask(RequestTransfer { to: "bob".into(), cents }).await.unwrap();
    }
    views.settled(2).await.unwrap();
    assert_eq!(views.outcomes(), Counts { started: 2, completed: 0, refused: 1, returned: 1 });

    // The timer has unfrozen it.
    ada.ask(RequestTransfer { to: "bob".into(), cents: 300 }).await.unwrap();
    views.settled(3).await.unwrap();
    let balances = (ada.query(Balance).linearizable().await, bob.query(Balance).linearizable().await);
    assert_eq!((balances.0.unwrap(), balances.1.unwrap()), (700, 1300));
    assert_eq!(Books::read(&*world.store).await.unwrap().complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bank_that_stops_in_between_goes_on() {
    let world = World::memory();
    let system = world.start().await.unwrap();
    for name in ["ada", "bob"] {
        let account = system.actor::<Account>(name);
        account.ask(Open { owner: name.into() }).await.unwrap();
        account.ask(Deposit { cents: 10000 }).await.unwrap();
    }
    let ada = system.actor::<Account>("ada");
    for _ in 0..20 {
        ada.ask(RequestTransfer { to: "bob".into(), cents: 100 }).await.unwrap();
    }
    // Without a shutdown: whatever has been begun stays where it is.
    drop((ada, system));
    let views = Views::open(&world.store).await.unwrap();
    let system = world.start().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while views.outcomes().completed < 20 {
        assert!(Instant::now() < deadline, "{:?}", views.outcomes());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(Books::read(&*Arc::clone(&world.store)).await.unwrap().complaints(), Vec::<String>::new());
    drop(system);
}
