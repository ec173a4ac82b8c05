//! Folders of image files: their order, their classes, and every way in which one can be invalid.

#![allow(clippy::unwrap_used)]

use image::{GrayImage, Luma};

use images::{ImageShape, Preparation};
use run::{DataSettings, Prepare};

use crate::dataset::{Dataset, folder_name};
use crate::{Error, Event, LoadOptions, Result};
use std::path::{Path, PathBuf};

/// A folder with two images a class in `train` and in `test`; returns it and the path of one image.
fn folder(classes: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for set in ["train", "test"] {
        for (index, class) in classes.iter().enumerate() {
            let path = folder.path().join(set).join(class);
            std::fs::create_dir_all(&path).unwrap();
            let level = 100 + index as u8;
            let square = |x, y| if x / 10 == 1 && y / 10 == 1 { Luma([0]) } else { Luma([255]) };
            GrayImage::from_pixel(28, 28, Luma([level])).save(path.join("b.pgm")).unwrap();
            GrayImage::from_fn(30, 30, square).save(path.join("a.PNG")).unwrap();
        }
    }
    let path = folder.path().join("test").join(classes[0]).join("b.pgm");
    (folder, path)
}

/// As they are, in 28x28 grey levels.
fn stretch() -> DataSettings {
    let data = run::Config::default().data;
    let size = "28".parse().unwrap();
    DataSettings { prepare: Prepare::Stretch, size, color: run::Color::Gray, ..data }
}

/// Loads a folder with an empty cache.
fn load(
    path: &Path,
    settings: &DataSettings,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let settings = DataSettings { data: path.display().to_string(), ..settings.clone() };
    let options = LoadOptions { cache: path.join(".cache"), kiln_data: None, offline: true };
    crate::load(&settings, &options, &mut |event| match event {
        Event::Reading { .. } => {}
        event => on_event(event),
    })
}

fn silent(path: &Path) -> Result<Dataset> {
    load(path, &stretch(), &mut |event| panic!("{event:?}"))
}

/// The data set, and the notices of loading it.
fn noticed(path: &Path) -> (Dataset, Vec<String>) {
    let mut notices = Vec::new();
    let dataset = load(path, &stretch(), &mut |event| match event {
        Event::Notice(text) => notices.push(text.to_owned()),
        event => panic!("{event:?}"),
    });
    (dataset.unwrap(), notices)
}

#[test]
fn images_are_loaded_in_the_order_of_classes_and_names() {
    let (folder, _) = folder(&["10", "9", "2"]);
    let dataset = silent(folder.path()).unwrap();
    assert_eq!(dataset.classes, ["2", "9", "10"]);
    assert_eq!(dataset.train.labels, [0, 0, 1, 1, 2, 2]);
    // An image of 28x28 is unchanged; the square is scaled.
    assert_eq!(dataset.train.image(1), [102; 784]);
    assert_eq!(dataset.train.image(3), [101; 784]);
    let square = dataset.train.image(0);
    assert_eq!((square[0], square[14 * 28 + 14]), (255, 0));
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
    std::fs::create_dir(folder.path().join("train/__MACOSX")).unwrap();
    std::fs::write(image.with_file_name("notes"), b"BMW").unwrap();
    let (dataset, notices) = noticed(folder.path());
    assert_eq!(dataset.test.len(), 4);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("2 files that are no images"), "{notices:?}");
    assert!(notices[0].contains("Thumbs.db"), "{notices:?}");
}

#[test]
fn a_telephones_image_is_an_error_with_any_name() {
    for (name, brand) in [("photo.heic", "heic"), ("photo", "heic"), ("photo", "avif")] {
        let (folder, image) = folder(&["x", "y"]);
        let photo = [b"\0\0\0\x18ftyp", brand.as_bytes(), &[0; 20]].concat();
        std::fs::write(image.with_file_name(name), photo).unwrap();
        let error = silent(folder.path()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("convert"), "{error}");
    }
}

