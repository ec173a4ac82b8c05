//! Layouts of people's own images: a folder of classes, a list of paths, Kaggle's CSV; and every way in which a list can be
//! wrong.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use dataset::{Dataset, Error, Event, LoadOptions, Result, load};
use run::DataSettings;

/// A small image whose levels depend on `level` alone.
fn draw(path: &Path, level: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut image = b"P5 10 10 255\n".to_vec();
    image.extend((0..100).map(|at| if at % 10 < 5 { level } else { 255 - level / 2 }));
    std::fs::write(path, image).unwrap();
}

/// `n` different images of each class in `folder`.
fn classes(folder: &Path, classes: &[&str], n: u8) {
    for (index, class) in (0..).zip(classes) {
        for image in 0..n {
            draw(&folder.join(class).join(format!("{image:03}.pgm")), image * 8 + index);
        }
    }
}

fn settings(data: &Path) -> DataSettings {
    DataSettings { data: data.display().to_string(), ..run::Config::default().data }
}

/// Loads images; returns the notices too.
fn load_with(settings: &DataSettings) -> (Result<Dataset>, Vec<String>) {
    let options =
        LoadOptions { cache: Path::new("unused").to_owned(), kiln_data: None, offline: true };
    let mut notices = Vec::new();
    let dataset = load(settings, &options, &mut |event| match event {
        Event::Notice(text) => notices.push(text.to_owned()),
        Event::Reading { .. } => {}
        event => panic!("{event:?}"),
    });
    (dataset, notices)
}

fn loaded(data: &Path) -> (Dataset, Vec<String>) {
    let (dataset, notices) = load_with(&settings(data));
    (dataset.unwrap(), notices)
}

/// The paths, with which class each has.
fn labelled(dataset: &Dataset) -> [Vec<(String, String)>; 2] {
    let class = |&label: &u16| dataset.classes[usize::from(label)].clone();
    [(&dataset.train_paths, &dataset.train), (&dataset.test_paths, &dataset.test)].map(
        |(paths, examples)| {
            assert_eq!(paths.len(), examples.len());
            let paths = paths.iter().map(|path| path.display().to_string());
            paths.zip(examples.labels.iter().map(class)).collect()
        },
    )
}

#[test]
fn a_folder_of_classes_is_split_by_the_seed_and_equal_images_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &["cat", "dog", "emu"], 20);
    // The same image three times, in another class too.
    for path in ["cat/copy.pgm", "cat/again.pgm", "dog/000.pgm"] {
        draw(&folder.path().join(path), 3 * 8);
    }
    let (dataset, notices) = loaded(folder.path());
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].contains("13 of its 62 images") && notices[0].contains("test"),
        "{notices:?}"
    );
    assert_eq!(dataset.classes, ["cat", "dog", "emu"]);
    let of_class = |class| dataset.test.labels.iter().filter(|&&label| label == class).count();
    assert_eq!((dataset.test.len(), of_class(2)), (13, 4));
    for parts in labelled(&dataset) {
        assert!(parts.iter().all(|(path, class)| path.starts_with(&format!("{class}/"))));
    }
    let mut sides = BTreeSet::new();
    for seed in 0..20 {
        let seeded = DataSettings { split_seed: seed, ..settings(folder.path()) };
        let dataset = load_with(&seeded).0.unwrap();
        assert_eq!(load_with(&seeded).0.unwrap(), dataset);
        let [train, test] = labelled(&dataset);
        let images = ["cat/003.pgm", "cat/again.pgm", "cat/copy.pgm", "dog/000.pgm"];
        let side = images.map(|image| test.iter().any(|(path, _)| path == image));
        assert!(side.iter().all(|of_test| *of_test == side[0]), "{side:?}");
        sides.insert((side[0], test.clone()));
        let all: BTreeSet<_> = train.iter().chain(&test).collect();
        assert_eq!(all.len(), 62);
    }
    assert!(sides.len() > 15, "the seed decides");
    // As archives unpack: one folder further down.
    let outer = tempfile::tempdir().unwrap();
    classes(&outer.path().join("pets/images"), &["cat", "dog"], 5);
    std::fs::create_dir(outer.path().join("pets/images/notes")).unwrap();
    let (dataset, notices) = loaded(outer.path());
    assert_eq!((dataset.classes.len(), dataset.train.len(), dataset.test.len()), (2, 8, 2));
    assert!(notices[0].contains("pets/images"), "{notices:?}");
    assert!(notices[1].contains("1 folder without images"), "{notices:?}");
}

