//! Reports of small made-up runs, read back as a browser would read them.

#![allow(missing_docs, clippy::unwrap_used)]

mod page;
mod pictures;
mod sample;
