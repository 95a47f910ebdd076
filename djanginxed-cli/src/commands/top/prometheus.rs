//! Prometheus's text format, as far as it is the cache's own.

use crate::output::escaped;

/// An application has some hundred.
const MOST: usize = 10_000;

/// A metric's name, its labels and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl Sample {
    /// A label's value, fit for a terminal.
    pub(super) fn label(&self, name: &str) -> Option<String> {
        let mut labels = self.labels.iter();
        let (_, value) = labels.find(|(known, _)| known == name)?;
        Some(escaped(value).into_owned())
    }

    /// A counter's value; what is none counts nothing.
    pub(super) fn count(&self) -> u64 {
        // Of a float that is too large, negative or none this makes the nearest number.
        self.value as u64
    }

    fn read(line: &str) -> Option<Sample> {
        let end = line.find(['{', ' ', '\t'])?;
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(labels) => labels_of(labels)?,
            None => (Vec::new(), rest),
        };
        // A time may follow.
        let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Sample {
            name: name.to_owned(),
            labels,
            value,
        })
    }
}

/// The samples of `text` whose names begin with `start`; what cannot be read is left out.
pub(super) fn samples(text: &str, start: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines.take(MOST).filter_map(Sample::read).collect()
}

/// The labels up to their `}`, and what follows it.
fn labels_of(mut text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches([' ', ',']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = quoted(rest.trim_start().strip_prefix('"')?)?;
        labels.push((name.trim().to_owned(), value));
        text = rest;
    }
}

/// Text up to its `"`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()? {
                (_, 'n') => '\n',
                (_, other) => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels() {
        let text = "# HELP a b\n# TYPE a counter\nother 1\n\
            a_total 12\n\
            a_total{kind=\"x\",why=\"a \\\"b\\\" \\\\ \\n\",} 3.5e1 1700000000\n\
            a_seconds{quantile=\"0.5\"} NaN\n";
        let read = samples(text, "a_");
        assert_eq!(read.len(), 3);
        assert_eq!(
            (read[0].count(), read[1].count(), read[2].count()),
            (12, 35, 0)
        );
        assert_eq!(read[1].label("kind").as_deref(), Some("x"));
        // A line's end that would be written to the terminal.
        assert_eq!(read[1].label("why").as_deref(), Some(r#"a "b" \ \n"#));
        assert_eq!(read[1].label("none"), None);
    }

    #[test]
    fn what_is_no_sample_is_left_out() {
        for line in [
            "a_",
            "a_{",
            "a_{b",
            "a_{b=",
            "a_{b=\"c",
            "a_{b=\"c\"}",
            "a_ x",
            "a_{b=c} 1",
        ] {
            assert_eq!(samples(line, "a_"), [], "{line}");
        }
        let strange = samples("a_ -3\na_ +Inf\na_{é=\"\u{1b}[2J\"} 1", "a_");
        assert_eq!((strange[0].count(), strange[1].count()), (0, u64::MAX));
        assert_eq!(strange[2].label("é").as_deref(), Some("\\u{1b}[2J"));
        assert_eq!(samples(&"a_ 1\n".repeat(MOST + 5), "a_").len(), MOST);
    }
}
