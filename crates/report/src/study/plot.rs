//! Test errors, training time and losses of every recipe, one row each.

use statrs::statistics::Statistics;

use super::{StudyRecipe, StudyRun};
use crate::drawing::*;
use crate::numbers::{accuracy, count, duration, loss, plural};

/// Left and right edges of the names, of both axes and of the last column.
const NAMES: (i32, i32) = (0, 420);
const ERRORS: (i32, i32) = (450, 1130);
const TIME: (i32, i32) = (1240, 1780);
const LOSSES: (i32, i32) = (1830, 2190);

/// Where the first row begins, below the headings, and the height of a row.
const TOP: i32 = 46;
const ROW: i32 = 136;

/// The most numbers that the axes of errors and of times have room for: all errors, and six times.
const MOST_ERRORS: usize = 20;
const MOST_TIMES: usize = 6;

/// Radius of a seed's dot, and how far dots that would overlap are moved up or down.
const DOT: i32 = 9;
const LEVELS: [i32; 5] = [0, 18, -18, 9, -9];

/// Errors are counted per this many images where the runs' test sets differ in size.
const PER: usize = 10_000;

pub(super) fn plot(recipes: &[StudyRecipe]) -> Plot {
    let out_of = n_test(recipes);
    let axis = match out_of {
        Some(n_test) => format!("test errors out of {}", count(n_test)),
        None => format!("test errors per {} images", count(PER)),
    };
    let out_of = out_of.unwrap_or(PER) as f64;
    let mut canvas = Canvas::new(LOSSES.1, TOP + recipes.len() as i32 * ROW + BELOW);
    draw_names(&mut canvas, recipes);
    draw_errors(&mut canvas, recipes, out_of, &axis);
    draw_times(&mut canvas, recipes);
    draw_losses(&mut canvas, recipes);
    let alt = |recipe: &StudyRecipe| {
        let origin = if recipe.synthetic { " (synthetic)" } else { "" };
        format!(
            "{}{origin}: {}, {} errors, {}.",
            recipe.recipe,
            plural(recipe.runs.len(), "seed", "seeds"),
            spread(&errors(recipe, out_of)),
            duration(seconds(recipe).mean())
        )
    };
    let alts: Vec<_> = recipes.iter().map(alt).collect();
    let [recipes_text, runs] = [
        plural(recipes.len(), "recipe", "recipes"),
        plural(recipes.iter().map(|recipe| recipe.runs.len()).sum(), "run", "runs"),
    ];
    Plot {
        name: "study",
        title: "Test errors and training time by recipe".to_owned(),
        subtitle: format!("{recipes_text}, {runs}"),
        synthetic: recipes.iter().all(|recipe| recipe.synthetic),
        note: note(recipes),
        panels: vec![canvas.described(format!("{axis}. {}", alts.join(" ")))],
        ..Plot::default()
    }
}

fn note(recipes: &[StudyRecipe]) -> String {
    let mut note = "Each dot is one run with its own seed. The vertical bar is the mean; the horizontal bar, and the \
                    number after ±, is one standard deviation over the seeds (n − 1). Losses and accuracies are means \
                    over the seeds, of the tested weights on the original images."
        .to_owned();
    if recipes.iter().flat_map(|recipe| recipe.runs).any(|run| run.seconds_to_99.is_some()) {
        note += " A green diamond is the time until an epoch first reached 99 % in validation or, where nothing is \
                 validated, that of a run with 99 % of the test images correct.";
    }
    note
}

/// How many test images all runs have, if equally many.
fn n_test(recipes: &[StudyRecipe]) -> Option<usize> {
    let mut sizes = recipes.iter().flat_map(|recipe| recipe.runs).map(|run| run.n_test);
    let first = sizes.next()?;
    sizes.all(|n_test| n_test == first).then_some(first)
}

/// Every seed's errors, out of so many images.
fn errors(recipe: &StudyRecipe, out_of: f64) -> Vec<f64> {
    recipe.runs.iter().map(|run| run.errors as f64 * out_of / run.n_test as f64).collect()
}

/// The training times that were measured.
fn seconds(recipe: &StudyRecipe) -> Vec<f64> {
    recipe.runs.iter().map(|run| run.seconds).filter(measured).collect()
}

/// Mean and standard deviation of a sample; of one value the value.
fn spread(values: &[f64]) -> String {
    match values {
        [one] => format!("{one:.0}"),
        _ => format!("{:.1} ± {:.1}", values.mean(), values.std_dev()),
    }
}

/// The heights of the middles of the rows.
fn middles() -> impl Iterator<Item = i32> {
    (TOP + ROW / 2..).step_by(ROW as usize)
}

/// Draws the axes of a column, whose rows are the recipes, below its title.
fn draw_axes(
    canvas: &mut Canvas,
    recipes: &[StudyRecipe],
    (left, right): (i32, i32),
    (title, name): (&str, &str),
    (ticks, most): (&[Tick], usize),
) -> Axes {
    let n = recipes.len();
    let (x, y) = ((ticks[0].0, ticks[ticks.len() - 1].0), (n as f64, 0.0));
    let axes = Axes { left, top: TOP, right, bottom: TOP + n as i32 * ROW, x, y, size: TEXT.size };
    axes.draw_verticals(canvas, ticks);
    let numbered: Vec<Tick> = ticks.iter().step_by(ticks.len().div_ceil(most)).cloned().collect();
    axes.draw_columns(canvas, &numbered, name);
    canvas.text(title, (left, 0), BOLD_TEXT);
    axes
}

