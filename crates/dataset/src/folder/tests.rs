//! Folders of image files: their order, their classes, and every way in which one can be invalid.

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
            let square = |x, y| if x / 10 == 1 && y / 10 == 1 { Luma([0]) } else { Luma([255]) };
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
    for bytes in [b"not an image".to_vec(), b"P5 30 30 255\n123".to_vec(), blank.into_inner()] {
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
