//! One file per command: its arguments, and the call of the library that does the work.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod info;
pub(crate) mod predict;
pub(crate) mod serve;
