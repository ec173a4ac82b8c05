//! Folders with four files in MNIST's format: good ones, real ones, and every way in which one can be invalid.

#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dataset::{Dataset, Error, Event, LoadOptions, Result, Source, load, split, statistics};
use flate2::Compression;
use flate2::write::GzEncoder;
use images::ImageShape;
use run::DataSettings;

/// Bytes of an image.
const SIZE: u64 = 784;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// A folder with four good files, in a temporary one.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Labels repeat 0 to 9; the first pixel of each of the first 100 images is its label plus 1.
    fn good() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (images, labels, n) in
            [(TRAIN_IMAGES, TRAIN_LABELS, 60_000u32), (TEST_IMAGES, TEST_LABELS, 10_000)]
        {
            folder.write(labels, &labels_file(n));
            // A sparse file: it takes little space.
            let mut file = File::create(folder.path(images)).unwrap();
            file.write_all(&images_header(n, 28, 28)).unwrap();
            file.set_len(16 + u64::from(n) * SIZE).unwrap();
            for index in 0..100 {
                file.seek(SeekFrom::Start(16 + index * SIZE)).unwrap();
                file.write_all(&[(index % 10) as u8 + 1]).unwrap();
            }
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Overwrites bytes of a file.
    fn patch(&self, name: &str, offset: u64, bytes: &[u8]) {
        let mut file = OpenOptions::new().write(true).open(self.path(name)).unwrap();
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn set_len(&self, name: &str, length: u64) {
        OpenOptions::new().write(true).open(self.path(name)).unwrap().set_len(length).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Compresses a file, as `gzip` does.
    fn compress(&self, name: &str) -> PathBuf {
        let bytes = gzip(&std::fs::read(self.path(name)).unwrap());
        std::fs::remove_file(self.path(name)).unwrap();
        self.write(&format!("{name}.gz"), &bytes);
        self.path(&format!("{name}.gz"))
    }

    fn load(&self) -> Result<Dataset> {
        load_silently(self.0.path().to_str().unwrap())
    }

    /// The error of loading, which must name the file `name`.
    fn error(&self, name: &str) -> Error {
        let error = self.load().unwrap_err();
        let path = self.path(name);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        error
    }
}

/// Loads `data` offline.
fn load_from(data: &str, cache: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    let options = LoadOptions { cache: cache.to_owned(), kiln_data: None, offline: true };
    load(&DataSettings { data: data.to_owned(), ..settings() }, &options, on_event)
}

fn load_silently(data: &str) -> Result<Dataset> {
    load_from(data, Path::new("unused"), &mut |event| panic!("{event:?}"))
}

fn settings() -> DataSettings {
    run::Config::default().data
}

fn images_header(n: u32, rows: u32, columns: u32) -> Vec<u8> {
    [0x803, n, rows, columns].iter().flat_map(|field: &u32| field.to_be_bytes()).collect()
}

fn labels_file(n: u32) -> Vec<u8> {
    let header = [0x801u32, n].into_iter().flat_map(u32::to_be_bytes);
    header.chain((0..n).map(|index| (index % 10) as u8)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The folder with real MNIST, if there is one; tests that need it return early without.
fn real_mnist() -> Option<String> {
    std::env::var("KILN_DATA").ok().filter(|path| !path.is_empty())
}

#[test]
fn a_good_folder_is_loaded_under_either_spelling_compressed_or_not() {
    let folder = Folder::good();
    let dataset = folder.load().unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (60_000, 10_000));
    assert_eq!(dataset.train.pixels.len(), 60_000 * 784);
    assert_eq!(dataset.train.labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    assert_eq!((dataset.train.image(7)[0], dataset.test.image(39)[0]), (8, 10));
    assert_eq!(dataset.classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(dataset.source, Source::Directory(folder.0.path().to_owned()));
    assert_eq!(dataset.name, folder.0.path().file_name().unwrap().to_str().unwrap());
    assert!(!dataset.synthetic);
    let shapes = [dataset.shape, dataset.train.shape, dataset.test.shape];
    assert_eq!(shapes, [ImageShape::DIGIT; 3]);

    folder.compress(TEST_IMAGES);
    folder.compress(TRAIN_LABELS);
    folder.rename(TRAIN_IMAGES, "train-images.idx3-ubyte");
    // Some browsers decompress a file and keep its name.
    folder.rename(TEST_LABELS, "t10k-labels.idx1-ubyte.gz");
    assert_eq!(folder.load().unwrap(), dataset);
}

#[test]
fn fewer_classes_are_named_after_their_labels() {
    let folder = Folder::good();
    for (name, n) in [(TRAIN_LABELS, 60_000), (TEST_LABELS, 10_000)] {
        let bytes: Vec<u8> = (0..n).map(|index| (index % 3) as u8).collect();
        folder.patch(name, 8, &bytes);
    }
    assert_eq!(folder.load().unwrap().classes, ["0", "1", "2"]);
}

#[test]
fn a_missing_file_is_named() {
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let folder = Folder::good();
        std::fs::remove_file(folder.path(name)).unwrap();
        assert!(matches!(folder.error(name), Error::Missing { .. }));
    }
}

#[test]
fn a_truncated_file_is_refused_at_any_length() {
    for (name, lengths) in [
        (TRAIN_IMAGES, &[1, 4, 10, 15, 16, 47_040_015][..]),
        (TRAIN_LABELS, &[3, 7, 8, 60_007]),
        (TEST_IMAGES, &[7_840_015]),
        (TEST_LABELS, &[10_007]),
    ] {
        let folder = Folder::good();
        for &length in lengths.iter().rev() {
            folder.set_len(name, length);
            let error = folder.error(name);
            assert!(
                matches!(error, Error::Truncated { length: is, .. } if is == length),
                "{error}"
            );
        }
    }
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    for (name, length) in [
        (TRAIN_IMAGES, 47_040_016),
        (TRAIN_LABELS, 60_008),
        (TEST_IMAGES, 7_840_016),
        (TEST_LABELS, 10_008),
    ] {
        let folder = Folder::good();
        folder.set_len(name, length + 1);
        let error = folder.error(name);
        assert!(matches!(error, Error::Padded { expected, .. } if expected == length), "{error}");
    }
}

#[test]
fn a_corrupt_compressed_file_is_refused() {
    let folder = Folder::good();
    let path = folder.compress(TEST_LABELS);
    let name = "t10k-labels-idx1-ubyte.gz";
    let good = std::fs::read(&path).unwrap();
    // In the middle, in the CRC, in the length.
    for index in [good.len() / 2, good.len() - 8, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[index] ^= 0x10;
        folder.write(name, &bytes);
        assert!(matches!(folder.error(name), Error::Gzip { .. }), "bit flipped at {index}");
    }
    for length in [good.len() - 1, good.len() / 2, 5] {
        folder.write(name, &good[..length]);
        assert!(matches!(folder.error(name), Error::Gzip { .. }), "truncated to {length}");
    }
    folder.write(name, &[&good[..], b"trailing"].concat());
    assert!(matches!(folder.error(name), Error::Trailing { .. }));
    assert!(folder.error(name).to_string().contains("trailing bytes"));
    folder.write(name, &gzip(&[&labels_file(10_000)[..], &[0]].concat()));
    assert!(matches!(folder.error(name), Error::Padded { .. }));
}

#[test]
fn swapped_files_are_detected() {
    let folder = Folder::good();
    folder.rename(TEST_IMAGES, "other");
    folder.rename(TEST_LABELS, TEST_IMAGES);
    folder.rename("other", TEST_LABELS);
    let error = folder.error(TEST_IMAGES);
    assert!(matches!(error, Error::Swapped { found: "labels", expected: "images", .. }));

    let folder = Folder::good();
    for (train, test) in [(TRAIN_IMAGES, TEST_IMAGES), (TRAIN_LABELS, TEST_LABELS)] {
        folder.rename(train, "other");
        folder.rename(test, train);
        folder.rename("other", test);
    }
    let swapped = folder.load().unwrap();
    assert_eq!((swapped.train.len(), swapped.test.len()), (10_000, 60_000));
}

#[test]
fn different_counts_are_an_error_that_names_both_files() {
    let folder = Folder::good();
    folder.rename(TEST_LABELS, "other");
    folder.rename(TRAIN_LABELS, TEST_LABELS);
    folder.rename("other", TRAIN_LABELS);
    let error = folder.error(TRAIN_IMAGES);
    assert!(
        matches!(error, Error::CountsDiffer { n_images: 60_000, n_labels: 10_000, .. }),
        "{error:?}"
    );
    folder.error(TRAIN_LABELS);
}

#[test]
fn any_number_of_images_is_read() {
    let folder = Folder::good();
    folder.write(TEST_LABELS, &labels_file(500));
    folder.patch(TEST_IMAGES, 0, &images_header(500, 28, 28));
    folder.set_len(TEST_IMAGES, 16 + 500 * SIZE);
    assert_eq!(folder.load().unwrap().test.len(), 500);
}

#[test]
fn labels_are_numbered_without_gaps_and_keep_their_names() {
    let folder = Folder::good();
    for (name, n) in [(TRAIN_LABELS, 60_000), (TEST_LABELS, 10_000)] {
        let bytes: Vec<u8> = (0..n).map(|index| [1, 12, 255][index % 3]).collect();
        folder.patch(name, 8, &bytes);
    }
    let dataset = folder.load().unwrap();
    assert_eq!(dataset.classes, ["1", "12", "255"]);
    assert_eq!(
        (&dataset.train.labels[..4], &dataset.test.labels[..4]),
        (&[0, 1, 2, 0][..], &[0, 1, 2, 0][..])
    );
}

#[test]
fn labels_of_one_class_are_refused() {
    let folder = Folder::good();
    folder.patch(TRAIN_LABELS, 8, &vec![7; 60_000]);
    folder.patch(TEST_LABELS, 8, &vec![7; 10_000]);
    let error = folder.error(TRAIN_LABELS);
    assert!(matches!(error, Error::Labels { n: 1, .. }), "{error:?}");
}

#[test]
fn images_of_any_size_are_read_and_scaled_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    for (images, labels, n) in [(TRAIN_IMAGES, TRAIN_LABELS, 6), (TEST_IMAGES, TEST_LABELS, 4)] {
        let pixels: Vec<u8> = (0..n * 20 * 32).map(|at| (at / 640 * 10 + at % 32) as u8).collect();
        write(images, &[images_header(n, 20, 32), pixels].concat());
        write(labels, &labels_file(n));
    }
    let load = |size: &str| {
        let data = folder.path().display().to_string();
        let size = size.parse().unwrap();
        let settings = DataSettings { data, size, ..run::Config::default().data };
        let options = LoadOptions { cache: PathBuf::new(), kiln_data: None, offline: true };
        load(&settings, &options, &mut |event| panic!("{event:?}")).unwrap()
    };
    let whole = load("auto");
    assert_eq!(whole.shape, ImageShape { channels: 1, height: 20, width: 32 });
    assert_eq!((whole.train.len(), whole.test.len()), (6, 4));
    assert_eq!(whole.train.image(2)[..3], [20, 21, 22]);
    let half = load("10x16");
    assert_eq!(half.shape, ImageShape { channels: 1, height: 10, width: 16 });
    assert_eq!(half.train.image(2)[..3], [21, 23, 25]);
    assert_eq!(half.train.labels, whole.train.labels);
}

#[test]
fn folders_that_are_named_as_files_hide_nothing() {
    // Kaggle's archive: beside each file a folder of the usual name, with the file in it.
    let folder = Folder::good();
    let dataset = folder.load().unwrap();
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let dotted = name.replace("-idx", ".idx");
        folder.rename(name, &dotted);
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    assert_eq!(folder.load().unwrap(), dataset);
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        folder.rename(&name.replace("-idx", ".idx"), &format!("{name}/{name}"));
    }
    assert_eq!(folder.load().unwrap(), dataset);
}

#[test]
fn torchvisions_folders_are_found_and_several_sets_are_told_apart() {
    let folder = Folder::good();
    let dataset = folder.load().unwrap();
    let raw = folder.path("MNIST/raw");
    std::fs::create_dir_all(&raw).unwrap();
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        folder.rename(name, &format!("MNIST/raw/{name}"));
    }
    let mut notices = String::new();
    let root = folder.0.path().to_str().unwrap();
    let found = load_from(root, &raw, &mut |event| notices += &format!("{event:?}")).unwrap();
    assert_eq!(found, dataset);
    assert!(notices.contains("MNIST/raw"), "{notices}");
    std::fs::create_dir_all(folder.path("KMNIST/raw")).unwrap();
    folder.write(&format!("KMNIST/raw/{TEST_LABELS}"), b"");
    let error = folder.load().unwrap_err();
    assert!(matches!(error, Error::SeveralSets { .. }), "{error:?}");
    assert!(error.to_string().contains("KMNIST/raw") && error.to_string().contains("/MNIST/raw"));
}

#[test]
fn emnists_files_are_read_under_their_names_and_turned() {
    let folder = Folder::good();
    for (name, to) in [
        (TRAIN_IMAGES, "train-images-idx3-ubyte"),
        (TRAIN_LABELS, "train-labels-idx1-ubyte"),
        (TEST_IMAGES, "test-images-idx3-ubyte"),
        (TEST_LABELS, "test-labels-idx1-ubyte"),
    ] {
        if name.contains("labels") {
            let n = if name == TRAIN_LABELS { 60_000 } else { 10_000 };
            folder.patch(name, 8, &(0..n).map(|index| (index % 10) as u8 + 1).collect::<Vec<_>>());
        } else {
            folder.patch(name, 16 + 5, &[77]);
        }
        folder.rename(name, &format!("emnist-letters-{to}"));
    }
    let letters: String = (1..=10).map(|i| format!("{i} {} {}\n", 64 + i, 96 + i)).collect();
    folder.write("emnist-letters-mapping.txt", letters.as_bytes());
    let mut notices = String::new();
    let root = folder.0.path().to_str().unwrap();
    let dataset = load_from(root, folder.0.path(), &mut |event| notices += &format!("{event:?}"));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.classes, ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"]);
    assert_eq!(dataset.train.labels[..3], [0, 1, 2]);
    assert_eq!((dataset.train.image(0)[5 * 28], dataset.train.image(0)[5]), (77, 0));
    assert!(notices.contains("column by column"), "{notices}");

    folder.write("emnist-digits-test-labels-idx1-ubyte", b"");
    let error = folder.load().unwrap_err();
    assert!(error.to_string().contains("emnist-digits-*, emnist-letters-*"), "{error}");
}

#[test]
fn other_files_and_other_dimensions_are_refused() {
    let folder = Folder::good();
    folder.patch(TRAIN_LABELS, 0, b"<!do");
    let error = folder.error(TRAIN_LABELS);
    assert!(matches!(error, Error::Magic { found: 0x3c21_646f, expected: 0x801, .. }), "{error:?}");

    let folder = Folder::good();
    folder.patch(TEST_IMAGES, 0, &images_header(10_000, 28, 29));
    let error = folder.error(TEST_IMAGES);
    assert!(matches!(error, Error::ShapesDiffer { .. }), "{error:?}");
    for (rows, columns) in [(0, 28), (1025, 28), (0, 0), (u32::MAX, u32::MAX)] {
        let folder = Folder::good();
        folder.patch(TRAIN_IMAGES, 0, &images_header(60_000, rows, columns));
        let error = folder.error(TRAIN_IMAGES);
        let Error::Dimensions { rows: r, columns: c, .. } = error else { panic!("{error:?}") };
        assert_eq!((r, c), (rows, columns));
    }
}

#[test]
fn empty_files_and_empty_lists_are_refused() {
    let folder = Folder::good();
    folder.write(TEST_IMAGES, b"");
    assert!(matches!(folder.error(TEST_IMAGES), Error::Empty { .. }));
    folder.write(TEST_IMAGES, &images_header(0, 28, 28));
    assert!(matches!(folder.error(TEST_IMAGES), Error::Empty { .. }));
    folder.write(TEST_IMAGES, &gzip(b""));
    assert!(matches!(folder.error(TEST_IMAGES), Error::Empty { .. }));
}

#[test]
fn a_header_that_claims_billions_of_images_is_refused_before_allocation() {
    let folder = Folder::good();
    folder.patch(TEST_IMAGES, 4, &u32::MAX.to_be_bytes());
    folder.patch(TEST_LABELS, 4, &u32::MAX.to_be_bytes());
    let error = folder.error(TEST_IMAGES);
    assert!(matches!(error, Error::Count { found: u32::MAX, .. }), "{error:?}");
}

#[test]
fn real_mnist_gives_the_reference_split_and_statistics() {
    let Some(path) = real_mnist() else { return };
    let dataset = load_silently(&path).unwrap();
    assert_eq!(dataset.name, "MNIST");
    let settings = DataSettings { val_fraction: 0.3, split_seed: 42, ..settings() };
    let parts = split(&dataset.train.labels, &settings).unwrap();
    let counts = |indices: &[u32]| {
        let mut counts = [0; 10];
        let labels = indices.iter().map(|&index| dataset.train.labels[index as usize]);
        labels.for_each(|label| counts[usize::from(label)] += 1);
        counts
    };
    assert_eq!(counts(&parts.train), [4118, 4748, 4199, 4285, 4116, 3768, 4131, 4328, 4121, 4186]);
    assert_eq!(counts(&parts.val), [1805, 1994, 1759, 1846, 1726, 1653, 1787, 1937, 1730, 1763]);
    // NumPy's mean and std(ddof=0) of the same pixels, up to rounding.
    let train = statistics(&dataset.train, &parts.train).unwrap();
    assert!((train.mean[0] - 33.325355715500486).abs() < 1e-11, "{train:?}");
    assert!((train.std[0] - 78.57698542567486).abs() < 1e-11, "{train:?}");
}

#[test]
fn real_mnist_is_loaded_from_the_cache_and_a_flipped_bit_is_detected() {
    let Some(path) = real_mnist() else { return };
    let mnist = load_silently(&path).unwrap();
    let folder = Folder(tempfile::tempdir().unwrap());
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let gz = format!("{name}.gz");
        // A raw file will do: its content counts, not its name.
        let file = [Path::new(&path).join(&gz), Path::new(&path).join(name)]
            .into_iter()
            .find(|file| file.exists());
        std::fs::copy(file.unwrap(), folder.path(&gz)).unwrap();
    }
    let cached = load_from("auto", folder.0.path(), &mut |event| panic!("{event:?}")).unwrap();
    assert_eq!((cached.name.as_str(), &cached.source), ("MNIST", &Source::Mnist));
    assert_eq!(cached.sha256, mnist.sha256);
    assert!(cached.test == mnist.test);

    let mut raw = images_header(10_000, 28, 28);
    raw.extend(&mnist.test.pixels);
    raw[16 + 300] ^= 1;
    let gz = format!("{TEST_IMAGES}.gz");
    std::fs::remove_file(folder.path(&gz)).unwrap();
    folder.write(&gz, &raw);
    let mut notices = String::new();
    let mut listen = |event: Event<'_>| match event {
        Event::Notice(text) => notices += text,
        event => panic!("{event:?}"),
    };
    let error = load_from("mnist", folder.0.path(), &mut listen).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error:?}");
    let own = folder.0.path().to_str().unwrap();
    let flipped = load_from(own, folder.0.path(), &mut listen).unwrap();
    assert_ne!(flipped.name, "MNIST");
    assert_ne!(flipped.sha256, mnist.sha256);
    assert_eq!(notices.matches(&gz).count(), 2, "{notices}");
    assert!(notices.contains("other three"), "{notices}");
}
