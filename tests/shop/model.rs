//! What each page of the shop must show.

use std::collections::BTreeMap;

use testkit::http::Response;

/// A product on a page: id, name, category, cents.
pub(crate) type Row = (i64, String, String, u32);

pub(crate) const CATEGORIES: [&str; 4] = ["kitchen", "light", "paper", "toys"];

const PER_PAGE: usize = 10;

/// The products that there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State(pub(crate) BTreeMap<i64, (String, String, u32)>);

impl State {
    fn rows(&self) -> impl DoubleEndedIterator<Item = Row> {
        self.0
            .iter()
            .map(|(id, (name, category, cents))| (*id, name.clone(), category.clone(), *cents))
    }

    /// What the page of `target` shows; none: there is no such page.
    pub(crate) fn shown(&self, target: &str) -> Option<Vec<Row>> {
        let (path, page) = target.split_once("?page=").unwrap_or((target, "1"));
        let skip = (page.parse::<usize>().unwrap() - 1) * PER_PAGE;
        if let Some((_, id)) = path.split_once("/products/") {
            let id: i64 = id.parse().unwrap();
            return self.rows().find(|row| row.0 == id).map(|row| vec![row]);
        }
        if path == "/feed.xml" {
            return Some(self.rows().rev().take(PER_PAGE).collect());
        }
        let category = path.strip_prefix("/categories/");
        let wanted = |row: &Row| category.is_none_or(|category| row.2 == category);
        Some(
            self.rows()
                .filter(wanted)
                .skip(skip)
                .take(PER_PAGE)
                .collect(),
        )
    }
}

/// What an answer for `target` shows.
pub(crate) fn read(target: &str, answer: &Response) -> Option<Vec<Row>> {
    match answer.status {
        404 => return None,
        200 => {}
        _ => panic!("{target}: {answer:?}"),
    }
    if target.starts_with("/api/") {
        let one: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        let number = |name: &str| one[name].as_i64().unwrap();
        let cents = u32::try_from(number("cents")).unwrap();
        return Some(vec![(number("id"), text("name"), text("category"), cents)]);
    }
    let text = answer.text();
    assert!(
        text.contains("</html>") || text.contains("</feed>"),
        "{target} is cut: {text}"
    );
    let parts = match target {
        "/feed.xml" => ["<id>urn:shop:", "<title>", "term=\"", "<summary>"],
        _ => ["<li data-id=\"", "\">", "/categories/", "<data value=\""],
    };
    let rows = text.lines().filter(|line| line.contains(parts[0]));
    Some(rows.map(|line| row(line, parts)).collect())
}

/// The product of a line, whose values begin behind these.
fn row(line: &str, [id, name, category, cents]: [&str; 4]) -> Row {
    let value = |begin: &str| {
        let from = line
            .rsplit_once(begin)
            .unwrap_or_else(|| panic!("{line}"))
            .1;
        from.split(['"', '<']).next().unwrap().to_owned()
    };
    let name = match name {
        // Of an anchor, the first.
        "\">" => {
            let from = line.splitn(3, "\">").nth(2).unwrap();
            from.split('<').next().unwrap().to_owned()
        }
        name => value(name),
    };
    let cents = value(cents).replace('.', "");
    (
        value(id).parse().unwrap(),
        name,
        value(category),
        cents.parse().unwrap(),
    )
}