#[test]
fn folders_of_parts_are_not_split_again() {
    let folder = tempfile::tempdir().unwrap();
    classes(&folder.path().join("train"), &["a", "b"], 6);
    classes(&folder.path().join("test"), &["a", "b"], 3);
    let (dataset, notices) = loaded(folder.path());
    assert_eq!((dataset.train.len(), dataset.test.len()), (12, 6));
    assert_eq!(notices, [""; 0]);
    let [train, test] = labelled(&dataset);
    assert_eq!(train[6], ("train/b/000.pgm".to_owned(), "b".to_owned()));
    assert_eq!(test[5], ("test/b/002.pgm".to_owned(), "b".to_owned()));
    // A class of trains among other classes is no part.
    let vehicles = tempfile::tempdir().unwrap();
    classes(vehicles.path(), &["bus", "train"], 5);
    assert_eq!(loaded(vehicles.path()).0.classes, ["bus", "train"]);
}

#[test]
fn images_beside_what_is_read_are_counted_in_a_notice() {
    let parts = tempfile::tempdir().unwrap();
    for part in ["train", "test", "training"] {
        classes(&parts.path().join(part), &["x", "y"], 4);
    }
    std::fs::create_dir(parts.path().join("notes")).unwrap();
    let flat = tempfile::tempdir().unwrap();
    classes(flat.path(), &["x", "y"], 5);
    draw(&flat.path().join("loose.pgm"), 9);
    for (folder, words) in [
        (parts.path(), "skipped 1 folder beside the folders of the parts"),
        (flat.path(), "skipped 1 file outside the folders of classes"),
    ] {
        let (_, notices) = loaded(folder);
        assert!(notices.iter().any(|notice| notice.starts_with(words)), "{notices:?}");
    }
}

#[test]
fn a_file_under_two_spellings_is_listed_twice() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &["x", "y"], 3);
    let list = folder.path().join("labels.csv");
    let rows = "x/000.pgm,x\ny/000.pgm,y\n./x/000.pgm,y\n";
    std::fs::write(&list, format!("path,label\n{rows}")).unwrap();
    let error = load_with(&settings(&list)).0.unwrap_err().to_string();
    assert!(error.contains("listed in line 2 too"), "{error}");
}

#[test]
fn a_thousand_classes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1001).map(|class| format!("class {class}")).collect();
    for (class, name) in names.iter().take(1000).enumerate() {
        for image in 0..2 {
            let path = folder.path().join(name).join(format!("{image}.pgm"));
            draw(&path, (class % 128 + image) as u8);
            // Different images, also of classes of equal levels.
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[20..22].copy_from_slice(&(class as u16 * 2 + image as u16).to_le_bytes());
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let (dataset, _) = loaded(folder.path());
    assert_eq!(dataset.classes.len(), 1000);
    assert_eq!((dataset.train.len(), dataset.test.len()), (1000, 1000));
    assert_eq!(dataset.train.labels.last(), Some(&999));
    draw(&folder.path().join(&names[1000]).join("0.pgm"), 1);
    let error = load_with(&settings(folder.path())).0.unwrap_err();
    assert!(matches!(error, Error::Classes { .. }), "{error:?}");
    assert!(error.to_string().contains("2 to 1000"), "{error}");
}

#[test]
fn a_list_names_the_files_their_classes_and_their_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    classes(&path("images"), &["x", "y"], 10);
    classes(&path("more"), &["x", "y"], 3);
    let rows = |file: &dyn Fn(&str, u8) -> String| -> String {
        (0..10).map(|image| file("x", image) + &file("y", image)).collect()
    };
    // The columns in any order and case, another one between, a byte order mark, the dialect of a spreadsheet.
    let text = rows(&|class, image| format!("{class};note;images/{class}/{image:03}.pgm\r\n"));
    std::fs::write(path("labels.csv"), format!("\u{feff}Label;x;FileName\r\n{text}")).unwrap();
    for (data, n_notices) in [(folder.path().to_owned(), 2), (path("labels.csv"), 1)] {
        let (dataset, notices) = loaded(&data);
        assert_eq!(dataset.classes, ["x", "y"]);
        assert_eq!((dataset.train.len(), dataset.test.len()), (16, 4));
        assert_eq!(notices.len(), n_notices, "{notices:?}");
        // Only who names the folder may have meant the other images too.
        let unlisted = notices.iter().any(|notice| notice.contains("not used: there are 6"));
        assert_eq!(unlisted, n_notices == 2, "{notices:?}");
        assert!(labelled(&dataset)[0][0].0.starts_with("images/"), "{:?}", labelled(&dataset)[0]);
    }
    let part = |image| ["train", "train", "Training", "VAL", "test"][image as usize % 5];
    let text =
        rows(&|class, image| format!("{},images/{class}/{image:03}.pgm,{class}\n", part(image)));
    std::fs::write(path("labels.csv"), format!("split,path,class\n{text}")).unwrap();
    let (dataset, notices) = loaded(folder.path());
    assert_eq!((dataset.train.len(), dataset.n_val, dataset.test.len()), (16, 4, 4));
    assert!(notices[1].contains("validation uses these"), "{notices:?}");
    let [train, test] = labelled(&dataset);
    assert!(train[12..].iter().all(|(path, _)| path.ends_with("3.pgm") || path.ends_with("8.pgm")));
    assert!(test.iter().all(|(path, _)| path.ends_with("4.pgm") || path.ends_with("9.pgm")));
}

