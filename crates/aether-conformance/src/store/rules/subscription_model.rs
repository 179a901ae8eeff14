//! Random saves and subscriptions, against a model.

use crate::store::Fixture;
use crate::store::model::{Actors, hold_subscriptions_against_the_model};

pub(crate) async fn random_subscriptions(fixture: &dyn Fixture) {
    hold_subscriptions_against_the_model(fixture, Actors::One).await;
}

pub(crate) async fn random_subscriptions_over_several_actors(fixture: &dyn Fixture) {
    hold_subscriptions_against_the_model(fixture, Actors::Several).await;
}
