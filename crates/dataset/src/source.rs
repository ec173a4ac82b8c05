//! Where the images come from.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder named by `KILN_DATA`, if it is set; else MNIST from the cache or a mirror; else synthetic digits,
    /// with a warning.
    Auto,
    /// MNIST from the cache, or from a mirror.
    Mnist,
    /// Digits that kiln draws itself.
    Synthetic,
    /// A folder with MNIST's four files, or with images in `train/CLASS/` and `test/CLASS/`.
    Directory(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    /// `auto`, `mnist` or `synthetic`, else a folder. A folder with one of these names is written `./mnist`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "mnist" => Self::Mnist,
            "synthetic" => Self::Synthetic,
            folder => Self::Directory(folder.into()),
        })
    }
}

impl Display for Source {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Mnist => formatter.write_str("mnist"),
            Self::Synthetic => formatter.write_str("synthetic"),
            Self::Directory(path) => path.display().fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_parsed_as_they_are_printed() {
        for text in ["auto", "mnist", "synthetic", "./mnist", "/data/my digits"] {
            assert_eq!(
                text.parse::<Source>().map(|source| source.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("auto".parse(), Ok(Source::Auto));
        assert_eq!("./mnist".parse(), Ok(Source::Directory("./mnist".into())));
    }
}
