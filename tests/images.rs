//! People's own images: mixed sizes, modes and formats, colours, and another run's weights.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use run::{Agreement, Config, DatasetFacts, Evaluation, RunDirectory, read_json};
use serve_client::ServerProcess;
use serve_client::blocking::Connection;
use serve_client::requests::{PREDICT, post};

use crate::support::{fail, fresh_runs, kiln, start_server, stop, succeed};

/// Shapes on a background: whether the place `(x, y)`, from -1 to 1 each, belongs to one.
type Shape = fn(f32, f32) -> bool;
const SHAPES: [(&str, Shape); 7] = [
    ("disc", |x, y| x * x + y * y < 0.5),
    ("cross", |x, y| x.abs() < 0.22 || y.abs() < 0.22),
    ("frame", |x, y| (0.5..0.85).contains(&x.abs().max(y.abs()))),
    ("wedge", |x, y| y > 2.0 * x.abs() - 0.9 && y < 0.8),
    ("stripes", |x, _| (x * 8.0).sin() > 0.0),
    ("ring", |x, y| (0.3..0.7).contains(&(x * x + y * y))),
    ("corner", |x, y| x.max(y) < 0.6 && (x < -0.3 || y < -0.3)),
];

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }
}

/// Draws a shape in random colours, at a random size.
fn draw(shape: Shape, random: &mut Random) -> RgbImage {
    let (width, height) = (36 + random.below(60), 36 + random.below(60));
    let ink = [0; 3].map(|_| random.below(120) as u8);
    let paper = [0; 3].map(|_| 140 + random.below(115) as u8);
    let (scale, dx, dy) = (
        0.75 + random.below(40) as f32 / 100.0,
        random.below(40) as f32 / 100.0 - 0.2,
        random.below(40) as f32 / 100.0 - 0.2,
    );
    RgbImage::from_fn(width, height, |x, y| {
        let place = |at: u32, side: u32, by: f32| {
            ((at as f32 + 0.5) / side as f32 * 2.0 - 1.0 - by) / scale
        };
        let noise = random.below(20) as u8;
        let level = if shape(place(x, width, dx), place(y, height, dy)) { ink } else { paper };
        Rgb(level.map(|level| level.saturating_add(noise)))
    })
}

/// Saves an image in one of several modes and formats.
fn save(image: RgbImage, path: &Path, number: usize) {
    let image = DynamicImage::ImageRgb8(image);
    let (image, format) = match number % 6 {
        0 => (image, ImageFormat::Png),
        1 => (image, ImageFormat::Jpeg),
        2 => (DynamicImage::ImageRgba8(image.to_rgba8()), ImageFormat::Png),
        3 => (DynamicImage::ImageRgb16(image.to_rgb16()), ImageFormat::Png),
        4 => (DynamicImage::ImageLuma8(image.to_luma8()), ImageFormat::Jpeg),
        _ => (image, ImageFormat::Bmp),
    };
    let extension = format.extensions_str()[0];
    image.save_with_format(path.with_extension(extension), format).unwrap();
}

/// A folder with `n` images of each of some shapes.
fn shapes(folder: &Path, shapes: &[(&str, Shape)], n: usize) -> PathBuf {
    let mut random = Random(n as u64);
    for (name, shape) in shapes {
        let class = folder.join(name);
        std::fs::create_dir_all(&class).unwrap();
        (0..n).for_each(|i| save(draw(*shape, &mut random), &class.join(i.to_string()), i));
    }
    folder.to_owned()
}

/// The label of an image file, as the server answers it.
fn served_label(server: &ServerProcess, file: &Path) -> String {
    let request = post(PREDICT, &std::fs::read(file).unwrap());
    let reply = Connection::open(server.address).unwrap().exchange(&request).unwrap();
    reply.json().unwrap()["label"].as_str().unwrap().to_owned()
}

fn evaluation(runs: &Path, name: &str) -> (RunDirectory, Evaluation) {
    let run = RunDirectory::open(runs, Some(name)).unwrap();
    let evaluation = read_json(&run.evaluation()).unwrap();
    (run, evaluation)
}

