//! Boards as text: forms that are pleasant to write by hand, in any format.

mod board;
mod entries;
mod forms;
mod notes;
