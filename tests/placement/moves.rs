//! How many pages another list of servers moves, as docs/operations.md has it.

use djanginxed_runtime::Placement;

use crate::upstream::{Upstream, targets};

/// Per thousand.
fn moved(before: &[&str], after: &[&str], placement: Placement) -> usize {
    let (before, after) = (
        Upstream::new(before.iter().copied(), placement),
        Upstream::new(after.iter().copied(), placement),
    );
    let targets = targets(0, 20_000);
    let server = |list: &Upstream, target: &str| {
        let entry = &list.entries[list.place(target)];
        entry.split(' ').next().map(str::to_owned)
    };
    let moves = |target: &&String| server(&before, target) != server(&after, target);
    targets.iter().filter(moves).count() / 20
}

const THREE: [&str; 3] = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"];
const FOUR: [&str; 4] = [
    "10.0.0.1:11211",
    "10.0.0.2:11211",
    "10.0.0.3:11211",
    "10.0.0.4:11211",
];
const HEAVIER: [&str; 3] = [
    "10.0.0.1:11211",
    "10.0.0.2:11211",
    "10.0.0.3:11211 weight=2",
];
const WITHOUT_THE_FIRST: [&str; 3] = ["10.0.0.2:11211", "10.0.0.3:11211", "10.0.0.4:11211"];
const TURNED: [&str; 3] = ["10.0.0.3:11211", "10.0.0.2:11211", "10.0.0.1:11211"];

fn row(change: &str, before: &[&str], after: &[&str]) -> String {
    let percent = |placement| (moved(before, after, placement) + 5) / 10;
    let (ring, modulo) = (percent(Placement::Consistent), percent(Placement::Modulo));
    format!("| {change} | {ring} % | {modulo} % |\n")
}

#[test]
fn the_documentation_tells_how_many_pages_a_change_moves() {
    let rows = [
        row("a fourth server joins three, at the end", &THREE, &FOUR),
        row("the last of four leaves", &FOUR, &THREE),
        row("the first of four leaves", &FOUR, &WITHOUT_THE_FIRST),
        row("the last of three gets `weight=2`", &THREE, &HEAVIER),
        row("the same three in another order", &THREE, &TURNED),
    ]
    .concat();
    let documentation = include_str!("../../docs/operations.md");
    assert!(documentation.contains(&rows), "it lacks\n{rows}");
}
