//! The text of `/metrics`, read back.

use std::collections::BTreeMap;

/// All series with their values.
#[derive(Default)]
pub(super) struct Scrape {
    series: BTreeMap<String, f64>,
}

impl Scrape {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        // Values of labels may hold spaces, so the value is what follows the last one.
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        let pairs = pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        Self { series: pairs.collect() }
    }

    /// The sum of the series of a name that hold all of the labels, each as `name="value"`.
    pub(super) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name = self.series.iter().filter_map(|(key, value)| {
            let rest = key.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('{')).then_some((rest, value))
        });
        let fits = |rest: &str| labels.iter().all(|label| rest.contains(label));
        of_name.filter(|(rest, _)| fits(rest)).map(|(_, value)| value).sum()
    }

    /// How much more than `before` the series sum up to.
    pub(super) fn since(&self, before: &Self, name: &str, labels: &[&str]) -> f64 {
        self.sum(name, labels) - before.sum(name, labels)
    }

    pub(super) fn n_series(&self) -> usize {
        self.series.len()
    }

    /// Whether a word stands in the name or the labels of a series.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.series.keys().any(|key| key.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let text =
            "# TYPE a counter\na{x=\"1\",y=\"b c\"} 2\na{x=\"2\",y=\"b c\"} 3\nab 7\nb +Inf\n";
        let scrape = Scrape::parse(text);
        assert_eq!(scrape.n_series(), 4);
        assert_eq!(scrape.sum("a", &[]), 5.0);
        assert_eq!(scrape.sum("a", &["x=\"2\""]), 3.0);
        assert_eq!(scrape.sum("a", &["y=\"b c\"", "x=\"1\""]), 2.0);
        assert_eq!(scrape.sum("ab", &[]), 7.0);
        assert_eq!(scrape.since(&Scrape::default(), "a", &[]), 5.0);
        assert!(scrape.mentions("b c") && !scrape.mentions("c b"));
    }
}
