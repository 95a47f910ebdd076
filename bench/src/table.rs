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

    pub(crate) fn column(&self, heading: &str) -> Option<&Column> {
        (self.columns.iter()).find(|column| column.heading == heading)
    }

    /// What the column under `heading` shows of a row; `None` where it was not measured.
    pub(crate) fn shown(&self, row: &str, heading: &str) -> Option<String> {
        self.cell(self.row(row)?, self.column(heading)?)
    }

    fn cell(&self, row: &Row, column: &Column) -> Option<String> {
        let summary = match column.shown {
            Shown::Ratio => row.ratio(self.row(self.reference?)?, column.metric),
            _ => row.summary(column.metric),
        };
        Some(column.shown.text(summary?))
    }

    pub(crate) fn markdown(&self) -> String {
        let headings = self.columns.iter().map(|column| column.heading);
        let head = [""].into_iter().chain(headings).map(str::to_owned);
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![row.name.clone()];
            let columns = self.columns.iter();
            cells.extend(columns.map(|column| self.cell(row, column).unwrap_or_default()));
            if let (Some(_), Some(first)) = (&row.failure, cells.get_mut(1)) {
                *first = "failed, see below".to_owned();
            }
            cells
        });
        grid([head.collect()].into_iter().chain(rows).collect())
    }
}

/// A Markdown table whose columns stand under each other; the first row is its head.
pub(crate) fn grid(mut rows: Vec<Vec<String>>) -> String {
    let columns = 0..rows[0].len();
    let widths: Vec<usize> = columns
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(|width| width.unwrap_or(0).max(3))
        .collect();
    let rule = |(at, &width): (usize, &usize)| match at {
        0 => "-".repeat(width),
        _ => format!("{}:", "-".repeat(width - 1)),
    };
    rows.insert(1, widths.iter().enumerate().map(rule).collect());
    let line = |row: &Vec<String>| {
        let first = format!("| {:1$} |", row[0], widths[0]);
        let cells = row.iter().zip(&widths).skip(1);
        let cells: String = cells
            .map(|(cell, width)| format!(" {cell:>width$} |"))
            .collect();
        first + &cells + "\n"
    };
    rows.iter().map(line).collect()
}

impl Shown {
    fn text(self, summary: Summary) -> String {
        let [median, least, most] = [summary.median, summary.least, summary.most];
        let [middle, low, high] = [median, least, most].map(count);
        match self {
            Shown::Spread => format!("{middle} ({low} to {high})"),
            Shown::Count => middle,
            Shown::Milliseconds => format!("{:.2} ms", median * 1e3),
            Shown::Seconds => format!("{median:.2} s"),
            Shown::Microseconds => format!("{:.1} µs", median * 1e6),
            Shown::Nanoseconds => format!("{:.0} ns", median * 1e9),
            Shown::Percent => format!("{:.1} %", median * 100.0),
            Shown::Ratio => format!("{median:.2} ({least:.2} to {most:.2})"),
        }
    }
}

/// `41234.4` -> `41,234`
fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
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
        let own = row("a", &[50.0, 5.0, 50.0]);
        let other = row("b", &[100.0, 10.0, 100.0]);
        let ratio = own.ratio(&other, "n").unwrap();
        assert_eq!((ratio.least, ratio.median, ratio.most), (0.5, 0.5, 0.5));
    }

    #[test]
    fn the_median_of_an_even_number_of_rounds_lies_between_the_two_in_the_middle() {
        let summary = row("a", &[4.0, 1.0, 2.0, 100.0]).summary("n").unwrap();
        let ends = (summary.least, summary.most);
        assert_eq!((summary.median, ends), (3.0, (1.0, 100.0)));
    }

    #[test]
    fn large_numbers_are_shown_in_groups_of_three_digits() {
        let shown: Vec<_> = [0.0, 999.0, 1000.0, 41_234.4, 1e6].map(count).into();
        assert_eq!(shown, ["0", "999", "1,000", "41,234", "1,000,000"]);
    }

    #[test]
    fn a_grid_is_a_markdown_table_with_aligned_columns() {
        let rows = [["", "n"], ["a row", "1,000"], ["b", "2"]];
        let table = grid(rows.map(|row| row.map(str::to_owned).into()).into());
        let expected =
            "|       |     n |\n| ----- | ----: |\n| a row | 1,000 |\n| b     |     2 |\n";
        assert_eq!(table, expected);
    }
}
