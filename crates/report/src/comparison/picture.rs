//! Loss and accuracy of several runs over their epochs.
//!
//! Both axes are logarithmic, the second in the part that is wrong: the runs worth comparing differ
//! by tenths of a percent, which a straight axis that holds the first epoch too would not show.

use plotters::element::{DashedPathElement, PathElement};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use run::EpochMetrics;

use super::labels::apart;
use super::quantity::Quantity;
use super::{ComparedRun, label};
use crate::frame::{HEADER, LINE, MARGIN, note_lines, notes, titles};
use crate::marks;
use crate::palette::{INK, MUTED};
use crate::plot::{BELOW, Plot, Tick};
use crate::render::{Area, Drawing, Drawn};
use crate::text::{Weight, clean, fit, loss, percent, plural, style, width};
use crate::ticks::{decimals, log_ticks, whole_ticks};

/// Width and height of a panel, and where the plot lies in it; the labels stand on its right.
const PANEL: (i32, i32) = (1240, 820);
const LEFT: i32 = 150;
const RIGHT: i32 = 740;
const TOP: i32 = 70;
const LABELS: i32 = RIGHT + 70;

const WIDTH: i32 = 2 * PANEL.0;

/// Ems of a panel's title and of the rest.
const HEADING: i32 = 30;
const EM: i32 = 25;

/// Marks on one line.
const MOST_MARKS: usize = 8;

/// The picture of all runs.
pub(super) struct Comparison<'a> {
    pub(super) runs: &'a [ComparedRun<'a>],
}

impl Drawing for Comparison<'_> {
    fn name(&self) -> &'static str {
        "comparison"
    }

    fn alt(&self) -> String {
        let run = |run: &ComparedRun| {
            let row = run.metrics.last().expect("write_comparison refuses a run without epochs");
            let [training, validation] = Quantity::Loss.of(row);
            let accuracy = row
                .val_accuracy
                .map_or_else(String::new, |part| format!(" and accuracy {}", percent(part, 2)));
            let validation = validation.map_or_else(
                || "nothing held out for validation".to_owned(),
                |value| format!("validation loss {}{accuracy}", loss(value)),
            );
            let training = training.map_or_else(String::new, loss);
            format!("{}: at the end training loss {training}, {validation}.", label(run))
        };
        let runs: Vec<_> = self.runs.iter().map(run).collect();
        clean(&format!("{}. {}", self.title(), runs.join(" ")))
    }

    fn size(&self) -> (i32, i32) {
        let lines = note_lines(&self.note(), WIDTH).len() as i32;
        (WIDTH, HEADER + PANEL.1 + 10 + lines * LINE + MARGIN)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        titles(area, &self.title(), &self.data())?;
        let (_, below) = area.split_vertically(HEADER);
        let (panels, _) = below.split_vertically(PANEL.1);
        let (left, right) = panels.split_horizontally(PANEL.0);
        self.draw_panel(&left, Quantity::Loss)?;
        self.draw_panel(&right, Quantity::Accuracy)?;
        notes(area, &note_lines(&self.note(), WIDTH), HEADER + PANEL.1 + 10)
    }
}

/// One half of the picture alone, for a page, where the halves stand below each other if need be.
pub(super) struct Half<'a> {
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) quantity: Quantity,
}

impl Drawing for Half<'_> {
    fn name(&self) -> &'static str {
        match self.quantity {
            Quantity::Loss => "comparison-loss",
            Quantity::Accuracy => "comparison-accuracy",
        }
    }

    fn alt(&self) -> String {
        format!("{}. {}", self.quantity.title(), self.comparison.alt())
    }

    fn size(&self) -> (i32, i32) {
        PANEL
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        self.comparison.draw_panel(area, self.quantity)
    }
}

