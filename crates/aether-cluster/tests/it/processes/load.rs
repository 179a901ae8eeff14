//! [`Load`]: customers who place orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aether_cluster::ClusterClient;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::order::{Order, Place};
use super::world::until;

/// How many place orders at the same time.
const CUSTOMERS: usize = 6;
/// How often each of them does.
const EVERY: Duration = Duration::from_millis(100);
/// How many stocks there are.
const STOCKS: usize = 12;

/// Customers who place orders, each at its own pace, until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    placed: Arc<AtomicUsize>,
    customers: JoinSet<Vec<String>>,
}

impl Load {
    pub(crate) fn start(client: &ClusterClient) -> Self {
        let (stop, placed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut customers = JoinSet::new();
        for customer in 0..CUSTOMERS {
            let (client, stop, placed) = (client.clone(), Arc::clone(&stop), Arc::clone(&placed));
            customers.spawn(async move {
                let mut orders = Vec::new();
                let mut pace = tokio::time::interval(EVERY);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stop.load(Ordering::Relaxed) {
                    pace.tick().await;
                    let order = key(customer, orders.len());
                    client.actor::<Order>(&order).ask(place(orders.len())).await.unwrap();
                    orders.push(order);
                    placed.fetch_add(1, Ordering::Relaxed);
                }
                orders
            });
        }
        Self { stop, placed, customers }
    }

    /// Waits until so many more were placed.
    pub(crate) async fn more(&self, orders: usize) {
        let wanted = self.placed.load(Ordering::Relaxed) + orders;
        until("more orders are placed", async || {
            assert_eq!(self.customers.len(), CUSTOMERS, "somebody has given up");
            self.placed.load(Ordering::Relaxed) >= wanted
        })
        .await;
    }

    /// Ends it; the keys of all orders. Fails if one was not answered.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut orders = Vec::new();
        while let Some(placed) = self.customers.join_next().await {
            orders.extend(placed.unwrap());
        }
        orders
    }
}

/// The key of a customer's order.
pub(crate) fn key(customer: usize, number: usize) -> String {
    format!("{customer}-{number}")
}

/// The order of this number: from which stock, and when it is to be shipped.
pub(crate) fn place(number: usize) -> Place {
    let after = Duration::from_millis(100 + 50 * (number as u64 % 8));
    Place { stock: format!("{}", number % STOCKS), after }
}
