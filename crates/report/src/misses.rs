//! Every class's mistakes with their probabilities, as a table.

use run::Prediction;

use crate::html::text;
use crate::inputs::Inputs;
use crate::text::{count, percent, plural};

/// The most mistakes that are listed: of one class, and of all together where there are many
/// classes. Every class shows one at least.
const MOST_OF_A_CLASS: usize = 20;
const MOST: usize = 400;

/// One row a class: what its images were taken for, the surest mistake first.
pub(crate) fn table(inputs: &Inputs) -> String {
    let n_classes = inputs.facts.classes.len();
    let most = (MOST / n_classes).clamp(1, MOST_OF_A_CLASS);
    let mut classes: Vec<Vec<&Prediction>> = vec![Vec::new(); n_classes];
    for mistake in inputs.mistakes() {
        classes[mistake.label].push(mistake);
    }
    let mut rows = String::new();
    for (class, mistakes) in inputs.facts.classes.iter().zip(&mut classes) {
        // What is no number goes last, and equals in the order of the test set.
        let sure = |p: &Prediction| if p.probability.is_nan() { -1.0 } else { p.probability };
        mistakes.sort_by(|a, b| sure(b).total_cmp(&sure(a)).then(a.index.cmp(&b.index)));
        let list = if mistakes.is_empty() {
            "no mistakes".to_owned()
        } else {
            let one = |p: &&Prediction| {
                format!(
                    "<li><strong>{}</strong> {}, #{}</li>",
                    text(&inputs.facts.classes[p.predicted]),
                    percent(p.probability, 1),
                    p.index
                )
            };
            let mut list: String = mistakes.iter().take(most).map(one).collect();
            if mistakes.len() > most {
                list += &format!("<li>and {} more</li>", count(mistakes.len() - most));
            }
            format!("<ul class=\"misses\">{list}</ul>")
        };
        rows += &format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{list}</td></tr>\n",
            text(class),
            count(mistakes.len())
        );
    }
    format!(
        "<table class=\"by-class\">\n<caption>{}. For each: the class it was taken for, how probable \
         the network thought that, and its number in the test set, counted from 0; the surest \
         first.</caption>\n<thead><tr><th scope=\"col\">True class</th>\
         <th scope=\"col\">Mistakes</th><th scope=\"col\">Taken for</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table>",
        plural(inputs.evaluation.errors, "mistake", "mistakes")
    )
}
