//! Progress and warnings of loading, for a front end to show.

/// Progress and warnings of [`load`](crate::load).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A download makes progress.
    Downloading {
        /// Name of the file.
        file: &'a str,
        /// Bytes received so far, including those of an earlier attempt.
        received: u64,
        /// Length of the whole file in bytes, if the mirror states it.
        total: Option<u64>,
    },
    /// Images are being read; told where that takes longer than a moment, the last time with `done` equal to `total`.
    Reading {
        /// Images that have been read.
        done: usize,
        /// All images of the part.
        total: usize,
    },
    /// Something unusual that does not change the result, or that the user requested.
    Notice(&'a str),
    /// Something that changes what the results of a run mean. A front end must show it.
    Warning(&'a str),
}