#[test]
fn a_folder_of_mixed_images_is_trained_served_and_trained_on_from() {
    let runs = fresh_runs("images");
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(&folder.path().join("whole"), &SHAPES[..5], 60);
    let args = [
        "pipeline",
        "--run",
        "first",
        "--min-steps",
        "300",
        "--width",
        "16",
        "--size",
        "32",
        "--data",
    ];
    succeed(kiln(&runs).args(args).arg(&data));
    let (run, first) = evaluation(&runs, "first");
    assert!(first.accuracy > 0.9, "{}", first.accuracy);
    let config = Config::read(&run.config()).unwrap();
    assert_eq!(
        (config.recipe.as_str(), config.data.size.to_string()),
        ("images-small", "32x32".into())
    );
    // The recipe's twenty epochs would be fewer steps.
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    let n_steps = config.training.epochs * facts.n_train.div_ceil(config.training.batch_size);
    assert!(n_steps >= 300 && config.training.epochs > 20, "{n_steps}");
    let agreement: Agreement = read_json(&run.agreement()).unwrap();
    let n_test: usize = first.confusion.iter().flatten().sum();
    assert!(n_test >= 45, "{n_test}");
    assert!(agreement.holds() && agreement.n_images == n_test, "{agreement:?}");

    // The whole folder to a table, whose labels are the folders' names for most images, and the server's for each.
    let table = folder.path().join("answers.csv");
    succeed(kiln(&runs).args(["predict", "--run", "first", "--csv"]).args([&table, &data]));
    let rows: Vec<StringRecord> =
        csv::Reader::from_path(&table).unwrap().into_records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 300);
    let is_right = |row: &&StringRecord| row[0].split('/').any(|part| part == &row[1]);
    assert!(rows.iter().filter(is_right).count() > 270, "{rows:?}");
    let server = start_server(kiln(&runs).args(["serve", "--run", "first"]));
    for row in rows.iter().step_by(10) {
        assert_eq!(served_label(&server, &data.join(&row[0])), row[1], "{row:?}");
    }
    stop(server);

    // Twenty images of each of other shapes, on the weights that know the first ones.
    let data = shapes(&folder.path().join("few"), &SHAPES[2..], 20);
    let train = |name: &str, more: &[&str]| {
        let args = ["pipeline", "--run", name, "--min-steps", "100", "--data"];
        succeed(kiln(&runs).args(args).arg(&data).args(more));
        evaluation(&runs, name)
    };
    let (run, second) = train("second", &["--from", "first"]);
    let inherited = Config::read(&run.config()).unwrap();
    assert_eq!((inherited.network.width, inherited.training.from.as_str()), (16, "first"));
    assert!(second.accuracy > 0.8, "{}", second.accuracy);
    let (_, frozen) = train("frozen", &["--from", "first", "--freeze", "--learning-rate", "0.03"]);
    assert!(frozen.accuracy > 0.5, "{}", frozen.accuracy);
    let message = fail(kiln(&runs).args(["train", "--from", "nonesuch", "--data"]).arg(&data));
    assert!(message.contains("nonesuch"), "{message}");
    let other = ["train", "--from", "first", "--width", "8", "--data"];
    let message = fail(kiln(&runs).args(other).arg(&data));
    assert!(message.contains("differ at layer conv1"), "{message}");
    // No run is begun that could not be trained, and how much is dropped may differ.
    let runs_there = || std::fs::read_dir(&runs).unwrap().count();
    let before = runs_there();
    fail(kiln(&runs).args(other).arg(&data));
    assert_eq!(runs_there(), before);
    let dropout = ["train", "--run", "drops", "--from", "first", "--conv-dropout", "0", "--data"];
    succeed(kiln(&runs).args(dropout).arg(&data).args(["--epochs", "1", "--min-steps", "0"]));
}

#[test]
fn colours_of_equal_brightness_are_told_apart() {
    let runs = fresh_runs("colours");
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(3);
    // Of the same luma.
    for (name, color) in [("red", [255, 40, 40]), ("green", [50, 104, 50]), ("blue", [70, 70, 255])]
    {
        for (part, n) in [("train", 30), ("test", 10)] {
            let class = folder.path().join(part).join(name);
            std::fs::create_dir_all(&class).unwrap();
            for i in 0..n {
                let noisy = |level: u8| level.saturating_sub(random.below(20) as u8);
                let mut noisy = noisy;
                let image = RgbImage::from_fn(24, 24, |_, _| Rgb(color.map(&mut noisy)));
                image.save(class.join(format!("{i}.png"))).unwrap();
            }
        }
    }
    let args = ["pipeline", "--run", "colours", "--min-steps", "100", "--width", "8", "--data"];
    succeed(kiln(&runs).args(args).arg(folder.path()));
    let (run, scores) = evaluation(&runs, "colours");
    assert_eq!(scores.accuracy, 1.0);
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    assert_eq!((facts.shape.dimensions(), facts.mean.len()), ([3, 24, 24], 3));
}
