//! What a PromQL expression asks for: the names of metrics, and the labels that stand
//! in braces behind them. No parser: it knows what these expressions are made of.

use std::collections::BTreeSet;

/// A metric, and the labels that a selector looks at.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
}

const WORDS: [&str; 14] = [
    "and",
    "avg",
    "bool",
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "max",
    "offset",
    "on",
    "or",
    "sum",
    "unless",
    "without",
];

/// The selectors of `text`, each once.
pub(crate) fn selectors(text: &str) -> BTreeSet<Selector> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '[' => rest = behind(rest, ']'),
            '0'..='9' | '$' => rest = rest[first.len_utf8()..].trim_start_matches(is_part),
            c if is_part(c) => {
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                rest = after.trim_start();
                if matches!(word, "by" | "without" | "on" | "ignoring") {
                    rest = behind(rest, ')');
                } else if !rest.starts_with('(') && !WORDS.contains(&word) {
                    let (labels, after) = labels(rest);
                    rest = after;
                    let name = word.to_owned();
                    found.insert(Selector { name, labels });
                }
            }
            c => rest = &rest[c.len_utf8()..],
        }
    }
    found
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn behind(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// The names before `=`, `!=`, `=~` and `!~` in braces, and what follows them.
fn labels(text: &str) -> (Vec<String>, &str) {
    let Some((inside, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else {
        return (Vec::new(), text);
    };
    let pairs = inside
        .split(',')
        .filter_map(|pair| pair.split_once(['=', '!']));
    let names = pairs.map(|(name, _)| name.trim().to_owned());
    (names.collect(), rest)
}

#[test]
fn names_and_labels_are_found_and_nothing_else() {
    let text = "sum by (le, job) (rate(a_total{job=~\"$job\", why!=\"x\"}[$__rate_interval])) / (b:c:d > 0)\
        or vector(0) unless max without (x) (d_e offset 15m) < 0.8 * avg_over_time(a_total[1d])";
    let of = |name: &str, labels: &[&str]| Selector {
        name: name.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let expected = [
        of("a_total", &[]),
        of("a_total", &["job", "why"]),
        of("b:c:d", &[]),
        of("d_e", &[]),
    ];
    assert_eq!(selectors(text).into_iter().collect::<Vec<_>>(), expected);
}
