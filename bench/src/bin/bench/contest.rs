//! Measuring side by side: A B C A B C, since machines drift.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::table::{Row, Sample};

pub(crate) use bench::served::{Outcome, said};

/// Makes one measurement; it is given the round's number.
pub(crate) type Measure<'a> = Box<dyn FnMut(usize) -> Outcome<Sample> + 'a>;

/// Someone who takes part, or why it cannot.
pub(crate) struct Contender<'a> {
    name: String,
    measure: Outcome<Measure<'a>>,
}

impl<'a> Contender<'a> {
    /// A contender that `prepare` sets up. Whatever goes wrong there is its
    /// own failure, and does not keep the others from being measured.
    pub(crate) fn new(
        name: impl Into<String>,
        prepare: impl FnOnce() -> Outcome<Measure<'a>>,
    ) -> Contender<'a> {
        let name = name.into();
        let measure = guarded(prepare);
        if let Err(message) = &measure {
            eprintln!("  {name}: FAILED: {message}");
        }
        Contender { name, measure }
    }
}

/// Measures all contenders in turn, `rounds` times.
pub(crate) fn compete(contenders: Vec<Contender<'_>>, rounds: usize) -> Vec<Row> {
    let (mut rows, mut measures): (Vec<Row>, Vec<_>) = (contenders.into_iter())
        .map(|Contender { name, measure }| {
            let failure = measure.as_ref().err().cloned();
            let rounds = Vec::new();
            let row = Row {
                name,
                failure,
                rounds,
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
                Err(message) => {
                    eprintln!("    {:48} FAILED: {message}", row.name);
                    row.failure = Some(message);
                }
            }
        }
    }
    rows
}

/// The servers' own clients panic where a test would fail.
pub(crate) fn guarded<T>(action: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| {
        let message = (panic.downcast_ref::<String>().cloned())
            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(message.unwrap_or_else(|| "it panicked without a message".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contender_that_fails_or_panics_does_not_keep_the_others_from_being_measured() {
        let measure =
            |outcome: fn(usize) -> Outcome<Sample>| move || Ok(Box::new(outcome) as Measure);
        let rows = compete(
            vec![
                Contender::new("cannot start", || Err("no such program".to_owned())),
                Contender::new(
                    "fails later",
                    measure(|round| match round {
                        0 => Ok(Sample::new()),
                        _ => Err("broken".to_owned()),
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
            (Some("a surprise"), 0),
            (None, 3),
        ];
        assert_eq!(seen, expected);
    }
}
