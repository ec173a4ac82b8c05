//! Folders of picture files: `train/CLASS/*` and `test/CLASS/*`.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use images::Preparation;
use rayon::prelude::*;

use crate::PIXELS;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::load::{Dataset, Event, Source, dataset_sha256, folder_name};

/// Fewer leave nothing to tell apart.
const MIN_CLASSES: usize = 2;
/// More than any alphabet has; a folder of more is most likely not one of classes.
const MAX_CLASSES: usize = 100;
/// Extensions of the files that are read. Everything else is skipped with a notice, as folders
/// collect notes and thumbnails; but what claims to be a picture must be one.
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "pgm", "pnm", "ppm", "pbm"];

/// Loads the pictures under `path`, each prepared by [`images::to_network`], in the order of the
/// classes and then of the files' names.
pub(crate) fn load(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    let (train_path, test_path) = (path.join("train"), path.join("test"));
    let classes = classes(&train_path)?;
    let test_classes = self::classes(&test_path)?;
    for (here, there, elsewhere) in
        [(&classes, &test_classes, &test_path), (&test_classes, &classes, &train_path)]
    {
        if let Some(class) = here.iter().find(|class| !there.contains(class)) {
            let reason = format!("class {class} is missing: training and test need the same ones");
            return Err(Error::Classes { path: elsewhere.clone(), reason });
        }
    }
    let train = examples(&train_path, &classes, on_event)?;
    let test = examples(&test_path, &classes, on_event)?;
    Ok(Dataset {
        name: folder_name(path),
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes,
        sha256: dataset_sha256(&train, &test),
        train,
        test,
    })
}

/// The names of the class folders: by number if all are numbers, else by alphabet.
fn classes(path: &Path) -> Result<Vec<String>> {
    let refuse = |reason: String| Err(Error::Classes { path: path.to_owned(), reason });
    let mut classes = Vec::new();
    for entry in entries(path)? {
        if entry.path().is_dir() {
            match entry.file_name().into_string() {
                Ok(name) => classes.push(name),
                Err(name) => return refuse(format!("{name:?} is not UTF-8: rename it")),
            }
        }
    }
    if !(MIN_CLASSES..=MAX_CLASSES).contains(&classes.len()) {
        return refuse(format!(
            "it has {} folders: make one a class, {MIN_CLASSES} to {MAX_CLASSES} of them",
            classes.len()
        ));
    }
    let numbers: Option<Vec<u64>> = classes.iter().map(|class| class.parse().ok()).collect();
    match numbers {
        Some(_) => classes.sort_by_cached_key(|class| (class.parse::<u64>().ok(), class.clone())),
        None => classes.sort(),
    }
    Ok(classes)
}

