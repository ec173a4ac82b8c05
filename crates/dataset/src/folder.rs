//! Folders of image files: `train/CLASS/*` and `test/CLASS/*`.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;

use crate::dataset::{Dataset, folder_name, hash};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::source::Source;

/// Shape of every image once it is prepared as a digit.
const SHAPE: ImageShape = ImageShape::DIGIT;
/// A classifier needs two classes at least.
const MIN_CLASSES: usize = 2;
/// More letters than an alphabet has; a folder of more subfolders most likely does not hold classes.
const MAX_CLASSES: usize = 100;
/// Images in `train` or in `test`: prepared, these take 3 GB.
const MAX_IMAGES: usize = 4_000_000;
/// Extensions of the files that are read. Other files are skipped with a notice, since folders collect notes and
/// thumbnails; but a file with one of these extensions must be an image.
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "pgm", "pnm", "ppm", "pbm"];

/// Loads the images under `path`, each prepared by [`images::to_network`], in the order of the classes and then of the
/// files' names.
///
/// Memory: the prepared images, at most [`MAX_IMAGES`] a set, and one decoded image a thread, whose size `images`
/// limits.
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
        shape: SHAPE,
        sha256: hash(&train, &test),
        train,
        test,
    })
}

/// The names of the class folders: in numerical order if all are numbers, else in alphabetical order.
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
            "it has {} subfolders: make one for each class, {MIN_CLASSES} to {MAX_CLASSES} in all",
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

/// The prepared images of every class folder under `path`.
fn examples(
    path: &Path,
    classes: &[String],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Examples> {
    let mut files = Vec::new();
    let mut labels = Vec::new();
    for (label, class) in (0..).zip(classes) {
        let folder = path.join(class);
        let (images, others): (Vec<_>, Vec<_>) = entries(&folder)?
            .iter()
            .map(DirEntry::path)
            .partition(|path: &PathBuf| has_image_extension(path));
        if images.is_empty() {
            let reason = format!("it contains no images: add some ({})", EXTENSIONS.join(", "));
            return Err(Error::Classes { path: folder, reason });
        }
        if let Some(first) = others.first() {
            let n = others.len();
            on_event(Event::Notice(&format!(
                "skipped {n} entries of {} that are not images, such as {}",
                folder.display(),
                first.display()
            )));
        }
        labels.resize(labels.len() + images.len(), label);
        files.extend(images);
        check_count(path, files.len())?;
    }
    let mut pixels = vec![0; files.len() * SHAPE.size()];
    let results: Vec<Result<()>> = pixels
        .par_chunks_exact_mut(SHAPE.size())
        .zip(&files)
        .map(|(pixels, file)| {
            let grey = images::read(file)?;
            let prepared = images::to_network(&grey, Preparation::Auto);
            pixels.copy_from_slice(&prepared.map_err(|error| error.of(file))?);
            Ok(())
        })
        .collect();
    // The first error in the order of the files, for any number of threads.
    results.into_iter().collect::<Result<()>>()?;
    Ok(Examples { shape: SHAPE, pixels, labels })
}

/// Refuses more than [`MAX_IMAGES`] images, before any is read.
fn check_count(path: &Path, n: usize) -> Result<()> {
    if n <= MAX_IMAGES {
        return Ok(());
    }
    let reason = format!("it contains more than {MAX_IMAGES} images: remove some");
    Err(Error::Classes { path: path.to_owned(), reason })
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    path.is_file() && EXTENSIONS.iter().any(|&known| extension.as_deref() == Some(known.as_ref()))
}

/// The entries of a folder that are not hidden, sorted by name.
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

    /// A folder with two images a class in `train` and in `test`; returns it and the path of one image.
    fn folder(classes: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for set in ["train", "test"] {
            for (index, class) in classes.iter().enumerate() {
                let path = folder.path().join(set).join(class);
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
    fn images_are_loaded_in_the_order_of_classes_and_names() {
        let (folder, _) = folder(&["10", "9", "2"]);
        let dataset = silent(folder.path()).unwrap();
        assert_eq!(dataset.classes, ["2", "9", "10"]);
        assert_eq!(dataset.train.labels, [0, 0, 1, 1, 2, 2]);
        // An image of 28x28 is unchanged; the square is scaled, centred and inverted.
        assert_eq!(dataset.train.image(1), [102; 784]);
        assert_eq!(dataset.train.image(3), [101; 784]);
        let square = dataset.train.image(0);
        assert_eq!((square[0], square[14 * 28 + 14]), (0, 255));
        assert_eq!(dataset.train, dataset.test);
        assert_eq!(dataset.name, folder_name(folder.path()));
        assert_eq!(silent(folder.path()).unwrap(), dataset);
    }

    #[test]
    fn classes_that_are_not_all_numbers_are_sorted_alphabetically() {
        let (folder, _) = folder(&["b", "10", "9"]);
        assert_eq!(silent(folder.path()).unwrap().classes, ["10", "9", "b"]);
    }

    #[test]
    fn hidden_files_are_skipped_silently_and_others_with_a_notice() {
        let (folder, image) = folder(&["x", "y"]);
        std::fs::write(image.with_file_name(".DS_Store"), b"junk").unwrap();
        std::fs::create_dir(folder.path().join("train/.git")).unwrap();
        assert_eq!(silent(folder.path()).unwrap().test.len(), 4);
        std::fs::write(image.with_file_name("Thumbs.db"), b"junk").unwrap();
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
    fn an_invalid_image_is_an_error_that_names_it() {
        let (folder, image) = folder(&["x", "y"]);
        let white = image::DynamicImage::from(GrayImage::from_pixel(30, 30, Luma([255])));
        let mut blank = std::io::Cursor::new(Vec::new());
        white.write_to(&mut blank, image::ImageFormat::Png).unwrap();
        for bytes in [b"not an image".to_vec(), b"P5 30 30 255\n123".to_vec(), blank.into_inner()]
        {
            std::fs::write(&image, bytes).unwrap();
            let error = silent(folder.path()).unwrap_err();
            assert!(matches!(error, Error::Image(_)), "{error:?}");
            assert!(error.to_string().contains(image.to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn training_and_test_must_have_the_same_classes() {
        let (folder, _) = folder(&["x", "y", "z"]);
        std::fs::remove_dir_all(folder.path().join("test/z")).unwrap();
        let error = silent(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Classes { .. }), "{error:?}");
        let test = folder.path().join("test");
        assert!(error.to_string().contains(test.to_str().unwrap()), "{error}");
        assert!(error.to_string().contains("class z"), "{error}");
    }

    #[test]
    fn too_few_classes_empty_classes_and_missing_folders_are_refused() {
        let (one, _) = folder(&["x"]);
        assert!(matches!(silent(one.path()), Err(Error::Classes { .. })));

        let (empty, image) = folder(&["x", "y"]);
        let class = image.parent().unwrap();
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

    #[test]
    fn too_many_images_are_refused_before_any_is_read() {
        assert!(check_count(Path::new("/data/train"), MAX_IMAGES).is_ok());
        let error = check_count(Path::new("/data/train"), MAX_IMAGES + 1).unwrap_err();
        assert!(error.to_string().contains("/data/train"), "{error}");
        assert!(error.to_string().contains("4000000"), "{error}");
    }
}
