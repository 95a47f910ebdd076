//! The time of a page's key.

use std::hint::black_box;
use std::time::Instant;

use djanginxed::PageKey;

use crate::contest::{Contender, Measure, compete};
use crate::stage::Stage;
use crate::table::{Sample, Shown, Table, column};

pub(crate) const KEY: &str = "key";
pub(crate) const SHORT: &str = "a target of 50 bytes";

const REPEATS: u32 = 100_000;

pub(crate) fn measure(stage: &Stage) -> Table {
    let contender = |(name, length): (&str, usize)| {
        let target = format!("/articles/{}", "0123456789".repeat(length))[..length].to_owned();
        Contender::new(name, move || {
            Ok(Box::new(move |_| Ok(timed(&target))) as Measure)
        })
    };
    let targets = [(SHORT, 50), ("a target of 2 kB", 2000)];
    Table {
        id: KEY,
        title: "A page's key",
        about: "Prefix and request target to md5, in a loop.".to_owned(),
        reference: None,
        columns: vec![column("seconds", "time", Shown::Nanoseconds)],
        rows: compete(targets.map(contender).into(), stage.effort.rounds),
    }
}

fn timed(target: &str) -> Sample {
    let began = Instant::now();
    for _ in 0..REPEATS {
        black_box(PageKey::new(black_box("site1"), black_box(target)));
    }
    let seconds = began.elapsed().as_secs_f64() / f64::from(REPEATS);
    [("seconds", seconds)].into()
}
