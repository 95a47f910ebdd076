//! `--explain`: what docs/check.md says of a fact or a cause.

use crate::failure::Failure;

/// A link to where it stands for people, which goes into the crate's archive, too.
pub(super) const DOCS: &str = include_str!("check.md");

/// What is to be known of `word`, which may be a fact and a cause.
pub(super) fn explain(word: &str) -> Result<String, Failure> {
    let found = rows().filter(|cells| words(cells[0]).any(|known| known == word));
    let said: Vec<String> = found.filter_map(|cells| shown(word, &cells)).collect();
    if !said.is_empty() {
        return Ok(said.join("\n\n"));
    }
    let facts = rows().filter(|cells| cells.len() == 3);
    let facts: Vec<_> = facts.flat_map(|cells| words(cells[0])).collect();
    Err(Failure::Usage(format!(
        "--explain {word:?}: give a fact ({}) or a cause that a report names",
        facts.join(", ")
    )))
}

fn shown(word: &str, cells: &[&str]) -> Option<String> {
    match cells {
        [_, proves, how] => Some(format!(
            "fact    {word}\nproves  {}\nhow     {}",
            plain(proves),
            plain(how)
        )),
        [_, shows] => Some(format!("cause  {word}\nshows  {}", plain(shows))),
        _ => None,
    }
}

/// The rows of facts and causes. Options stand in a table before them.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let (_, rest) = DOCS.split_once("\n## Facts\n").unwrap_or(("", DOCS));
    let rows = rest.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// The words of a row's first cell: one, or several that have the row in common.
fn words(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('`').skip(1).step_by(2)
}

/// Text without Markdown's links and code marks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        match link.split_once("](") {
            Some((shown, after)) => {
                plain.push_str(shown);
                rest = after.split_once(')').map_or("", |(_, after)| after);
            }
            None => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain.push_str(rest);
    plain.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::super::diagnosis::{RUNNING, Stage};
    use super::*;

    #[test]
    fn every_fact_is_explained() {
        let stages = RUNNING.iter().chain(&[Stage::Faults, Stage::WithoutApp]);
        for (fact, _) in stages.flat_map(|stage| stage.checks()) {
            let said = explain(fact).unwrap();
            assert!(
                said.contains("\nproves  ") && said.contains("\nhow     "),
                "{said}"
            );
            assert!(!said.contains(['`', '[']), "{said}");
        }
        assert!(
            explain("nginx-weight")
                .unwrap()
                .starts_with("cause  nginx-weight\nshows  ")
        );
        let refused = explain("nothing").unwrap_err().to_string();
        assert!(refused.contains("reachable, application"), "{refused}");
        assert!(explain("private").unwrap().contains("\n\ncause  private\n"));
    }
}
