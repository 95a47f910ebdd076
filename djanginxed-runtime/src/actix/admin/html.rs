//! The page for people: no scripts, and nothing from elsewhere.

use std::fmt::{self, Display, Write};

use super::report::{Entry, Page, Refused, Report};
use crate::media::HTML;

/// Content-Security-Policy: whatever a target says, nothing of it runs or loads.
pub(super) const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Cached pages</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem;
       color: #1a1a1a; background: #fff }
h2 { margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ccc;
         vertical-align: top; overflow-wrap: anywhere }
thead th { border-bottom: 2px solid #666 }
label { display: block; margin: .5rem 0 }
input:not([type=checkbox]) { display: block; font: inherit; width: 100%; max-width: 40rem; box-sizing: border-box }
button { font: inherit; padding: .25rem 1rem; margin: .5rem 0 }
[role=status] { border: 2px solid #1a1a1a; padding: .5rem 1rem }
</style>
</head>
<body>
<h1>Cached pages</h1>
"#;

pub(super) fn page(report: &Report) -> String {
    let mut html = Markup(String::from(HEAD));
    if let Some(said) = &report.said {
        html.raw("<p role=\"status\">").text(said).raw("</p>\n");
    }
    if let Some(page) = &report.page {
        look(&mut html, page, &report.token);
    }
    form(&mut html, report);
    purges(&mut html, &report.token);
    refusals(&mut html, &report.refused);
    slowest(&mut html, report);
    hottest(&mut html, report);
    store(&mut html, report);
    html.raw("</body>\n</html>\n");
    html.0
}

fn form(html: &mut Markup, report: &Report) {
    let asked = report.page.as_ref().and_then(|page| page.asked.as_ref());
    let asked = asked.map(|asked| (&*asked.target, &*asked.key_prefix, &*asked.content_type));
    let (target, key_prefix, content_type) = asked.unwrap_or(("/", &report.key_prefix, HTML));
    html.raw("<h2>Look at a page</h2>\n<form method=\"get\">\n")
        .raw("<label>Path and query, as sent <input name=\"target\" required value=\"")
        .text(target)
        .raw("\"></label>\n<label>Key prefix <input name=\"key_prefix\" value=\"")
        .text(key_prefix)
        .raw("\"></label>\n<label>Content type <input name=\"content_type\" value=\"")
        .text(content_type)
        .raw("\"></label>\n")
        .raw("<button>Look</button>\n</form>\n");
}

fn look(html: &mut Markup, page: &Page, token: &str) {
    html.raw("<h2>")
        .text(page.target().unwrap_or("A page"))
        .raw("</h2>\n<table>\n");
    let stored = match (page.stored, &page.failure) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), _) => "no".to_owned(),
        (None, failure) => {
            let failure = failure.as_deref().unwrap_or_default();
            format!("not known: {failure}")
        }
    };
    row(html, "Stored", &stored);
    row(html, "Key", &page.key);
    if let Some(entry) = &page.entry {
        entry_rows(html, entry);
    }
    if let Some(tags) = page.tags.as_ref().filter(|tags| !tags.is_empty()) {
        row(html, "Tags", &tags.join(", "));
    }
    if let Some(refused) = &page.last_refusal {
        let last = format!("{}, {} s ago", refused.reason, refused.seconds_ago);
        row(html, "Not stored the last time", &last);
    }
    html.raw("</table>\n");
    order(html, token)
        .raw("<input type=\"hidden\" name=\"key\" value=\"")
        .text(&page.key)
        .raw("\">\n<button name=\"action\" value=\"delete\">Delete it</button>\n</form>\n");
}

/// The beginning of a form that orders something.
fn order<'a>(html: &'a mut Markup, token: &str) -> &'a mut Markup {
    html.raw("<form method=\"post\">\n")
        .raw("<input type=\"hidden\" name=\"token\" value=\"")
        .text(token)
        .raw("\">\n")
}

fn purges(html: &mut Markup, token: &str) {
    html.raw("<h2>Purge</h2>\n");
    order(html, token)
        .raw("<label>All pages with the tag <input name=\"tag\" required></label>\n")
        .raw("<button name=\"action\" value=\"purge\">Purge the tag</button>\n</form>\n");
    order(html, token)
        .raw("<label>The page of this path and query, in every prefix, type and variant ")
        .raw("<input name=\"target\" required></label>\n")
        .raw("<button name=\"action\" value=\"purge\">Purge the page</button>\n</form>\n");
    // A box without a name is asked for by the browser, and not sent.
    order(html, token)
        .raw("<label><input type=\"checkbox\" required> All pages of the cache</label>\n")
        .raw("<button name=\"action\" value=\"purge-everything\">Purge everything</button>\n")
        .raw("</form>\n");
}

