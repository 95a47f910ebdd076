//! The application's admin page, as programs read it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::counts::Counts;
use super::look::{Hot, Slow, Told};

/// How many pages of a list are taken.
const MOST: usize = 20;

/// What is read of it; the rest is for others.
#[derive(Debug, Deserialize)]
struct Page {
    counted: BTreeMap<String, u64>,
    /// None: an application of an older version.
    #[serde(default)]
    slowest: Vec<Slow>,
    #[serde(default)]
    hottest: Vec<Hot>,
    nginx: Option<Told>,
    pending_purges: Option<u64>,
}

/// What the page says.
#[derive(Debug, Default)]
pub(super) struct Admin {
    pub(super) counts: Counts,
    pub(super) told: Option<Told>,
    pub(super) hottest: Vec<Hot>,
    pub(super) slowest: Vec<Slow>,
}

/// # Errors
/// A sentence, where it is none.
pub(super) fn read(body: &[u8]) -> Result<Admin, String> {
    let mut page: Page = serde_json::from_slice(body)
        .map_err(|error| format!("no admin page of djanginxed answers there: {error}"))?;
    page.hottest.truncate(MOST);
    page.slowest.truncate(MOST);
    let mut counts = Counts::of_admin(&page.counted);
    counts.pending_purges = page.pending_purges;
    Ok(Admin {
        counts,
        told: page.nginx,
        hottest: page.hottest,
        slowest: page.slowest,
    })
}

#[cfg(test)]
mod tests {
    use super::super::counts::Kind;
    use super::*;

    #[test]
    fn the_page_is_read_and_what_would_steer_a_terminal_is_not() {
        let page = br#"{"counted": {"hits": 3, "skips": 2}, "token": "x", "nginx": {"hits": 9, "bytes": 90, "refused": 0},
            "pending_purges": 4, "hottest": [{"target": "/\u001b[2J", "hits": 7}], "slowest": [{"target": "/a", "milliseconds": 12}]}"#;
        let admin = read(page).unwrap();
        assert_eq!(admin.counts.all(Kind::Hits), 3);
        assert_eq!(admin.counts.one(Kind::Skips, ""), 2);
        assert_eq!(admin.counts.pending_purges, Some(4));
        let older = read(br#"{"counted": {}}"#).unwrap();
        assert_eq!(older.counts.pending_purges, None);
        assert_eq!(admin.told, Some(Told { hits: 9, bytes: 90 }));
        assert_eq!(admin.hottest[0].target, "/\\u{1b}[2J");
        assert_eq!(admin.slowest[0].milliseconds, 12);
    }

    #[test]
    fn something_else_is_named() {
        for body in ["", "{}", "<html>", r#"{"counted": {"hits": -1}}"#] {
            assert!(
                read(body.as_bytes())
                    .unwrap_err()
                    .starts_with("no admin page")
            );
        }
    }
}
