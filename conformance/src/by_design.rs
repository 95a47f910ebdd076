//! Which tests fail because the cache is meant to be so.

/// Where each stands with its reason.
pub(crate) const LIST: &str = "docs/cache-tests.md";

const TEXT: &str = include_str!("../../docs/cache-tests.md");

/// Whether a row of the list begins with this test.
pub(crate) fn is_listed(id: &str) -> bool {
    let cells = TEXT.lines().filter_map(|line| line.split('|').nth(1));
    cells
        .flat_map(|cell| cell.split(','))
        .any(|name| name.trim().trim_matches('`') == id)
}
