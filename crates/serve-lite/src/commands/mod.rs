//! One file a command: its arguments, and the call that does the work.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod info;
pub(crate) mod predict;
pub(crate) mod serve;
