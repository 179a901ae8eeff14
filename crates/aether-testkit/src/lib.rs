//! aether-testkit