fn draw_names(canvas: &mut Canvas, recipes: &[StudyRecipe]) {
    for (recipe, y) in recipes.iter().zip(middles()) {
        for edge in [y - ROW / 2, y + ROW / 2] {
            canvas.line(&[(NAMES.0, edge), (LOSSES.1, edge)], 2, GRID);
        }
        let name = BOLD_TEXT.fit(recipe.recipe, NAMES.1 - NAMES.0);
        canvas.text(&name, (NAMES.0, y - 18), BOLD_TEXT.level());
        let seeds = plural(recipe.runs.len(), "seed", "seeds");
        let origin = if recipe.synthetic { ", synthetic" } else { "" };
        canvas.text(&format!("{seeds}{origin}"), (NAMES.0, y + 18), MUTED_TEXT.level());
    }
}

fn draw_errors(canvas: &mut Canvas, recipes: &[StudyRecipe], out_of: f64, name: &str) {
    let all = recipes.iter().flat_map(|recipe| errors(recipe, out_of));
    // The smallest axis is one of few whole errors.
    let ticks = ticks(0.0, 1.02 * all.fold(4.0, f64::max), 7);
    let ticks: Vec<Tick> = ticks.iter().map(|&tick| (tick, count(tick.round() as usize))).collect();
    let titles = ("Test errors, fewer is better", name);
    let axes = draw_axes(canvas, recipes, ERRORS, titles, (&ticks, MOST_ERRORS));
    for (recipe, y) in recipes.iter().zip(middles()) {
        let errors = errors(recipe, out_of);
        draw_dots(canvas, &axes, &errors, y);
        let (mean, deviation) = ((&errors).mean(), (&errors).std_dev());
        if deviation > 0.0 {
            let end = |value: f64| axes.place((value.clamp(0.0, axes.x.1), 0.0)).0;
            canvas.line(&[(end(mean - deviation), y), (end(mean + deviation), y)], 4, INK);
        }
        draw_mean(canvas, &axes, mean, &spread(&errors), y);
    }
}

fn draw_times(canvas: &mut Canvas, recipes: &[StudyRecipe]) {
    let runs = recipes.iter().flat_map(|recipe| recipe.runs);
    let times = runs.flat_map(|run| [Some(run.seconds), run.seconds_to_99]).flatten();
    let ticks = time_ticks(times.filter(measured));
    let titles = ("Training time", "time on a logarithmic axis");
    let axes = draw_axes(canvas, recipes, TIME, titles, (&ticks, MOST_TIMES));
    let within = |time: f64| time.ln().clamp(axes.x.0, axes.x.1);
    for (recipe, y) in recipes.iter().zip(middles()) {
        for time in recipe.runs.iter().filter_map(|run| run.seconds_to_99).filter(measured) {
            markers::draw(canvas, 3, GREEN, (axes.place((within(time), 0.0)).0, y));
        }
        let seconds = seconds(recipe);
        let places: Vec<_> = seconds.iter().map(|&time| within(time)).collect();
        draw_dots(canvas, &axes, &places, y);
        if !seconds.is_empty() {
            let mean = (&seconds).mean();
            draw_mean(canvas, &axes, within(mean), &duration(mean), y);
        }
    }
}

fn draw_losses(canvas: &mut Canvas, recipes: &[StudyRecipe]) {
    canvas.text("Loss, accuracy", (LOSSES.0, 0), BOLD_TEXT);
    for (recipe, y) in recipes.iter().zip(middles()) {
        // A mean is known where every seed has the value.
        let mean = |value: fn(&StudyRun) -> Option<f64>, write: fn(f64) -> String| {
            let values: Option<Vec<f64>> = recipe.runs.iter().map(value).collect();
            values.map(|values| write(values.mean()))
        };
        let training = mean(|run| Some(run.train_loss), loss).unwrap_or_default();
        let validation =
            match (mean(|run| run.val_loss, loss), mean(|run| run.val_accuracy, accuracy)) {
                (Some(loss), Some(accuracy)) => format!("{loss}, {accuracy}"),
                (loss, accuracy) => loss.or(accuracy).unwrap_or_else(|| "none".to_owned()),
            };
        canvas.text(&format!("training {training}"), (LOSSES.0, y - 18), TEXT.level());
        canvas.text(&format!("validation {validation}"), (LOSSES.0, y + 18), TEXT.level());
    }
}

/// A dot for each value, moved up or down where it would overlap another.
fn draw_dots(canvas: &mut Canvas, axes: &Axes, values: &[f64], y: i32) {
    let mut places: Vec<i32> = values.iter().map(|&value| axes.place((value, 0.0)).0).collect();
    places.sort_unstable();
    let mut ends = [i32::MIN; LEVELS.len()];
    for x in places {
        // Where every level is taken, dots do overlap, and look darker.
        let level = ends.iter().position(|&end| x > end).unwrap_or(0);
        ends[level] = x + 2 * DOT;
        canvas.circle((x, y + LEVELS[level]), DOT, BLUE.faded(0.6));
    }
}

/// The bar of a mean, and its value above.
fn draw_mean(canvas: &mut Canvas, axes: &Axes, value: f64, label: &str, y: i32) {
    let (x, _) = axes.place((value, 0.0));
    canvas.line(&[(x, y - 26), (x, y + 26)], 5, INK);
    let half = BOLD_TEXT.width(label) / 2;
    let x = axes.within(x, 2 * half);
    let top = y - ROW / 2 + 10;
    // Grid lines end where the label stands.
    canvas.rect((x - half, top - 4), (2 * half, TEXT.size + 8), PAPER);
    canvas.text(label, (x, top), BOLD_TEXT.centred());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[2.0, 4.0, 6.0]), "4.0 ± 2.0");
        assert_eq!(spread(&[7.0]), "7");
    }
}
