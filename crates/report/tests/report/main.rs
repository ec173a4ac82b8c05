//! Reports of small made-up runs, read back as a browser would read them.

#![allow(missing_docs, clippy::print_stderr, clippy::unwrap_used)]

mod comparison;
mod images;
mod learned;
mod live;
mod page;
mod plots;
mod sample;
mod scripts;
mod study;
