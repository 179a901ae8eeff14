//! The same on a real server.