#[test]
fn what_is_wrong_with_a_list_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &["x", "y"], 2);
    let csv = folder.path().join("labels.csv");
    let load = |text: &[u8]| {
        std::fs::write(&csv, text).unwrap();
        load_with(&settings(&csv)).0.unwrap_err()
    };
    for (text, line, words) in [
        (&b"path,label\nx/000.pgm,x\nnone.pgm,y\n"[..], 3, "there is no file none.pgm"),
        (b"path,label\nx/000.pgm,x\nx/000.pgm,y\n", 3, "in line 2 too"),
        (b"path,label\nx/000.pgm,x\n\ny/000.pgm\n", 4, "1 fields"),
        (b"path,label\r\nx/000.pgm,x\r\n\r\n\r\ny/000.pgm,\r\n", 5, "no label"),
        (b"path,label\n,x\n", 2, "no path"),
        (b"path,label\nx/000.pgm,\xff\n", 2, "not UTF-8"),
        (b"path,label\nx,x\n", 2, "there is no file x"),
        (b"path,label,split\nx/000.pgm,x,half\n", 2, "write train, val or test"),
        (b"path,label\nx/000.pgm,\"a\tb\"\n", 2, "control character"),
        (b"name,label\nx/000.pgm,x\n", 1, "path, file, filename, image"),
    ] {
        let error = load(text);
        let text = String::from_utf8_lossy(text);
        assert!(matches!(&error, Error::Csv { line: l, .. } if *l == line), "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert!(error.to_string().contains(csv.to_str().unwrap()), "{text}: {error}");
    }
    for text in [&b"path,label\nx/000.pgm,x\nx/001.pgm,x\n"[..], b"path,label\n"] {
        let error = load(text);
        assert!(matches!(error, Error::Classes { .. }), "{error}");
    }
    // A class that the test alone has.
    let error = load(b"path,label,split\nx/000.pgm,x,train\ny/000.pgm,y,test\nx/001.pgm,x,test\n");
    assert!(matches!(error, Error::Classes { .. }), "{error}");
    assert!(error.to_string().contains("class y"), "{error}");
}

