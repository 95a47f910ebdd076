//! Measuring side by side: A B C A B C, since machines drift.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

use crate::table::{Row, Sample};

/// Makes one measurement; it is given the round's number.
pub(crate) type Measure<'a> = Box<dyn FnMut(usize) -> Result<Sample> + 'a>;

/// Someone who takes part, or why it cannot.
pub(crate) struct Contender<'a> {
    name: String,
    measure: Result<Measure<'a>>,
}

impl<'a> Contender<'a> {
    /// A contender that `prepare` sets up. Whatever goes wrong there is its
    /// own failure, and does not keep the others from being measured.
    pub(crate) fn new(
        name: impl Into<String>,
        prepare: impl FnOnce() -> Result<Measure<'a>>,
    ) -> Contender<'a> {
        let name = name.into();
        let measure = guarded(prepare);
        if let Err(error) = &measure {
            eprintln!("  {name}: FAILED: {error:#}");
        }
        Contender { name, measure }
    }
}

/// Measures all contenders in turn, `rounds` times.
pub(crate) fn compete(contenders: Vec<Contender<'_>>, rounds: usize) -> Vec<Row> {
    let (mut rows, mut measures): (Vec<Row>, Vec<_>) = (contenders.into_iter())
        .map(|Contender { name, measure }| {
            let row = Row {
                name,
                failure: measure.as_ref().err().map(|error| format!("{error:#}")),
                rounds: Vec::new(),
            };
            (row, measure.ok())
        })
        .unzip();
    for round in 0..rounds {
        eprintln!("  round {} of {rounds}", round + 1);
        for (row, measure) in rows.iter_mut().zip(&mut measures) {
            let Some(measure) = measure.as_mut().filter(|_| row.failure.is_none()) else {
                continue;
            };
            match guarded(|| measure(round)) {
                Ok(sample) => {
                    eprintln!("    {:48} {sample:.9?}", row.name);
                    row.rounds.push(sample);
                }
                Err(error) => {
                    eprintln!("    {:48} FAILED: {error:#}", row.name);
                    row.failure = Some(format!("{error:#}"));
                }
            }
        }
    }
    rows
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
        let measure = |result: fn(usize) -> Result<Sample>| move || Ok(Box::new(result) as Measure);
        let rows = compete(
            vec![
                Contender::new("cannot start", || Err(anyhow!("no such program"))),
                Contender::new(
                    "fails later",
                    measure(|round| match round {
                        0 => Ok(Sample::new()),
                        _ => Err(anyhow!("broken")),
                    }),
                ),
                Contender::new("panics", measure(|_| panic!("a surprise"))),
                Contender::new("works", measure(|_| Ok(Sample::new()))),
            ],
            3,
        );
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