impl Comparison<'_> {
    fn title(&self) -> String {
        let title = match self.runs.len() {
            1 => "One run".to_owned(),
            n => format!("{} compared", plural(n, "run", "runs")),
        };
        let all = self.runs.iter().all(|run| run.facts.synthetic);
        if all { format!("{title} (synthetic data)") } else { title }
    }

    /// Names of the data sets, each once.
    fn data(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for run in self.runs {
            if !names.contains(&run.facts.name.as_str()) {
                names.push(&run.facts.name);
            }
        }
        names.join(", ")
    }

    pub(super) fn note(&self) -> String {
        let mut note = "Thick lines are validation, thin dashed ones training, measured while the \
                        weights still move, with dropout and augmentation on where a run has them. \
                        Beside each line: the run and its last value, in validation where anything \
                        is held out for it."
            .to_owned();
        let lost = |quantity: Quantity| {
            let rows = self.runs.iter().flat_map(|run| run.metrics);
            let values = rows.flat_map(|row| quantity.of(row)).flatten();
            values.filter(|&value| quantity.measure(value).is_none()).count()
        };
        let lost = lost(Quantity::Loss) + lost(Quantity::Accuracy);
        if lost > 0 {
            note +=
                &format!(" Left out: {} that cannot be drawn.", plural(lost, "value", "values"));
        }
        note
    }

    fn draw_panel<DB: DrawingBackend>(&self, area: &Area<DB>, quantity: Quantity) -> Drawn<DB> {
        let heading = style(HEADING, Weight::Bold, INK, HPos::Left, VPos::Top);
        area.draw_text(quantity.title(), &heading, (MARGIN, 0))?;
        let plot = self.plot(area, quantity)?;
        let mut ends = Vec::new();
        for (position, run) in self.runs.iter().enumerate() {
            let colour = marks::colour(position);
            let lines = [0, 1].map(|line| {
                let point = |row: &EpochMetrics| {
                    let measure = quantity.measure(quantity.of(row)[line]?)?;
                    Some(plot.place((row.epoch as f64, quantity.height(measure))))
                };
                run.metrics.iter().map(point).collect::<Vec<_>>()
            });
            // A gap in the line where a value is missing, instead of a bridge nobody measured.
            for piece in lines[0].split(Option::is_none).filter(|piece| !piece.is_empty()) {
                let piece = piece.iter().flatten().copied();
                let style = colour.stroke_width(2);
                area.draw(&DashedPathElement::new(piece, 10, 7, style))?;
            }
            for piece in lines[1].split(Option::is_none).filter(|piece| !piece.is_empty()) {
                let piece: Vec<_> = piece.iter().flatten().copied().collect();
                area.draw(&PathElement::new(piece, colour.stroke_width(4)))?;
            }
            let validates = lines[1].iter().any(Option::is_some);
            let marked = &lines[usize::from(validates)];
            let every = marked.len().div_ceil(MOST_MARKS);
            for point in marked.iter().skip(position % every).step_by(every).flatten() {
                marks::draw(area, position, colour, *point)?;
            }
            let last = marked.iter().zip(run.metrics).rev().find_map(|(point, row)| {
                Some(((*point)?, quantity.of(row)[usize::from(validates)]?))
            });
            if let Some((point, value)) = last {
                ends.push((position, point, format!(": {}", quantity.write(value))));
            }
        }
        self.draw_labels(area, &plot, ends)
    }

    /// Axes over the epochs and values of all runs.
    fn plot<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        quantity: Quantity,
    ) -> std::result::Result<Plot, plotters::drawing::DrawingAreaErrorKind<DB::ErrorType>> {
        let rows = || self.runs.iter().flat_map(|run| run.metrics);
        let (first, last) = rows().fold((usize::MAX, 0), |(first, last), row| {
            (first.min(row.epoch), last.max(row.epoch))
        });
        let (first, last) = (first as f64, last as f64);
        let measures = rows().flat_map(|row| quantity.of(row)).flatten();
        let (low, high) = measures
            .filter_map(|value| quantity.measure(value))
            .fold((f64::MAX, f64::MIN), |(low, high), m| (low.min(m), high.max(m)));
        let marks = match quantity {
            _ if low > high => log_ticks(0.01, 1.0),
            Quantity::Loss => log_ticks(low, high),
            // More than all cannot be wrong.
            Quantity::Accuracy => log_ticks(low.min(0.5), high),
        };
        let write = |mark: f64| match quantity {
            Quantity::Loss if mark < 1e-4 => format!("{mark:e}"),
            Quantity::Loss => mark.to_string(),
            Quantity::Accuracy => percent(1.0 - mark, decimals(100.0 * mark)),
        };
        let ticks: Vec<Tick> =
            marks.iter().map(|&mark| (quantity.height(mark), write(mark))).collect();
        let heights = ticks.iter().map(|tick| tick.0);
        let pad = (0.02 * (last - first)).max(0.5);
        let plot = Plot {
            left: LEFT,
            top: TOP,
            right: RIGHT,
            bottom: PANEL.1 - BELOW,
            x: (first - pad, last + pad),
            y: (
                heights.clone().fold(f64::INFINITY, f64::min),
                heights.fold(f64::NEG_INFINITY, f64::max),
            ),
            em: EM,
        };
        plot.draw_rows(area, &ticks)?;
        let epochs = whole_ticks(first, last, 8).into_iter().map(|e| (e, format!("{e:.0}")));
        plot.draw_columns(area, &epochs.collect::<Vec<_>>(), "epoch")?;
        Ok(plot)
    }

    /// The runs' names beside the ends of their lines, moved apart where these meet.
    fn draw_labels<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        plot: &Plot,
        mut ends: Vec<(usize, (i32, i32), String)>,
    ) -> Drawn<DB> {
        ends.sort_by_key(|(_, (_, y), _)| *y);
        let wished: Vec<_> = ends.iter().map(|(_, (_, y), _)| *y).collect();
        for ((position, end, value), y) in ends.iter().zip(apart(&wished, plot.top, plot.bottom)) {
            let colour = marks::colour(*position);
            let leader = vec![(end.0 + 14, end.1), (LABELS - 18, y)];
            area.draw(&PathElement::new(leader, MUTED.stroke_width(1)))?;
            marks::draw(area, *position, colour, (LABELS, y))?;
            let room = PANEL.0 - 20 - LABELS - 20 - width(value, EM, Weight::Regular);
            let name = fit(&label(&self.runs[*position]), EM, Weight::Regular, room);
            let text = style(EM, Weight::Regular, INK, HPos::Left, VPos::Center);
            area.draw_text(&format!("{name}{value}"), &text, (LABELS + 20, y))?;
        }
        Ok(())
    }
}
