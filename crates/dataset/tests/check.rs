//! `check` finds every fault that is planted in a folder, and none where there is none.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use dataset::{Check, LoadOptions, Named, check};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Rgb, RgbImage};
use run::DataSettings;

/// A scene that differs with `number`, in colours.
fn scene(number: u32) -> RgbImage {
    let wave = |x: f64, y: f64, k: u32| {
        let phase = f64::from(number * 37 + k * 11);
        let frequency = f64::from(2 + (number * 7 + k * 3) % 9);
        (x * frequency + phase).sin() * (y * f64::from(3 + (number + k) % 5) + phase * 0.7).cos()
    };
    RgbImage::from_fn(96, 80, |x, y| {
        let (x, y) = (f64::from(x) / 30.0, f64::from(y) / 30.0);
        let level = 128.0 + 30.0 * (wave(x, y, 0) + wave(y, x, 1) + wave(x + y, y, 2));
        Rgb([level, level * 0.7, 255.0 - level].map(|level| level.clamp(0.0, 255.0) as u8))
    })
}

/// A folder with `n` scenes a class and part, all different.
fn clean(parts: &[(&str, u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for (part, n) in parts {
        for class in ["a", "b"] {
            let path = folder.path().join(part).join(class);
            std::fs::create_dir_all(&path).unwrap();
            for index in 0..*n {
                scene(number).save(path.join(format!("{index}.png"))).unwrap();
                number += 1;
            }
        }
    }
    folder
}

fn checked(data: &Path) -> Check {
    let settings = DataSettings { data: data.display().to_string(), ..run::Config::default().data };
    let options =
        LoadOptions { cache: Path::new("unused").to_owned(), kiln_data: None, offline: true };
    check(&settings, &options, &mut |_| ()).unwrap()
}

fn paths(group: &[Named]) -> Vec<&str> {
    group.iter().map(|named| named.path.as_str()).collect()
}

#[test]
fn a_sound_folder_has_no_faults() {
    let found = checked(clean(&[("train", 12), ("test", 4)]).path());
    assert_eq!(found.n_faults(), 0, "{found:?}");
    assert_eq!((found.n_images, found.n_near_duplicates), (32, 0));
    assert_eq!(found.sizes, [("96x80".to_owned(), 32)]);
    assert_eq!(found.modes, [("colour".to_owned(), 32)]);
    assert_eq!(found.shape.dimensions(), [3, 80, 96]);
    assert_eq!(found.imbalance, None);
    let counts: Vec<_> = found.classes.iter().map(|class| (class.train, class.test)).collect();
    assert_eq!(counts, [(12, 4), (12, 4)]);
}

#[test]
fn every_planted_fault_is_found() {
    let folder = clean(&[("train", 12), ("test", 4)]);
    let path = |name: &str| folder.path().join(name);
    // Unreadable, each in another way.
    std::fs::write(path("train/a/cut.jpg"), b"\xff\xd8\xff\xe0").unwrap();
    std::fs::write(path("test/b/text.png"), b"no image").unwrap();
    // The same image again: in the same class, in the test, in another class, and as another file format.
    std::fs::copy(path("train/a/0.png"), path("train/a/again.png")).unwrap();
    std::fs::copy(path("train/a/1.png"), path("test/a/leak.png")).unwrap();
    scene(2).save(path("test/b/relabelled.bmp")).unwrap();
    // The same scene, not equal: compressed, scaled, darker, mirrored. The last is another image.
    let original = image::open(path("train/a/3.png")).unwrap();
    let jpeg = std::fs::File::create(path("test/a/compressed.jpg")).unwrap();
    original.write_with_encoder(JpegEncoder::new_with_quality(jpeg, 80)).unwrap();
    let original = image::open(path("train/a/4.png")).unwrap();
    let filter = image::imageops::FilterType::Triangle;
    original.resize_exact(70, 58, filter).save(path("train/a/small.png")).unwrap();
    let original = image::open(path("train/a/5.png")).unwrap();
    original.brighten(-9).save(path("test/b/darker.png")).unwrap();
    image::open(path("train/a/6.png")).unwrap().fliph().save(path("train/a/flip.png")).unwrap();
    // A grey one.
    DynamicImage::ImageRgb8(scene(99)).to_luma8().save(path("train/a/grey.png")).unwrap();

    let found = checked(folder.path());
    let unreadable: Vec<&str> = found.unreadable.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(unreadable, ["train/a/cut.jpg", "test/b/text.png"]);
    assert!(found.unreadable[0].reason.contains("truncated"), "{:?}", found.unreadable);
    assert!(found.unreadable[1].reason.contains("not a PNG"), "{:?}", found.unreadable);
    let contradictions: Vec<_> = found.contradictions.iter().map(|group| paths(group)).collect();
    assert_eq!(contradictions, [["train/a/2.png", "test/b/relabelled.bmp"]]);
    assert_eq!(found.contradictions[0][1].label, "b");
    let duplicates: Vec<_> = found.duplicates.iter().map(|group| paths(group)).collect();
    let expected = [["train/a/1.png", "test/a/leak.png"], ["train/a/0.png", "train/a/again.png"]];
    assert_eq!(duplicates, expected, "those in different parts come first");
    let near: Vec<_> = found.near_duplicates.iter().map(|pair| paths(pair)).collect();
    let expected = [
        ["train/a/5.png", "test/b/darker.png"],
        ["train/a/3.png", "test/a/compressed.jpg"],
        ["train/a/4.png", "train/a/small.png"],
    ];
    assert_eq!(
        near, expected,
        "first those in different parts, of these first those with two labels"
    );
    assert_eq!((found.n_near_duplicates, found.n_near_across), (3, 2));
    assert_eq!(found.n_faults(), 2 + 1 + 2 + 2);
    assert_eq!(found.n_images, 32 + 8);
    assert_eq!(found.sizes, [("96x80".to_owned(), 39), ("70x58".to_owned(), 1)]);
    assert_eq!(found.modes, [("colour".to_owned(), 39), ("grey".to_owned(), 1)]);
    assert!(found.notices[0].contains("2 sizes"), "{:?}", found.notices);
}

#[test]
fn unequal_classes_are_found_and_what_would_be_split_off_counts_as_test() {
    let folder = clean(&[(".", 10)]);
    for index in 2..10 {
        std::fs::remove_file(folder.path().join(format!("b/{index}.png"))).unwrap();
    }
    std::fs::copy(folder.path().join("a/0.png"), folder.path().join("a/x.png")).unwrap();
    let found = checked(folder.path());
    assert_eq!(found.imbalance, Some(5.5));
    let counts: Vec<_> = found.classes.iter().map(|class| (class.train, class.test)).collect();
    assert_eq!(counts, [(9, 2), (1, 1)]);
    // Equal images are a fault, also where the split would keep them together.
    assert_eq!(found.duplicates.len(), 1);
    let [a, b] = &found.duplicates[0][..] else { panic!("{:?}", found.duplicates) };
    assert_eq!(a.part, b.part);
    assert!(found.notices.iter().any(|notice| notice.contains("no test images")));
}

#[test]
fn images_in_a_table_are_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let row = |label: u32, seed: u32| {
        let pixels = (0..64).map(|at| ((at * at * seed + at * 31) % 251).to_string());
        format!("{label},{}\n", pixels.collect::<Vec<_>>().join(","))
    };
    let header: Vec<_> = (0..64).map(|at| format!("pixel{at}")).collect();
    let rows: String = (1..20).map(|seed| row(seed % 2, seed)).collect();
    let csv = folder.path().join("train.csv");
    std::fs::write(&csv, format!("label,{}\n{rows}{}", header.join(","), row(1, 4))).unwrap();
    let found = checked(&csv);
    assert_eq!(found.n_images, 20);
    assert_eq!((found.contradictions.len(), found.n_faults()), (1, 1), "{found:?}");
}
