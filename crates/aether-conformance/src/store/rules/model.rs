//! Random operations through several handles, against a model.

use crate::store::Fixture;
use crate::store::model::{Actors, hold_against_the_model};

pub(crate) async fn random_operations(fixture: &dyn Fixture) {
    hold_against_the_model(fixture, Actors::One).await;
}

pub(crate) async fn random_operations_over_several_actors(fixture: &dyn Fixture) {
    hold_against_the_model(fixture, Actors::Several).await;
}
