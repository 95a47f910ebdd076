//! Measuring side by side: A B C A B C, since machines drift.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

use crate::table::{Row, Sample};

/// Makes one measurement; it is given the round's number.
pub(crate) type Measure<'a> = Box<dyn FnMut(usize) -> Result<Sample> + 'a>;

/// Measures all contenders in turn, `rounds` times. Whatever goes wrong with one is its own
/// failure, and does not keep the others from being measured.
pub(crate) fn compete<'a, T>(
    contenders: impl IntoIterator<Item = (impl Into<String>, T)>,
    rounds: usize,
    prepare: impl Fn(T) -> Result<Measure<'a>>,
) -> Vec<Row> {
    let prepared = contenders.into_iter().map(|(name, contender)| {
        let mut row = Row::named(name);
        let measure = row.guard(|| prepare(contender));
        (row, measure)
    });
    let mut all: Vec<_> = prepared.collect();
    for round in 0..rounds {
        eprintln!("  round {} of {rounds}", round + 1);
        for (row, measure) in &mut all {
            let measured = measure.as_mut().map(|measure| row.guard(|| measure(round)));
            match measured.flatten() {
                Some(sample) => {
                    eprintln!("    {:48} {sample:.9?}", row.name);
                    row.rounds.push(sample);
                }
                None => *measure = None,
            }
        }
    }
    all.into_iter().map(|(row, _)| row).collect()
}

impl Row {
    fn named(name: impl Into<String>) -> Row {
        Row {
            name: name.into(),
            failure: None,
            rounds: Vec::new(),
        }
    }

    /// What `action` comes to; an error is the row's failure.
    fn guard<T>(&mut self, action: impl FnOnce() -> Result<T>) -> Option<T> {
        let failed = |error| {
            eprintln!("    {:48} FAILED: {error:#}", self.name);
            self.failure = Some(format!("{error:#}"));
        };
        guarded(action).map_err(failed).ok()
    }
}

/// The servers' own clients panic where a test would fail.
pub(crate) fn guarded<T>(action: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(anyhow!("it panicked: {}", words.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contender_that_fails_or_panics_does_not_keep_the_others_from_being_measured() {
        let contenders =
            ["cannot start", "fails later", "panics", "works"].map(|name| (name, name));
        let rows = compete(contenders, 3, |name| {
            anyhow::ensure!(name != "cannot start", "no such program");
            Ok(Box::new(move |round| match (name, round) {
                ("fails later", 1) => Err(anyhow!("broken")),
                ("panics", _) => panic!("a surprise"),
                _ => Ok(Sample::new()),
            }))
        });
        let seen: Vec<_> = (rows.iter())
            .map(|row| (row.failure.as_deref(), row.rounds.len()))
            .collect();
        let expected = [
            (Some("no such program"), 0),
            (Some("broken"), 1),
            (Some("it panicked: a surprise"), 0),
            (None, 3),
        ];
        assert_eq!(seen, expected);
    }
}