fn entry_rows(html: &mut Markup, entry: &Entry) {
    row(html, "Where", &entry.place);
    match entry.expires_in {
        Some(seconds) => row(html, "Expires in", &format!("{seconds} s")),
        None => row(html, "Expires", &"never"),
    }
    let packed = if entry.gzip { ", in gzip" } else { "" };
    row(html, "Size", &format!("{} bytes{packed}", entry.size));
    if let Some(status) = entry.status {
        row(html, "Status", &status);
    }
    for (name, value) in &entry.fields {
        row(html, name, value);
    }
}

fn refusals(html: &mut Markup, refused: &[Refused]) {
    html.raw("<h2>Not stored of late</h2>\n");
    if refused.is_empty() {
        html.raw("<p>Nothing was refused.</p>\n");
        return;
    }
    html.raw("<table>\n<thead><tr><th scope=\"col\">Target</th><th scope=\"col\">Reason</th>")
        .raw("<th scope=\"col\">Seconds ago</th></tr></thead>\n<tbody>\n");
    for one in refused {
        html.raw("<tr><td><a href=\"?key=")
            .text(&one.key)
            .raw("\">")
            .text(&one.target)
            .raw("</a></td><td>")
            .text(one.reason)
            .raw("</td><td>")
            .text(one.seconds_ago)
            .raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n");
}

fn hottest(html: &mut Markup, report: &Report) {
    let pages = report.hottest.iter();
    let rows = pages.map(|page| (page.target.as_str(), page.hits));
    pages_by(html, "Hottest in nginx", "Hits in the last minutes", rows);
}

fn slowest(html: &mut Markup, report: &Report) {
    let pages = report.slowest.iter();
    let rows = pages.map(|page| (page.target.as_str(), page.milliseconds));
    pages_by(html, "Slowest of late", "Milliseconds", rows);
}

/// Pages and their numbers; nothing where there are none.
fn pages_by<'a>(
    html: &mut Markup,
    title: &'static str,
    unit: &'static str,
    rows: impl Iterator<Item = (&'a str, u64)>,
) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    html.raw("<h2>")
        .raw(title)
        .raw("</h2>\n<table>\n")
        .raw("<thead><tr><th scope=\"col\">Target</th><th scope=\"col\">")
        .raw(unit)
        .raw("</th></tr></thead>\n<tbody>\n");
    for (target, number) in rows {
        html.raw("<tr><td>")
            .text(target)
            .raw("</td><td>")
            .text(number)
            .raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n");
}

fn store(html: &mut Markup, report: &Report) {
    html.raw("<h2>The cache</h2>\n<table>\n");
    row(html, "Store", &report.store);
    row(html, "Layout", &report.layout);
    row(html, "Key prefix", &report.key_prefix);
    row(
        html,
        "Switched on",
        &if report.enabled { "yes" } else { "no" },
    );
    row(
        html,
        "Purges that wait for a server to answer",
        &report.pending_purges,
    );
    html.raw("</table>\n<h2>Counted by this process</h2>\n<table>\n");
    for (name, number) in &report.counted {
        row(html, name, number);
    }
    html.raw("</table>\n");
}

fn row(html: &mut Markup, name: &str, value: &dyn Display) {
    html.raw("<tr><th scope=\"row\">")
        .text(name)
        .raw("</th><td>")
        .text(value)
        .raw("</td></tr>\n");
}

/// HTML in which only what stands in this program is markup.
struct Markup(String);

impl Markup {
    fn raw(&mut self, markup: &'static str) -> &mut Markup {
        self.0.push_str(markup);
        self
    }

    fn text(&mut self, text: impl Display) -> &mut Markup {
        // Writing to a string does not fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }
}

/// Writes text so that it is text, in an element and in a quoted attribute.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup_wherever_it_stands() {
        let mut html = Markup(String::new());
        html.raw("<a title=\"").text("\"'><script>&").raw("\">");
        let escaped = "<a title=\"&quot;&#39;&gt;&lt;script&gt;&amp;\">";
        assert_eq!(html.0, escaped);
    }
}