#[test]
fn images_are_known_by_their_content_and_found_in_nested_folders() {
    let (folder, image) = folder(&["x", "y"]);
    let class = image.parent().unwrap();
    let nested = class.join("2024/june");
    std::fs::create_dir_all(&nested).unwrap();
    let square = |x, y| if x / 10 == 1 && y / 10 == 1 { Luma([0u8]) } else { Luma([255]) };
    let drawn = GrayImage::from_fn(30, 30, square);
    for (name, format) in [
        ("scan.bmp", image::ImageFormat::Bmp),
        ("scan", image::ImageFormat::Bmp),
        ("photo.jfif", image::ImageFormat::Jpeg),
        ("photo.jpe", image::ImageFormat::Jpeg),
        ("image.dat", image::ImageFormat::Png),
    ] {
        drawn.save_with_format(nested.join(name), format).unwrap();
    }
    let dataset = silent(folder.path()).unwrap();
    assert_eq!(dataset.test.labels, [0, 0, 0, 0, 0, 0, 0, 1, 1]);
    assert_eq!(dataset.test.image(4), dataset.test.image(5), "scan.bmp and a.PNG");
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_not_followed_and_pipes_not_opened() {
    let (folder, image) = folder(&["x", "y"]);
    let whole = silent(folder.path()).unwrap();
    std::os::unix::fs::symlink("..", image.with_file_name("up")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(image.with_file_name("pipe.png")).status();
    assert!(pipe.unwrap().success());
    let (dataset, notices) = noticed(folder.path());
    assert_eq!(dataset, whole);
    assert!(notices[0].starts_with("skipped 2 files"), "{notices:?}");
}

#[test]
fn every_invalid_image_is_named_in_one_error() {
    let (folder, image) = folder(&["x", "y"]);
    let cut = image.with_file_name("cut.jpg");
    let gif = image.with_file_name("drawing.gif");
    std::fs::write(&image, b"P5 30 30 255\n123").unwrap();
    std::fs::write(&cut, b"not an image").unwrap();
    std::fs::write(&gif, b"GIF89a").unwrap();
    let error = silent(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Images { n: 3, .. }), "{error:?}");
    for path in [&image, &cut, &gif] {
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    assert!(error.to_string().contains("truncated"), "{error}");
}

#[test]
fn digits_are_found_and_blank_images_left_out_and_counted() {
    let (folder, image) = folder(&["3", "7"]);
    let load = |prepare: Prepare| {
        let settings = DataSettings { prepare, ..run::Config::default().data };
        let mut notices = Vec::new();
        let dataset = load(folder.path(), &settings, &mut |event| match event {
            Event::Notice(text) => notices.push(text.to_owned()),
            event => panic!("{event:?}"),
        });
        (dataset, notices)
    };
    // Classes that are digits are prepared as digits: the square is inverted, and the grey images are blank.
    let (dataset, notices) = load(Prepare::Auto);
    let dataset = dataset.unwrap();
    assert_eq!((dataset.preparation, dataset.train.len()), (Preparation::Digit, 2));
    let square = dataset.train.image(0);
    assert_eq!((square[0], square[14 * 28 + 14]), (0, 255));
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("4 files without contrast"), "{notices:?}");
    assert!(notices[0].contains(image.to_str().unwrap()), "{notices:?}");
    assert_eq!(load(Prepare::Stretch).0.unwrap().train.len(), 4);
    // A class of blank images alone has none.
    std::fs::remove_file(image.with_file_name("a.PNG")).unwrap();
    let error = load(Prepare::Digit).0.unwrap_err();
    assert!(
        matches!(&error, Error::Classes { path, .. } if *path == image.parent().unwrap()),
        "{error}"
    );
}

#[test]
fn colours_are_kept_unless_grey_levels_are_asked_for() {
    let (folder, _) = folder(&["x", "y"]);
    let image = folder.path().join("train/x/red.png");
    let red = |x, y| {
        if x / 10 == 1 && y / 10 == 1 { image::Rgb([220, 0, 0]) } else { image::Rgb([255; 3]) }
    };
    image::RgbImage::from_fn(30, 30, red).save(image).unwrap();
    let (_, notices) = noticed(folder.path());
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].starts_with("1 of 5 images") && notices[0].contains("brightness"),
        "{notices:?}"
    );
    let auto = run::Config::default().data;
    let dataset = load(folder.path(), &auto, &mut |_| ()).unwrap();
    assert_eq!(dataset.shape, ImageShape { channels: 3, height: 32, width: 32 });
    let red =
        (0..dataset.train.len()).map(|index| dataset.train.image(index)[15 * 32 + 15..].to_vec());
    let red = red.filter(|rest| rest[0] > 200 && rest[1024] < 20 && rest[2048] < 20);
    assert_eq!(red.count(), 1);
}

