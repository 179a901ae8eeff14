//! Every check of the workspace, by one command.
fn main() {}
