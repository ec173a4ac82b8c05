//! Test errors and training time of every seed, recipe by recipe.

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

use super::StudyRecipe;
use super::columns::{self, ERRORS, ROW, TIME, TOP, WIDTH, draw_heading, middles};
use super::spread::{deviation, mean, spread};
use super::times::{measured, times_around};
use crate::frame::{LINE, MARGIN, TEXT, note_lines, notes, titles};
use crate::marks;
use crate::palette::{BLUE, GREEN, INK, PAPER};
use crate::plot::{BELOW, Plot, Tick};
use crate::render::{Area, Drawing, Drawn};
use crate::text::{Weight, clean, count, duration, plural, style, width};
use crate::ticks::ticks;

/// Radius of a seed's dot, and how far dots that would lie on one another are moved up or down.
const DOT: i32 = 9;
const LEVELS: [i32; 5] = [0, 18, -18, 9, -9];

/// Errors are counted on this many images where the runs' test sets differ in size.
const PER: usize = 10_000;

/// The most numbers that a time axis has room for.
const MOST_TIMES: usize = 6;

/// The picture of all recipes.
pub(super) struct Study<'a> {
    pub(super) recipes: &'a [StudyRecipe<'a>],
}

impl Drawing for Study<'_> {
    fn name(&self) -> &'static str {
        "study"
    }

    fn alt(&self) -> String {
        let recipe = |recipe: &StudyRecipe| {
            let runs = plural(recipe.runs.len(), "seed", "seeds");
            let (errors, time) = (self.errors(recipe), mean(&seconds(recipe)));
            format!("{}: {runs}, {} errors, {}.", name(recipe), spread(&errors), duration(time))
        };
        let recipes: Vec<_> = self.recipes.iter().map(recipe).collect();
        clean(&format!("{}, {}. {}", self.title(), self.axis(), recipes.join(" ")))
    }

    fn size(&self) -> (i32, i32) {
        let lines = note_lines(&self.note(), WIDTH).len() as i32;
        (WIDTH, self.notes_top() + lines * LINE + MARGIN)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        let runs = self.recipes.iter().map(|recipe| recipe.runs.len()).sum();
        let subtitle = format!(
            "{}, {}",
            plural(self.recipes.len(), "recipe", "recipes"),
            plural(runs, "run", "runs")
        );
        titles(area, &self.title(), &subtitle)?;
        columns::draw_names(area, self.recipes)?;
        self.draw_errors(area)?;
        self.draw_times(area)?;
        columns::draw_losses(area, self.recipes)?;
        notes(area, &note_lines(&self.note(), WIDTH), self.notes_top())
    }
}

