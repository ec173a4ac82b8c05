//! The mistakes with the highest loss as images, and the mistakes of every class as a table.

use run::{HeldOut, Prediction};

use crate::drawing::gallery::{self, LABEL_ROOM, MOST_IMAGES, Tile};
use crate::drawing::*;
use crate::html::{table, text};
use crate::inputs::Inputs;
use crate::numbers::{count, percent, plural};

/// The most mistakes that the table lists, of one class and of all together. Every class lists at least one.
const MOST_OF_A_CLASS: usize = 20;
const MOST_LISTED: usize = 400;

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let all = inputs.mistakes();
    let tile = |p: &&Prediction| {
        let name = |class: usize| &inputs.facts.classes[class];
        let answer = |word: &str, class: usize| {
            let whole = format!("{word} {}", name(class));
            match TEXT.width(&whole) <= LABEL_ROOM {
                true => vec![(whole, TEXT)],
                // A long name has lines of its own: it is the answer, the word is not.
                false => {
                    let name = TEXT.in_two_lines(name(class), LABEL_ROOM);
                    [vec![(word.to_owned(), MUTED_TEXT)], name].concat()
                }
            }
        };
        let detail = format!("{}, #{}", percent(p.probability, 1), p.index);
        let mut labels = [answer("true", p.label), answer("predicted", p.predicted)].concat();
        labels.push(MUTED_TEXT.shrunk(&detail, LABEL_ROOM));
        Tile { image: (HeldOut::Test, p.index), labels, marked: false }
    };
    let tiles: Vec<Tile> = all.iter().take(MOST_IMAGES).map(tile).collect();
    let title = match (tiles.len(), all.len()) {
        (0, _) => "No mistakes".to_owned(),
        (1, 1) => "The only mistake".to_owned(),
        (shown, mistakes) if shown == mistakes => format!("All {shown} mistakes, worst first"),
        (shown, mistakes) => format!("The {shown} worst of {} mistakes", count(mistakes)),
    };
    let note = match (tiles.len(), inputs.predictions.len()) {
        (0, 1) => "The only test image is classified correctly.".to_owned(),
        (0, n) => format!("All {} test images are classified correctly.", count(n)),
        _ => "Ordered by loss. Below each image: its true class, its predicted class with the probability of that \
              class, and the number of the image in the test set, counted from 0."
            .to_owned(),
    };
    let (tiles, columns) = (gallery::draw(inputs, &tiles), gallery::COLUMNS);
    let table = by_class(inputs);
    Plot { name: "mistakes", title, note, tiles, columns, table, ..Plot::default() }
}

/// The mistakes of every class, the most probable prediction first.
fn by_class(inputs: &Inputs) -> String {
    let classes = &inputs.facts.classes;
    let most = (MOST_LISTED / classes.len()).clamp(1, MOST_OF_A_CLASS);
    let mut mistakes: Vec<Vec<&Prediction>> = vec![Vec::new(); classes.len()];
    for mistake in inputs.mistakes() {
        mistakes[mistake.label].push(mistake);
    }
    let row = |(class, mistakes): (&String, &mut Vec<&Prediction>)| {
        // What is not a number goes last, and equals keep the order of the test set.
        let sure = |p: &Prediction| if p.probability.is_nan() { -1.0 } else { p.probability };
        mistakes.sort_by(|a, b| sure(b).total_cmp(&sure(a)).then(a.index.cmp(&b.index)));
        let mut list = String::new();
        for p in mistakes.iter().take(most) {
            let (name, sure) = (text(&classes[p.predicted]), percent(p.probability, 1));
            list += &format!("<li><strong>{name}</strong> {sure}, #{}</li>", p.index);
        }
        if mistakes.len() > most {
            list += &format!("<li>and {} more</li>", count(mistakes.len() - most));
        }
        let list = match list.is_empty() {
            true => "no mistakes".to_owned(),
            false => format!("<ul class=\"mistakes\">{list}</ul>"),
        };
        vec![text(class), count(mistakes.len()), list]
    };
    let rows: Vec<_> = classes.iter().zip(&mut mistakes).map(row).collect();
    let caption = format!(
        "{} by class. For each: the predicted class, its probability, and the number of the image in the test set, \
         counted from 0; the most probable first.",
        plural(inputs.evaluation.errors, "mistake", "mistakes")
    );
    table(&caption, &["True class", "Mistakes", "Predicted"], &rows)
}
