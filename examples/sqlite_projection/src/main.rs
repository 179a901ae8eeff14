//! A projection into a database of your own: views and checkpoint in one transaction, so that each event is in the views
//! once, wherever the process dies.
//!
//! ```sh
//! cargo run -p sqlite_projection -- totals.db
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod orders;
#[cfg(test)]
mod tests;
mod totals;

use std::sync::Arc;
use std::time::Duration;

use aether::coordination::MemoryCoordination;
use aether::projection::Projector;
use anyhow::Result;

use crate::totals::Totals;

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args().nth(1);
    let totals = Totals::open(path.as_deref().unwrap_or(":memory:"))?;
    // The store is made anew with the same events each time, as if it had always been there.
    let (store, last) = orders::store(1_000).await?;

    let projector = Projector::builder(Arc::new(store), Arc::new(MemoryCoordination::new()), totals.clone());
    let projector = projector.run().await?;
    projector.wait_for(last, Duration::from_secs(30)).await?;
    projector.stop().await?;

    println!(
        "{} events applied by this run; run it again on the same file, and it will be none",
        totals.applied()
    );
    for total in totals.all()? {
        println!("{:<6} {:>4} orders {:>9.2}", total.customer, total.orders, f64::from(total.cents) / 100.0);
    }
    Ok(())
}
