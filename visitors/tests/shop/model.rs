//! What each page of the shop must show.

use std::collections::BTreeMap;

use testkit::http::Response;
use visitors::seen::{Row, Seen};

const PER_PAGE: usize = 10;

/// The products that there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State(pub(crate) BTreeMap<i64, Row>);

impl State {
    /// What the page of `target` shows; none: there is no such page.
    pub(crate) fn shown(&self, target: &str) -> Option<Vec<Row>> {
        let (path, page) = target.split_once("?page=").unwrap_or((target, "1"));
        let skip = (page.parse::<usize>().unwrap() - 1) * PER_PAGE;
        let rows = self.0.values();
        if let Some((_, id)) = path.split_once("/products/") {
            let row = self.0.get(&id.parse().unwrap())?;
            return Some(vec![row.clone()]);
        }
        if path == "/feed.xml" {
            return Some(rows.rev().take(PER_PAGE).cloned().collect());
        }
        let category = path.strip_prefix("/categories/");
        let wanted = |row: &&Row| category.is_none_or(|category| row.category == category);
        let page = rows.filter(wanted).skip(skip).take(PER_PAGE);
        Some(page.cloned().collect())
    }
}

/// What an answer for `target` shows.
pub(crate) fn read(target: &str, answer: &Response) -> Option<Vec<Row>> {
    let seen = Seen::of(answer);
    match seen.status {
        404 => return None,
        200 => {}
        _ => panic!("{target}: {answer:?}"),
    }
    let ends = ["</html>\n", "</feed>\n", "}"];
    let is_whole = ends.iter().any(|end| seen.text.ends_with(end));
    assert!(is_whole, "{target} is cut: {}", seen.text);
    Some(seen.rows())
}
