//! Something that one node at most does at a time.
