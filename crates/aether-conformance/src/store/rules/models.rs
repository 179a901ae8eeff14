//! Rules that run random operations against a model.

pub(crate) mod model {
    use crate::store::Fixture;
    use crate::store::model::{Actors, hold_against_the_model};

    pub(crate) async fn random_operations(fixture: &dyn Fixture) {
        hold_against_the_model(fixture, Actors::One).await;
    }

    pub(crate) async fn random_operations_over_several_actors(fixture: &dyn Fixture) {
        hold_against_the_model(fixture, Actors::Several).await;
    }
}

pub(crate) mod subscription_model {
    use crate::store::Fixture;
    use crate::store::model::{Actors, hold_subscriptions_against_the_model};

    pub(crate) async fn random_subscriptions(fixture: &dyn Fixture) {
        hold_subscriptions_against_the_model(fixture, Actors::One).await;
    }

    pub(crate) async fn random_subscriptions_over_several_actors(fixture: &dyn Fixture) {
        hold_subscriptions_against_the_model(fixture, Actors::Several).await;
    }
}
