//! Images of the data set beside others: in colour, augmented, original, and with suspect labels.

use images::ImageShape;
use report::{Augmented, Error, Original, write_augmentation};
use run::{HeldOut, Suspect};

use crate::sample::*;

/// A run on images in colour, 20 by 30 pixels.
fn coloured() -> Run {
    let mut run = Run::new(1, 10, digits(), &[3]);
    let shape = ImageShape { channels: 3, height: 20, width: 30 };
    run.facts.shape = shape;
    run.pixels = (0..10 * shape.size()).map(|i| (i % 251) as u8).collect();
    run.explained().filters = vec![vec![0.0; 27]; 2];
    run.explained().mistakes[0].importance = vec![0.0; 600];
    run
}

#[test]
fn a_filter_of_three_channels_is_one_image_in_colour() {
    let mut run = coloured();
    let filter = &mut run.explained().filters[1];
    // The second weight of red, the last of green, the first of blue.
    (filter[1], filter[9 + 8], filter[18]) = (0.5, -0.5, 0.25);
    let svg = run.text("filters.svg");
    assert_eq!(elements(&svg, "image", &[]), 2);
    let drawn = bitmap(&svg, 1).to_rgb8();
    assert_eq!(drawn.dimensions(), (3, 3));
    let pixel = |x, y| drawn.get_pixel(x, y).0;
    assert_eq!(pixel(1, 0), [255, 128, 128]);
    assert_eq!(pixel(2, 2), [128, 0, 128]);
    assert_eq!(pixel(0, 0), [128, 128, 191]);
    assert_text(&svg, "from −0.50, dark");
    run.explained().filters[0].truncate(9);
    assert!(matches!(run.error(), Error::Mismatch(_)), "nine weights are not three channels");
}

#[test]
fn maps_of_images_in_colour_lie_above_them_in_grey() {
    let mut run = coloured();
    run.pixels.fill(0);
    let size = run.facts.shape.size();
    // Half of the mistake's image is white.
    run.pixels[3 * size..4 * size].chunks_mut(30).for_each(|row| row[15..].fill(255));
    run.explained().mistakes[0].importance[0] = 1.0;
    let svg = run.text("occlusion.svg");
    assert_text(&svg, "mean colour");
    let map = bitmap(&svg, 1).to_rgb8();
    let zoom = map.width() / 30;
    let at = |row: u32, column: u32| map.get_pixel(column * zoom, row * zoom).0;
    assert_eq!(at(10, 20), [255; 3], "white paper where nothing mattered");
    let black = at(10, 5);
    assert!(black.iter().all(|level| (100..200).contains(level)), "{black:?}");
    assert!(at(0, 0)[0] > at(0, 0)[2] + 50, "orange: {:?}", at(0, 0));
    let ink = map.pixels().filter(|pixel| pixel.0.iter().all(|level| *level < 60)).count();
    assert_eq!(ink, 0, "no outline between the halves");
}

#[test]
fn only_images_on_black_are_outlined() {
    for (background, outlined) in [(0, true), (200, false)] {
        let mut run = Run::new(1, 10, digits(), &[3]);
        run.explained().mistakes[0].importance.fill(0.0);
        run.pixels.fill(background);
        let image = &mut run.pixels[3 * PIXELS..4 * PIXELS];
        image[10 * 28 + 5..10 * 28 + 20].fill(255 - background);
        let svg = run.text("occlusion.svg");
        let dark = |pixel: &image::Rgb<u8>| pixel.0.iter().all(|level| *level < 60);
        let map = bitmap(&svg, 1).to_rgb8();
        assert_eq!(map.pixels().any(dark), outlined, "on {background}");
        assert_eq!(texts(&svg).join(" ").contains("outline"), outlined);
    }
}

