//! What was measured: rows of rounds, and what is read from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One measurement's numbers by name, in units of one: seconds, bytes, requests.
pub(crate) type Sample = BTreeMap<&'static str, f64>;

/// What was measured side by side.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Table {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: String,
    /// The row that the ratios are to.
    pub(crate) reference: Option<&'static str>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// A number of each row that is shown.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Column {
    pub(crate) metric: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) shown: Shown,
}

/// A column of numbers named `metric`.
pub(crate) const fn column(metric: &'static str, heading: &'static str, shown: Shown) -> Column {
    Column {
        metric,
        heading,
        shown,
    }
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Shown {
    /// A whole number, with the smallest and the largest of the rounds.
    Spread,
    Count,
    Milliseconds,
    Seconds,
    Microseconds,
    Nanoseconds,
    Kilobytes,
    Percent,
    /// To the reference row's number in the same round, with its spread.
    Ratio,
}

/// One contender, round by round.
#[derive(Debug, Deserialize, Serialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Why it was not measured to the end.
    pub(crate) failure: Option<String>,
    pub(crate) rounds: Vec<Sample>,
}

/// The middle and the ends of several rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Summary {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Summary> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        Some(Summary {
            // Of an even number the mean of the two in the middle.
            median: f64::midpoint(values[last / 2], values[last.div_ceil(2)]),
            least: values[0],
            most: values[last],
        })
    }
}

impl Row {
    pub(crate) fn summary(&self, metric: &str) -> Option<Summary> {
        let numbers = self.rounds.iter().filter_map(|round| round.get(metric));
        Summary::of(numbers.copied())
    }

    /// This row's number divided by `other`'s in the same round: machines
    /// drift, and what a round's measurements have in common cancels out.
    pub(crate) fn ratio(&self, other: &Row, metric: &str) -> Option<Summary> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Summary::of(pairs.filter_map(|(own, other)| {
            let (own, other) = (own.get(metric)?, other.get(metric)?);
            (*other != 0.0).then_some(own / other)
        }))
    }
}

impl Table {
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// What `column` shows of `row`; empty where it was not measured.
    pub(crate) fn cell(&self, row: &Row, column: &Column) -> String {
        let summary = match column.shown {
            Shown::Ratio => self
                .reference
                .and_then(|name| row.ratio(self.row(name)?, column.metric)),
            _ => row.summary(column.metric),
        };
        summary.map_or_else(String::new, |summary| column.shown.text(summary))
    }
}

impl Shown {
    fn text(self, summary: Summary) -> String {
        let Summary {
            median,
            least,
            most,
        } = summary;
        match self {
            Shown::Spread => {
                format!("{} ({} to {})", count(median), count(least), count(most))
            }
            Shown::Count => count(median),
            Shown::Milliseconds => format!("{:.2} ms", median * 1e3),
            Shown::Seconds => format!("{median:.2} s"),
            Shown::Microseconds => format!("{:.1} µs", median * 1e6),
            Shown::Nanoseconds => format!("{:.0} ns", median * 1e9),
            Shown::Kilobytes => format!("{} kB", count(median / 1e3)),
            Shown::Percent => format!("{:.1} %", median * 100.0),
            Shown::Ratio => format!("{median:.2} ({least:.2} to {most:.2})"),
        }
    }
}

/// `41234.4` -> `41,234`
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first && digits.as_bytes()[at - 1] != b'-' {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, values: &[f64]) -> Row {
        Row {
            name: name.to_owned(),
            failure: None,
            rounds: values.iter().map(|value| [("n", *value)].into()).collect(),
        }
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        // A machine that gets ten times slower changes no ratio.
        let (own, other) = (
            row("a", &[50.0, 5.0, 50.0]),
            row("b", &[100.0, 10.0, 100.0]),
        );
        let ratio = own.ratio(&other, "n").unwrap();
        assert_eq!((ratio.least, ratio.median, ratio.most), (0.5, 0.5, 0.5));
    }

    #[test]
    fn the_median_of_an_even_number_of_rounds_lies_between_the_two_in_the_middle() {
        let summary = row("a", &[4.0, 1.0, 2.0, 100.0]).summary("n").unwrap();
        assert_eq!(
            (summary.least, summary.median, summary.most),
            (1.0, 3.0, 100.0)
        );
    }

    #[test]
    fn large_numbers_are_shown_in_groups_of_three_digits() {
        let shown: Vec<_> = [0.0, 999.0, 1000.0, 41_234.4, 1e6].map(count).into();
        assert_eq!(shown, ["0", "999", "1,000", "41,234", "1,000,000"]);
    }
}