#[test]
fn names_are_the_same_in_any_unicode_form_and_have_no_control_characters() {
    let (folder, _) = folder(&["caf\u{e9}", "y"]);
    let test = folder.path().join("test");
    std::fs::rename(test.join("caf\u{e9}"), test.join("cafe\u{301}")).unwrap();
    let dataset = silent(folder.path()).unwrap();
    assert_eq!(dataset.classes, ["caf\u{e9}", "y"]);
    assert_eq!(dataset.test.labels, [0, 0, 1, 1]);
    std::fs::rename(test.join("y"), test.join("y\tz")).unwrap();
    let error = silent(folder.path()).unwrap_err();
    assert!(error.to_string().contains("y\\tz") && error.to_string().contains("rename"), "{error}");
    std::fs::rename(test.join("y\tz"), test.join("y\u{202e}z")).unwrap();
    let error = silent(folder.path()).unwrap_err().to_string();
    assert!(error.contains("y\\u{202e}z") && error.contains("direction"), "{error}");
}

#[test]
fn a_folder_of_validation_images_is_used() {
    let (folder, _) = folder(&["x", "y"]);
    let val = folder.path().join("Val");
    std::fs::create_dir_all(val.join("y")).unwrap();
    GrayImage::from_pixel(28, 28, Luma([9])).save(val.join("y/1.png")).unwrap();
    let (dataset, notices) = noticed(folder.path());
    assert_eq!((dataset.train.len(), dataset.n_val), (5, 1));
    assert!(notices[0].contains("validation uses these"), "{notices:?}");
    let settings = run::Config::default().data;
    let silent = &mut |event: Event<'_>| panic!("{event:?}");
    let (split, test) = dataset.parts(&settings, silent).unwrap();
    assert_eq!((split.train, split.val, test), (vec![0, 1, 2, 3], vec![4], vec![0, 1, 2, 3]));
    let all = run::DataSettings { val_fraction: 0.0, ..settings };
    let (split, _) = dataset.parts(&all, silent).unwrap();
    assert_eq!((split.train.len(), split.val.len()), (5, 0));

    std::fs::remove_dir_all(folder.path().join("test")).unwrap();
    let error = load(folder.path(), &stretch(), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("rename it to test"), "{error}");
}

#[test]
fn a_limit_draws_from_every_class_and_missing_classes_are_warned_of() {
    let (folder, _) = folder(&["a", "b", "c", "d", "e", "f"]);
    let dataset = silent(folder.path()).unwrap();
    let settings = run::DataSettings { limit: 4, val_fraction: 0.0, ..run::Config::default().data };
    let mut warnings = Vec::new();
    let mut listen = |event: Event<'_>| match event {
        Event::Warning(text) => warnings.push(text.to_owned()),
        event => panic!("{event:?}"),
    };
    let (split, test) = dataset.parts(&settings, &mut listen).unwrap();
    assert_eq!((split.train.len(), test.len()), (4, 4));
    let classes = |labels: &[u16], indices: &[u32]| {
        let mut classes: Vec<_> = indices.iter().map(|&i| labels[i as usize]).collect();
        classes.sort_unstable();
        classes.dedup();
        classes.len()
    };
    // The first four images are of two classes.
    assert!(classes(&dataset.test.labels, &test) > 2, "{test:?}");
    let missing = 6 - classes(&dataset.train.labels, &split.train);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with(&format!("{missing} of 6 classes")), "{warnings:?}");
    assert!(warnings[0].contains("no training images") && warnings[1].contains("no test images"));
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
    assert!(matches!(error, Error::Part { .. }), "{error:?}");
    assert!(error.to_string().contains("test"), "{error}");
}