/// A CSV as Kaggle has it, of images of 2x2 pixels.
fn pixels_csv(path: &Path, labels: &[&str], first: u8) {
    let mut text = "label,pixel0,pixel1,pixel2,pixel3\n".to_owned();
    for (level, label) in (first..).zip(labels) {
        text += &format!("{label},{level},0,255,{level}\n");
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn kaggles_csv_is_read_and_its_unlabelled_file_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let labels = ["10", "9", "9", "10", "9", "10", "9", "10", "9", "10"];
    pixels_csv(&folder.path().join("train.csv"), &labels, 50);
    std::fs::write(folder.path().join("test.csv"), "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n")
        .unwrap();
    std::fs::write(folder.path().join("sample_submission.csv"), "ImageId,Label\n1,0\n").unwrap();
    let sized = |data: &Path| DataSettings { size: "8".parse().unwrap(), ..settings(data) };
    let (dataset, notices) = load_with(&sized(folder.path()));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.classes, ["9", "10"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    assert_eq!(dataset.train.image(0).len(), 64);
    // Each image has its level in its first corner, and the label of that row.
    for examples in [&dataset.train, &dataset.test] {
        for (index, &label) in examples.labels.iter().enumerate() {
            let row = usize::from(examples.image(index)[0] - 50);
            assert_eq!(dataset.classes[usize::from(label)], labels[row]);
        }
    }
    assert!(dataset.train_paths.is_empty() && dataset.test_paths.is_empty());
    assert!(
        notices.iter().any(|n| n.contains("test.csv") && n.contains("without labels")),
        "{notices:?}"
    );
    assert!(notices.iter().any(|n| n.contains("2 of its 10 images")), "{notices:?}");
    // Both files have labels: they are the parts.
    std::fs::remove_file(folder.path().join("test.csv")).unwrap();
    pixels_csv(&folder.path().join("x_test.csv"), &["9", "10", "9"], 100);
    std::fs::rename(folder.path().join("train.csv"), folder.path().join("x_train.csv")).unwrap();
    let dataset = load_with(&sized(folder.path())).0.unwrap();
    assert_eq!((dataset.train.len(), dataset.test.labels.as_slice()), (10, &[0, 1, 0][..]));
    pixels_csv(&folder.path().join("x_test.csv"), &["9", "11"], 100);
    let error = load_with(&sized(folder.path())).0.unwrap_err();
    assert!(matches!(error, Error::Csv { line: 3, .. }), "{error}");
    pixels_csv(&folder.path().join("other.csv"), &["9", "10"], 100);
    let error = load_with(&sized(folder.path())).0.unwrap_err();
    assert!(matches!(error, Error::SeveralSets { .. }), "{error}");
}

#[test]
fn what_is_wrong_with_kaggles_csv_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("train.csv");
    for (rows, line, words) in [
        ("1,2,3,4,5\n1,2,3,256,5\n", 3, "pixel 2 is '256'"),
        ("1,2,3,4,5\n1,2,3,,5\n", 3, "pixel 2 is ''"),
        ("1,2,3,4,5\n1,2,3,4\n", 3, "4 fields"),
        (",2,3,4,5\n", 2, "no label"),
    ] {
        std::fs::write(&csv, format!("label,pixel0,pixel1,pixel2,pixel3\n{rows}")).unwrap();
        let error = load_with(&settings(&csv)).0.unwrap_err();
        assert!(matches!(&error, Error::Csv { line: l, .. } if *l == line), "{rows}: {error}");
        assert!(error.to_string().contains(words), "{rows}: {error}");
    }
    std::fs::write(&csv, "label,pixel0,pixel1,pixel2,pixel3\n").unwrap();
    assert!(matches!(load_with(&settings(&csv)).0, Err(Error::Empty { .. })));
}

#[test]
fn files_that_cannot_be_read_are_left_out_on_request_with_one_notice() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &["x", "y"], 10);
    for name in ["x/cut.png", "y/cut.jpg"] {
        std::fs::write(folder.path().join(name), b"\x89PNG").unwrap();
    }
    let error = load_with(&settings(folder.path())).0.unwrap_err();
    assert!(matches!(error, Error::Images { n: 2, .. }), "{error}");
    let skipping = DataSettings { skip_unreadable: true, ..settings(folder.path()) };
    let (dataset, notices) = load_with(&skipping);
    let dataset = dataset.unwrap();
    assert_eq!(dataset.train.len() + dataset.test.len(), 20);
    let notices: Vec<_> =
        notices.iter().filter(|notice| notice.contains("cannot be read")).collect();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("2 files") && notices[0].contains("x/cut.png"), "{notices:?}");
    let [train, test] = labelled(&dataset);
    assert!(train.iter().chain(&test).all(|(path, _)| !path.contains("cut")));
}

#[test]
fn a_second_load_of_unchanged_files_does_not_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Large files, since small sets are not kept.
    let large = |path: &Path, level: u8| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut image = b"P5 1000 1000 255\n".to_vec();
        image.extend((0..1_000_000).map(|at| if at % 1000 < 500 { level } else { 0 }));
        std::fs::write(path, image).unwrap();
    };
    for part in ["train", "test"] {
        for (class, level) in [("x", 100), ("y", 200)] {
            (0..3).for_each(|i| large(&data.join(format!("{part}/{class}/{i}.pgm")), level + i));
        }
    }
    std::fs::write(data.join("train/x/cut.png"), b"\x89PNG").unwrap();
    let settings = DataSettings { skip_unreadable: true, ..settings(&data) };
    let options =
        LoadOptions { cache: folder.path().join("cache"), kiln_data: None, offline: true };
    let load = || {
        let mut notices = Vec::new();
        let dataset = load(&settings, &options, &mut |event| {
            if let Event::Notice(text) = event {
                notices.push(text.to_owned());
            }
        });
        (dataset.unwrap(), notices)
    };
    let first = load();
    assert_eq!(first.0.train.len(), 6);
    // Nothing can be read any more, and what is kept is exact, notices included.
    let cache = folder.path().join("cache/prepared");
    let kept = std::fs::read_dir(&cache).unwrap().count();
    assert_eq!(kept, 3, "a sample, training and test images");
    assert_eq!(load(), first);
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), kept);
    // Proof that it is the kept file that is read: another one in its place, with its checksum, is believed.
    let largest = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let largest = largest.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let sound = std::fs::read(&largest).unwrap();
    std::fs::write(&largest, &sound[..sound.len() - 1]).unwrap();
    assert_eq!(load(), first, "a damaged file is ignored");
    assert_eq!(std::fs::read(&largest).unwrap(), sound, "and replaced");
    // A file that changes is read again.
    large(&data.join("train/x/0.pgm"), 7);
    let changed = load();
    assert_ne!(changed.0.sha256, first.0.sha256);
    assert_eq!(changed.0.train.image(0)[0], 7);
}