impl Study<'_> {
    fn title(&self) -> String {
        let title = "Test errors and training time by recipe";
        let all = self.recipes.iter().all(|recipe| recipe.synthetic);
        if all { format!("{title} (synthetic data)") } else { title.to_owned() }
    }

    /// How many test images all runs have, if equally many.
    fn n_test(&self) -> Option<usize> {
        let mut sizes = self.recipes.iter().flat_map(|recipe| recipe.runs).map(|run| run.n_test);
        let first = sizes.next()?;
        sizes.all(|n_test| n_test == first).then_some(first)
    }

    fn axis(&self) -> String {
        match self.n_test() {
            Some(n_test) => format!("test errors out of {}", count(n_test)),
            None => format!("test errors per {} images", count(PER)),
        }
    }

    /// Every seed's errors on the axis' scale.
    fn errors(&self, recipe: &StudyRecipe) -> Vec<f64> {
        let out_of = self.n_test().unwrap_or(PER) as f64;
        recipe.runs.iter().map(|run| run.errors as f64 * out_of / run.n_test as f64).collect()
    }

    fn note(&self) -> String {
        let mut note =
            "Each dot is one run with its own seed. The upright bar is the mean; beside \
                        it, and after ±, one standard deviation over the seeds (n − 1). Losses and \
                        accuracies are means over the seeds, of the tested weights on images as \
                        they are."
                .to_owned();
        if self.recipes.iter().flat_map(|recipe| recipe.runs).any(|r| r.seconds_to_99.is_some()) {
            note += " A green diamond is the time until an epoch first reached 99 % in validation or, \
                     where nothing is validated, that of a run with 99 % of the test images right.";
        }
        note
    }

    fn bottom(&self) -> i32 {
        TOP + self.recipes.len() as i32 * ROW
    }

    fn notes_top(&self) -> i32 {
        self.bottom() + BELOW + 20
    }

    /// The plot between these edges, whose rows are the recipes.
    fn plot(&self, (left, right): (i32, i32), x: (f64, f64)) -> Plot {
        let y = (self.recipes.len() as f64, 0.0);
        Plot { left, top: TOP, right, bottom: self.bottom(), x, y, em: TEXT }
    }

    fn draw_errors<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        let all = self.recipes.iter().flat_map(|recipe| self.errors(recipe));
        // The smallest axis is one of few whole errors.
        let most = all.fold(4.0, f64::max);
        let marks = ticks(0.0, 1.02 * most, 7);
        let columns: Vec<Tick> = marks.iter().map(|&m| (m, count(m.round() as usize))).collect();
        let plot = self.plot(ERRORS, (0.0, marks[marks.len() - 1]));
        plot.draw_uprights(area, &columns)?;
        plot.draw_columns(area, &columns, &self.axis())?;
        draw_heading(area, "Test errors, fewer is better", ERRORS.0)?;
        for (recipe, y) in self.recipes.iter().zip(middles()) {
            let errors = self.errors(recipe);
            draw_dots(area, &plot, &errors, y)?;
            let (middle, deviation) = (mean(&errors), deviation(&errors));
            if deviation > 0.0 {
                let end = |value: f64| plot.place((value.clamp(0.0, plot.x.1), 0.0)).0;
                let ends = vec![(end(middle - deviation), y), (end(middle + deviation), y)];
                area.draw(&PathElement::new(ends, INK.stroke_width(4)))?;
            }
            draw_mean(area, &plot, middle, &spread(&errors), y)?;
        }
        Ok(())
    }

    fn draw_times<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        let runs = || self.recipes.iter().flat_map(|recipe| recipe.runs);
        let times = runs().flat_map(|run| [Some(run.seconds), run.seconds_to_99]).flatten();
        let marks = times_around(times.filter(measured));
        let columns: Vec<Tick> =
            marks.iter().map(|(time, label)| (time.ln(), (*label).to_owned())).collect();
        let plot = self.plot(TIME, (columns[0].0, columns[columns.len() - 1].0));
        plot.draw_uprights(area, &columns)?;
        let every = columns.len().div_ceil(MOST_TIMES);
        let numbered: Vec<Tick> = columns.iter().step_by(every).cloned().collect();
        plot.draw_columns(area, &numbered, "time on a logarithmic axis")?;
        draw_heading(area, "Training time", TIME.0)?;
        let within = |time: f64| time.ln().clamp(plot.x.0, plot.x.1);
        for (recipe, y) in self.recipes.iter().zip(middles()) {
            let seconds = seconds(recipe);
            for time in recipe.runs.iter().filter_map(|r| r.seconds_to_99).filter(measured) {
                marks::draw(area, 3, GREEN, (plot.place((within(time), 0.0)).0, y))?;
            }
            draw_dots(area, &plot, &seconds.iter().map(|&s| within(s)).collect::<Vec<_>>(), y)?;
            if !seconds.is_empty() {
                let middle = mean(&seconds);
                draw_mean(area, &plot, within(middle), &duration(middle), y)?;
            }
        }
        Ok(())
    }
}

/// A dot a value, moved up or down where it would lie on another.
fn draw_dots<DB: DrawingBackend>(
    area: &Area<DB>,
    plot: &Plot,
    values: &[f64],
    y: i32,
) -> Drawn<DB> {
    let mut places: Vec<i32> = values.iter().map(|&value| plot.place((value, 0.0)).0).collect();
    places.sort_unstable();
    let mut ends = [i32::MIN; LEVELS.len()];
    for x in places {
        // Where every level is taken, dots do cover one another, and their ink adds up.
        let level = ends.iter().position(|&end| x > end).unwrap_or(0);
        ends[level] = x + 2 * DOT;
        area.draw(&Circle::new((x, y + LEVELS[level]), DOT, BLUE.mix(0.6).filled()))?;
    }
    Ok(())
}

/// The bar of a mean, and above it what it is.
fn draw_mean<DB: DrawingBackend>(
    area: &Area<DB>,
    plot: &Plot,
    value: f64,
    label: &str,
    y: i32,
) -> Drawn<DB> {
    let (x, _) = plot.place((value, 0.0));
    area.draw(&PathElement::new(vec![(x, y - 26), (x, y + 26)], INK.stroke_width(5)))?;
    let half = width(label, TEXT, Weight::Bold) / 2;
    let x = x.clamp(plot.left + half, (plot.right - half).max(plot.left + half));
    let (top, bold) = (y - ROW / 2 + 10, style(TEXT, Weight::Bold, INK, HPos::Center, VPos::Top));
    // Uprights end where the label stands.
    let behind = [(x - half, top - 4), (x + half, top + TEXT + 4)];
    area.draw(&Rectangle::new(behind, PAPER.filled()))?;
    area.draw_text(label, &bold, (x, top))
}

/// Name of the recipe, with a word on made-up data.
fn name(recipe: &StudyRecipe) -> String {
    if recipe.synthetic {
        format!("{} (synthetic)", recipe.recipe)
    } else {
        recipe.recipe.to_owned()
    }
}

/// The training times that were measured.
fn seconds(recipe: &StudyRecipe) -> Vec<f64> {
    recipe.runs.iter().map(|run| run.seconds).filter(measured).collect()
}
