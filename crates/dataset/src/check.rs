//! What is wrong with a data set, and what would be done to its images, before anything is trained.

mod duplicates;
mod scan;

use std::collections::BTreeMap;

use images::{ImageShape, Preparation};
use run::DataSettings;
use serde::Serialize;

use crate::error::Result;
use crate::event::Event;
use crate::load::LoadOptions;
use duplicates::{exact, near};
use scan::{Scan, scan};

/// The largest class may have so many times the images of the smallest without a warning.
const IMBALANCE: f64 = 5.0;
/// The most pairs of near duplicates that are listed.
const MOST_NEAR: usize = 1000;

/// What [`check`] found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The folder, the CSV or the name of the source.
    pub data: String,
    /// Images that would be used.
    pub n_images: usize,
    /// Files that cannot be read, each with the reason.
    pub unreadable: Vec<Unreadable>,
    /// Images in which the preparation finds nothing; they would be left out.
    pub blank: Vec<String>,
    /// Equal images under several labels.
    pub contradictions: Vec<Vec<Named>>,
    /// Equal images under one label; first those in several parts.
    pub duplicates: Vec<Vec<Named>>,
    /// Images that look the same without being equal: first those in different parts, then those under different labels.
    /// At most 1,000 pairs.
    pub near_duplicates: Vec<[Named; 2]>,
    /// How many such pairs were found. Of a scene that many images show not all pairs are looked for.
    pub n_near_duplicates: usize,
    /// How many of these are in different parts.
    pub n_near_across: usize,
    /// Images of each class in each part.
    pub classes: Vec<ClassCount>,
    /// How many times as many images the largest class has as the smallest, where that is five or more.
    pub imbalance: Option<f64>,
    /// Sizes of the images, `WIDTHxHEIGHT`, and how many have each; most first.
    pub sizes: Vec<(String, usize)>,
    /// What the files store, and how many each; most first.
    pub modes: Vec<(String, usize)>,
    /// What the network would take.
    pub shape: ImageShape,
    /// How images would become that.
    pub preparation: Preparation,
    /// What loading has to say.
    pub notices: Vec<String>,
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The file.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// An image, for people to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The file, relative to the folder of the images; or the position among the images of its part, from 0.
    pub path: String,
    /// `train`, `validation` or `test`.
    pub part: &'static str,
    /// Name of its class.
    pub label: String,
}

/// Images of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub class: String,
    /// Training images.
    pub train: usize,
    /// Images that the source sets apart for validation.
    pub validation: usize,
    /// Test images.
    pub test: usize,
}

impl Check {
    /// How many faults there are: files that cannot be read, groups of equal images, and pairs in different parts that look
    /// the same. What else was found may be meant so.
    #[must_use]
    pub fn n_faults(&self) -> usize {
        self.unreadable.len()
            + self.contradictions.len()
            + self.duplicates.len()
            + self.n_near_across
    }
}

/// Looks at every image of the data set that `settings.data` names. Nothing is written.
///
/// Test images that would be split off count as such. Memory: 400 bytes an image; where images have no files of their own,
/// also the images.
///
/// # Errors
/// As [`load`](crate::load), except for files that cannot be read and for classes without images: these are found.
pub fn check(
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Check> {
    let mut notices = Vec::new();
    let scan = scan(settings, options, &mut |event| match event {
        Event::Notice(text) => notices.push(text.to_owned()),
        event => on_event(event),
    })?;
    let Scan { data, classes: names, images, unreadable, blank, shape, preparation } = scan;
    let named = |index: u32| {
        let image = &images[index as usize];
        let label = names[usize::from(image.label)].clone();
        Named { path: image.path.clone(), part: image.part, label }
    };
    let (mut contradictions, mut duplicates) = (Vec::new(), Vec::new());
    for group in exact(&images) {
        let first = &images[group[0] as usize];
        let differ = |index: &u32| images[*index as usize].label != first.label;
        let list = if group.iter().any(differ) { &mut contradictions } else { &mut duplicates };
        list.push(group);
    }
    let is_across = |group: &[u32]| {
        group.iter().any(|&i| images[i as usize].part != images[group[0] as usize].part)
    };
    for list in [&mut contradictions, &mut duplicates] {
        list.sort_by_key(|group| !is_across(group));
    }
    let groups = |list: Vec<Vec<u32>>| {
        list.into_iter().map(|group| group.into_iter().map(named).collect()).collect()
    };
    let mut pairs = near(&images);
    let differs = |pair: &[u32; 2]| {
        let [a, b] = pair.map(|index| images[index as usize].label);
        a != b
    };
    pairs.sort_by_key(|pair| (!is_across(pair), !differs(pair), *pair));
    let n_near_across = pairs.iter().filter(|pair| is_across(*pair)).count();

    let classes = class_counts(&names, &images);
    Ok(Check {
        data,
        n_images: images.len(),
        unreadable,
        blank,
        contradictions: groups(contradictions),
        duplicates: groups(duplicates),
        n_near_duplicates: pairs.len(),
        n_near_across,
        near_duplicates: pairs.into_iter().take(MOST_NEAR).map(|pair| pair.map(named)).collect(),
        imbalance: imbalance(&classes),
        classes,
        sizes: counted(images.iter().map(|image| format!("{}x{}", image.sides[1], image.sides[0]))),
        modes: counted(images.iter().map(|image| image.mode.to_owned())),
        shape,
        preparation,
        notices,
    })
}

fn class_counts(names: &[String], images: &[scan::Scanned]) -> Vec<ClassCount> {
    let none =
        |class: &String| ClassCount { class: class.clone(), train: 0, validation: 0, test: 0 };
    let mut counts: Vec<ClassCount> = names.iter().map(none).collect();
    for image in images {
        let count = &mut counts[usize::from(image.label)];
        match image.part {
            scan::TEST => count.test += 1,
            scan::VALIDATION => count.validation += 1,
            _ => count.train += 1,
        }
    }
    counts
}

fn imbalance(classes: &[ClassCount]) -> Option<f64> {
    let n = |count: &ClassCount| count.train + count.validation + count.test;
    let most = classes.iter().map(n).max()? as f64;
    let fewest = classes.iter().map(n).min()?.max(1) as f64;
    (most / fewest >= IMBALANCE).then_some(most / fewest)
}

/// Different values and how often each occurs, most first.
fn counted(values: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_insert(0) += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}
