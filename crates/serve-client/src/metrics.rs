//! The text of `/metrics` in Prometheus's exposition format, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};

/// Every series with its value. A series is a name with its labels, as the text writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the [text format](https://prometheus.io/docs/instrumenting/exposition_formats/). Errors are a series without
    /// a type before it, a family or a series twice, a value that is not a number, and no newline at the end.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        ensure!(text.ends_with('\n'), "metrics without a newline at the end");
        let (mut families, mut family) = (BTreeSet::new(), "");
        let mut series = BTreeMap::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<_> = comment.splitn(3, ' ').collect();
                match words[..] {
                    ["TYPE", name, _] => {
                        ensure!(families.insert(name), "{name} has two types");
                        family = name;
                    }
                    ["HELP", _, help] if !help.is_empty() => {}
                    _ => anyhow::bail!("neither a type nor a help text: {line}"),
                }
                continue;
            }
            // Values of labels may contain spaces, so the value is what follows the last space.
            let (name, value) =
                line.rsplit_once(' ').with_context(|| format!("no value: {line}"))?;
            let (metric, labels) = name.split_at(name.find('{').unwrap_or(name.len()));
            let suffix = metric.strip_prefix(family).filter(|_| !family.is_empty());
            let is_of_family = matches!(suffix, Some("" | "_bucket" | "_sum" | "_count"));
            ensure!(is_of_family, "no type before {line}");
            ensure!(labels.is_empty() || labels.ends_with("\"}"), "labels without an end: {line}");
            let value = value.parse().with_context(|| format!("not a number: {line}"))?;
            ensure!(series.insert(name.to_owned(), value).is_none(), "{name} twice");
        }
        Ok(Self { series })
    }

    /// The sum of the series with this name that have all of the labels, each as `name="value"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let matches = |series: &str| {
            series.split('{').next() == Some(name)
                && labels.iter().all(|label| series.contains(label))
        };
        self.series.iter().filter(|(series, _)| matches(series)).map(|(_, value)| value).sum()
    }

    /// How much [`sum`](Self::sum) has grown since `before`.
    pub fn since(&self, before: &Self, name: &str, labels: &[&str]) -> f64 {
        self.sum(name, labels) - before.sum(name, labels)
    }

    /// The value of a series without labels; NaN, which fails every comparison, where there is none.
    pub fn value(&self, name: &str) -> f64 {
        self.series.get(name).copied().unwrap_or(f64::NAN)
    }

    /// All series.
    pub fn names(&self) -> BTreeSet<&str> {
        self.series.keys().map(String::as_str).collect()
    }

    /// Whether a word occurs in the name or the labels of any series.
    pub fn mentions(&self, word: &str) -> bool {
        self.series.keys().any(|series| series.contains(word))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "# HELP a some\n# TYPE a counter\na{x=\"1\",y=\"b c\"} 2\na{x=\"2\",y=\"b c\"} 3\n\
        # TYPE ab histogram\nab_bucket{le=\"+Inf\"} 7\nab_count 7\n# TYPE b gauge\nb +Inf\n";

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let metrics = Metrics::parse(TEXT).unwrap();
        assert_eq!(metrics.names().len(), 5);
        assert_eq!(metrics.sum("a", &[]), 5.0);
        assert_eq!(metrics.sum("a", &["x=\"2\""]), 3.0);
        assert_eq!(metrics.sum("a", &["y=\"b c\"", "x=\"1\""]), 2.0);
        assert_eq!((metrics.value("ab_count"), metrics.value("b")), (7.0, f64::INFINITY));
        assert!(metrics.value("a").is_nan());
        assert_eq!(metrics.since(&Metrics::default(), "a", &[]), 5.0);
        assert!(metrics.mentions("b c") && !metrics.mentions("c b"));
    }

    #[test]
    fn text_in_another_format_is_rejected() {
        for text in [
            "# TYPE a counter\na 1",
            "a 1\n",
            "# TYPE a counter\nb 1\n",
            "# TYPE a counter\na x\n",
            "# TYPE a counter\na\n",
            "# TYPE a counter\na{x=\"1\" 1\n",
            "# TYPE a counter\na 1\na 1\n",
            "# TYPE a counter\na 1\n# TYPE a counter\n",
            "# NOTE a b\n",
        ] {
            assert!(Metrics::parse(text).is_err(), "{text}");
        }
    }
}
