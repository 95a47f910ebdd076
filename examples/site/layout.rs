//! The frame around every page.

use std::fmt::Write as _;

use crate::document::{Link, Site, SiteError};
use crate::markdown::{Section, escape, render, summary};

const ABOUT: &str = "<p>The project\u{2019}s documentation, on a site that uses it: each page \
    is rendered once, and then comes from the cache until it expires. See <code>Cache-Status</code> \
    in the response headers.</p>";

pub(crate) fn index(site: &Site) -> Result<String, SiteError> {
    let mut list = String::new();
    for document in site.documents() {
        let (_, markdown) = site.read(&document.url)?;
        let _ = write!(
            list,
            "<li><a href=\"{}\">{}</a><p>{}</p></li>",
            document.url,
            escape(&document.title),
            escape(&summary(&markdown))
        );
    }
    let main = format!("<h1>djanginxed</h1>\n{ABOUT}\n<ul class=\"cards\">{list}</ul>\n");
    Ok(page("Documentation", &site.links(), "/", &[], &main))
}

pub(crate) fn document(site: &Site, url: &str) -> Result<String, SiteError> {
    let (document, markdown) = site.read(url)?;
    let resolve = |to: &str| site.url_of(document, to).map(ToOwned::to_owned);
    let rendered = render(&markdown, &resolve);
    let (links, sections) = (site.links(), &rendered.sections);
    Ok(page(&document.title, &links, url, sections, &rendered.html))
}

pub(crate) fn failure(error: &SiteError) -> String {
    let (title, links): (_, &[Link]) = match error {
        SiteError::NoSuchPage(links) => ("Page not found", links),
        SiteError::Unreadable(..) => ("This page cannot be shown", &[]),
    };
    let main = format!(
        "<h1>{title}</h1><p>Sorry: {}.</p><p><a href=\"/\">All pages</a></p>",
        escape(&error.to_string())
    );
    page(title, links, "", &[], &main)
}

fn page(title: &str, links: &[Link], here: &str, sections: &[Section], main: &str) -> String {
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · djanginxed</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header><a class="brand" href="/">djanginxed</a><nav aria-label="Pages">{pages}</nav></header>
<div class="frame">
{contents}<main id="content">
{main}</main>
</div>
</body>
</html>
"##,
        title = escape(title),
        pages = navigation(links, here),
        contents = contents(sections),
    )
}

fn navigation(links: &[Link], here: &str) -> String {
    links.iter().fold(String::new(), |mut nav, link| {
        let current = if link.url == here {
            " aria-current=\"page\""
        } else {
            ""
        };
        let _ = write!(
            nav,
            "<a href=\"{}\"{current}>{}</a>",
            link.url,
            escape(nav_title(link))
        );
        nav
    })
}

/// The README is titled with the project's name, which stands there already.
fn nav_title(link: &Link) -> &str {
    match link.url.as_str() {
        "/readme" => "Overview",
        _ => &link.title,
    }
}

fn contents(sections: &[Section]) -> String {
    if sections.len() < 2 {
        return String::new();
    }
    let items = sections.iter().fold(String::new(), |mut items, section| {
        let _ = write!(
            items,
            "<li><a href=\"#{}\">{}</a></li>",
            section.id,
            escape(&section.title)
        );
        items
    });
    format!(
        "<nav class=\"contents\" aria-label=\"On this page\"><h2>On this page</h2><ul>{items}</ul></nav>\n"
    )
}
