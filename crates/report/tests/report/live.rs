//! The page of a run in training.

use report::{Error, curves_svg, live_page};

use crate::sample::*;

#[test]
fn the_live_page_has_the_curves_and_the_last_figures() {
    let mut run = Run::new(3, 10, digits(), &[]);
    run.name = "</main><script>x".to_owned();
    let page = |n: usize| {
        live_page(&run.name, &run.config, &run.facts, &run.metrics[..n], "Epoch 1: 40 < 50")
    };
    let first = page(0);
    assert!(first.contains("They begin with the first epoch") && first.contains("40 &lt; 50"));
    let later = page(3);
    for text in ["<dd>3<small>of 20</small>", "validation 98.00 %", "3 min 3 s", "<svg"] {
        assert!(later.contains(text), "{text}");
    }
    for page in [first, later] {
        assert_eq!(page.matches("<script").count(), 1, "markup in a name is text");
        assert!(!page.contains("http:") && !page.contains("https:"));
    }
}

#[test]
fn the_curves_are_those_of_the_report() {
    let run = Run::new(3, 10, digits(), &[]);
    let svg = |n: usize| curves_svg(&run.name, &run.config, &run.facts, &run.metrics[..n]);
    assert_eq!(svg(3).unwrap(), run.files()["curves.svg"]);
    assert!(matches!(svg(0), Err(Error::Empty(_))));
}
