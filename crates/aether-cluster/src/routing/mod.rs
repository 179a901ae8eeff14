//! How commands get to the node that acts for their actor.
