//! EMNIST's particulars: images stored column by column, and names of classes in a file beside the images.
//!
//! Cohen, Afshar, Tapson and van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017. The files are
//! called `emnist-letters-train-images-idx3-ubyte.gz` and so on; `emnist-letters-mapping.txt` has a line a label: the
//! label, then the character codes that it stands for.

use std::path::Path;

use crate::examples::Examples;

/// What the names of EMNIST's files begin with.
const PREFIX: &str = "emnist-";

/// Whether files with this prefix are EMNIST's.
pub(crate) fn is_emnist(prefix: &str) -> bool {
    prefix.starts_with(PREFIX)
}

/// Turns images that are stored column by column into rows.
pub(crate) fn transpose(examples: &mut Examples) {
    let (width, size) = (examples.shape.width, examples.shape.size());
    for image in examples.pixels.chunks_exact_mut(size) {
        for row in 0..width {
            for column in 0..row {
                image.swap(row * width + column, column * width + row);
            }
        }
    }
}

/// The character that `label` stands for by the mapping beside the files; `None` without a sound one.
pub(crate) fn character(folder: &Path, prefix: &str, label: u8) -> Option<String> {
    let path = folder.join(format!("{prefix}mapping.txt"));
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        (numbers.next()?.ok()? == u32::from(label)).then(|| numbers.next())?
    });
    let character = char::from_u32(line?.ok()?)?;
    (!character.is_control()).then(|| character.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use images::ImageShape;

    use super::*;

    #[test]
    fn columns_become_rows() {
        let shape = ImageShape { channels: 1, height: 3, width: 3 };
        let mut examples = Examples { shape, pixels: (0..18).collect(), labels: vec![0, 1] };
        transpose(&mut examples);
        let expected = [0, 3, 6, 1, 4, 7, 2, 5, 8, 9, 12, 15, 10, 13, 16, 11, 14, 17];
        assert_eq!(examples.pixels, expected);
    }

    #[test]
    fn a_mapping_names_the_labels() {
        let folder = tempfile::tempdir().unwrap();
        let name = |label| character(folder.path(), "emnist-letters-", label);
        assert_eq!(name(1), None);
        let mapping = folder.path().join("emnist-letters-mapping.txt");
        std::fs::write(mapping, "1 65 97\n26 90 122\n3 9\n4 x\n").unwrap();
        assert_eq!([name(1), name(26)], [Some("A".to_owned()), Some("Z".to_owned())]);
        assert_eq!([name(2), name(3), name(4)], [None, None, None]);
    }
}