/// The prepared pictures of every class folder under `path`.
fn examples(
    path: &Path,
    classes: &[String],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Examples> {
    let mut files = Vec::new();
    let mut labels = Vec::new();
    for (label, class) in (0..).zip(classes) {
        let folder = path.join(class);
        let (pictures, others): (Vec<_>, Vec<_>) = entries(&folder)?
            .iter()
            .map(DirEntry::path)
            .partition(|path: &PathBuf| is_picture(path));
        if pictures.is_empty() {
            let reason = format!("it holds no picture: add some ({})", EXTENSIONS.join(", "));
            return Err(Error::Classes { path: folder, reason });
        }
        if let Some(first) = others.first() {
            let n = others.len();
            on_event(Event::Notice(&format!(
                "skipped {n} in {} that are no pictures, such as {}",
                folder.display(),
                first.display()
            )));
        }
        labels.resize(labels.len() + pictures.len(), label);
        files.extend(pictures);
    }
    let mut pixels = vec![0; files.len() * PIXELS];
    let results: Vec<Result<()>> = pixels
        .par_chunks_exact_mut(PIXELS)
        .zip(&files)
        .map(|(pixels, file)| {
            let grey = images::read(file)?;
            let prepared = images::to_network(&grey, Preparation::Auto);
            pixels.copy_from_slice(&prepared.map_err(|error| error.of(file))?);
            Ok(())
        })
        .collect();
    // The first error in the files' order, whichever thread met one first.
    results.into_iter().collect::<Result<()>>()?;
    Ok(Examples { pixels, labels })
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    path.is_file() && EXTENSIONS.iter().any(|&known| extension.as_deref() == Some(known.as_ref()))
}

/// What is in a folder and not hidden, by name.
fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{GrayImage, Luma};

    use super::*;

    /// A folder with two pictures a class and part; returns it and the path of one picture.
    fn folder(classes: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for part in ["train", "test"] {
            for (index, class) in classes.iter().enumerate() {
                let path = folder.path().join(part).join(class);
                std::fs::create_dir_all(&path).unwrap();
                let level = 100 + index as u8;
                let square =
                    |x, y| if x / 10 == 1 && y / 10 == 1 { Luma([0]) } else { Luma([255]) };
                GrayImage::from_pixel(28, 28, Luma([level])).save(path.join("b.pgm")).unwrap();
                GrayImage::from_fn(30, 30, square).save(path.join("a.PNG")).unwrap();
            }
        }
        let path = folder.path().join("test").join(classes[0]).join("b.pgm");
        (folder, path)
    }

    fn silent(path: &Path) -> Result<Dataset> {
        load(path, &mut |event| panic!("{event:?}"))
    }

    #[test]
    fn pictures_are_loaded_in_the_order_of_classes_and_names() {
        let (folder, _) = folder(&["10", "9", "2"]);
        let dataset = silent(folder.path()).unwrap();
        assert_eq!(dataset.classes, ["2", "9", "10"]);
        assert_eq!(dataset.train.labels, [0, 0, 1, 1, 2, 2]);
        // The network's size is taken as it is; the square is scaled, centred and inverted.
        assert_eq!(dataset.train.image(1), [102; PIXELS]);
        assert_eq!(dataset.train.image(3), [101; PIXELS]);
        let square = dataset.train.image(0);
        assert_eq!((square[0], square[14 * 28 + 14]), (0, 255));
        assert_eq!(dataset.train, dataset.test);
        assert_eq!(dataset.name, folder_name(folder.path()));
        assert_eq!(silent(folder.path()).unwrap(), dataset);
    }

    #[test]
    fn classes_that_are_not_all_numbers_are_sorted_by_alphabet() {
        let (folder, _) = folder(&["b", "10", "9"]);
        assert_eq!(silent(folder.path()).unwrap().classes, ["10", "9", "b"]);
    }

    #[test]
    fn hidden_files_are_skipped_silently_and_others_with_a_notice() {
        let (folder, picture) = folder(&["x", "y"]);
        std::fs::write(picture.with_file_name(".DS_Store"), b"junk").unwrap();
        std::fs::create_dir(folder.path().join("train/.git")).unwrap();
        assert_eq!(silent(folder.path()).unwrap().test.len(), 4);
        std::fs::write(picture.with_file_name("Thumbs.db"), b"junk").unwrap();
        let mut notices = Vec::new();
        let dataset = load(folder.path(), &mut |event| match event {
            Event::Notice(text) => notices.push(text.to_owned()),
            event => panic!("{event:?}"),
        });
        assert_eq!(dataset.unwrap().test.len(), 4);
        assert_eq!(notices.len(), 1);
        assert!(notices[0].contains("Thumbs.db"), "{notices:?}");
    }

    #[test]
    fn a_picture_that_is_none_is_an_error_that_names_it() {
        let (folder, picture) = folder(&["x", "y"]);
        let white = image::DynamicImage::from(GrayImage::from_pixel(30, 30, Luma([255])));
        let mut blank = std::io::Cursor::new(Vec::new());
        white.write_to(&mut blank, image::ImageFormat::Png).unwrap();
        for bytes in [b"not a picture".to_vec(), b"P5 30 30 255\n123".to_vec(), blank.into_inner()]
        {
            std::fs::write(&picture, bytes).unwrap();
            let error = silent(folder.path()).unwrap_err();
            assert!(matches!(error, Error::Picture(_)), "{error:?}");
            assert!(error.to_string().contains(picture.to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn classes_must_be_the_same_in_both_parts() {
        let (folder, _) = folder(&["x", "y", "z"]);
        std::fs::remove_dir_all(folder.path().join("test/z")).unwrap();
        let error = silent(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Classes { .. }), "{error:?}");
        let test = folder.path().join("test");
        assert!(error.to_string().contains(test.to_str().unwrap()), "{error}");
        assert!(error.to_string().contains("class z"), "{error}");
    }

    #[test]
    fn too_few_classes_empty_classes_and_missing_parts_are_refused() {
        let (one, _) = folder(&["x"]);
        assert!(matches!(silent(one.path()), Err(Error::Classes { .. })));

        let (empty, picture) = folder(&["x", "y"]);
        let class = picture.parent().unwrap();
        std::fs::remove_dir_all(class).unwrap();
        std::fs::create_dir(class).unwrap();
        let error = silent(empty.path()).unwrap_err();
        assert!(matches!(error, Error::Classes { .. }), "{error:?}");
        assert!(error.to_string().contains(class.to_str().unwrap()), "{error}");

        let (half, _) = folder(&["x", "y"]);
        std::fs::remove_dir_all(half.path().join("test")).unwrap();
        let error = silent(half.path()).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error:?}");
        assert!(error.to_string().contains("test"), "{error}");
    }
}