#[test]
fn augmented_images_stand_beside_their_originals() {
    let mut run = coloured();
    let size = run.facts.shape.size();
    let row = |index: usize| Augmented {
        index,
        label: index % 10,
        image: vec![index as u8; size],
        versions: (1..4).map(|version| vec![(100 * version / 2) as u8; size]).collect(),
    };
    assert!(run.files().keys().all(|name| !name.starts_with("augmentation")));
    run.augmented = vec![row(7), row(12)];
    let files = run.files();
    let svg = std::str::from_utf8(&files["augmentation.svg"]).unwrap();
    assert_eq!(elements(svg, "image", &[]), 2 * 4);
    let levels: Vec<_> = (0..8).map(|i| bitmap(svg, i).to_rgb8().get_pixel(0, 0).0[0]).collect();
    assert_eq!(levels, [7, 50, 100, 150, 12, 50, 100, 150]);
    for text in ["7, #7", "2, #12", "in 3 epochs"] {
        assert_text(svg, text);
    }
    assert!(String::from_utf8_lossy(&files["report.html"]).contains("id=\"augmentation\""));
    // The same files before there is a report.
    let early = crate::sample::files(|directory| {
        write_augmentation(&run.name, &run.facts, &run.augmented, directory)
    });
    assert_eq!(early.keys().collect::<Vec<_>>(), ["augmentation.png", "augmentation.svg"]);
    assert!(early.iter().all(|(name, bytes)| files[name] == *bytes));
    run.augmented[1].versions[0].pop();
    assert!(matches!(run.error(), Error::Mismatch(_)));
}

#[test]
fn originals_keep_their_ratio_beside_what_the_network_sees() {
    let mut run = coloured();
    let shape = ImageShape { channels: 3, height: 40, width: 10 };
    run.originals = vec![Original { index: 4, shape, pixels: vec![9; shape.size()] }];
    let svg = run.text("originals.svg");
    assert_eq!(elements(&svg, "image", &[]), 2);
    assert_eq!(elements(&svg, "image", &[("width", "40"), ("height", "160")]), 1);
    assert_eq!(elements(&svg, "image", &[("width", "180"), ("height", "120")]), 1);
    assert_text(&svg, "4, #4");
    // An image that the network sees as it is says nothing.
    let shape = run.facts.shape;
    let pixels = run.pixels[4 * shape.size()..5 * shape.size()].to_vec();
    run.originals = vec![Original { index: 4, shape, pixels }];
    assert!(run.files().keys().all(|name| !name.starts_with("originals")));
    run.originals[0].index = 10;
    assert!(run.error().to_string().contains("original test image 10"));
}

#[test]
fn suspects_are_shown_with_label_and_answer() {
    let mut run = coloured();
    let size = run.facts.shape.size();
    run.train_pixels = vec![77; 3 * size];
    let suspect = |part, index, path: Option<&str>| Suspect {
        part,
        index,
        label: "three".to_owned(),
        predicted: "<b>five".to_owned(),
        probability: 0.9991,
        label_probability: 2e-7,
        loss: 15.4,
        path: path.map(str::to_owned),
    };
    run.suspects = Some(vec![
        suspect(HeldOut::Validation, 2, None),
        suspect(HeldOut::Test, 9, Some("three/a<b>.png")),
    ]);
    let files = run.files();
    let svg = std::str::from_utf8(&files["suspects.svg"]).unwrap();
    assert_eq!(texts(svg)[0], "2 labels that may be wrong");
    for text in ["label three rather <b>five 99.9 %, v#2", "99.9 %, #9"] {
        assert_text(svg, text);
    }
    assert_eq!(bitmap(svg, 0).to_rgb8().get_pixel(0, 0).0, [77; 3], "a validation image");
    let page = plain(std::str::from_utf8(&files["report.html"]).unwrap());
    for text in ["validation 2", "2.0e-7", "three/<wbr>a&lt;b&gt;.png"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<b>five"));
    run.suspects = Some(Vec::new());
    assert_text(&run.text("suspects.svg"), "No label looks wrong");
    run.suspects = Some(vec![suspect(HeldOut::Validation, 3, None)]);
    assert!(run.error().to_string().contains("suspect validation image 3"));
}

#[test]
fn balanced_figures_stand_beside_the_accuracy() {
    let mut run = coloured();
    assert!(!run.text("report.html").contains("balanced"));
    run.evaluation.balanced_accuracy = Some(0.5125);
    run.evaluation.macro_f1 = Some(0.4);
    let page = run.text("report.html");
    assert!(page.contains("<small>balanced 51.25 %<br>macro F1 40.00 %</small>"));
}
