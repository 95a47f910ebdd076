//! Markdown -> HTML, with anchors on headings and links that stay on the site.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// A rendered document.
pub(crate) struct Rendered {
    pub(crate) html: String,
    pub(crate) sections: Vec<Section>,
}

/// A second-level heading: what "On this page" lists.
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
}

/// Where a link of the document leads on the site: `None` for a file that is
/// not on it, whose words then stand without a link.
pub(crate) type Resolve<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(crate) fn render(markdown: &str, resolve: Resolve<'_>) -> Rendered {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, options).collect();
    let (events, sections) = anchor_headings(events);
    let mut html = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut html, relink(events, resolve));
    Rendered { html, sections }
}

/// The words of the first top heading.
pub(crate) fn title(markdown: &str) -> Option<String> {
    first(markdown, TagEnd::Heading(HeadingLevel::H1))
}

/// The first paragraph's first sentence.
pub(crate) fn summary(markdown: &str) -> String {
    let paragraph = first(markdown, TagEnd::Paragraph).unwrap_or_default();
    let end = paragraph.find(". ").map_or(paragraph.len(), |dot| dot + 1);
    paragraph[..end].to_owned()
}

/// The words of the first `block` that has any.
fn first(markdown: &str, block: TagEnd) -> Option<String> {
    let events: Vec<Event<'_>> = Parser::new(markdown).collect();
    let mut start = 0;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Start(tag) if tag.to_end() == block => start = at,
            Event::End(tag) if *tag == block => {
                let words = plain_text(&events[start..at]);
                if !words.trim().is_empty() {
                    return Some(words);
                }
            }
            _ => {}
        }
    }
    None
}

/// `text` as it may stand in an element.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::new();
    html::push_html(&mut html, [Event::Text(text.into())].into_iter());
    html
}

/// `<h2>Speed</h2>` -> `<h2 id="speed">Speed<a class="anchor" href="#speed">…</a></h2>`
fn anchor_headings(mut events: Vec<Event<'_>>) -> (Vec<Event<'_>>, Vec<Section>) {
    let mut sections = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut start = 0;
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { .. }) => start = at,
            Event::End(TagEnd::Heading(level)) => {
                let level = *level;
                let title = plain_text(&events[start..at]);
                let id = unique(anchor(&title), &ids);
                events[at] = Event::Html(end_of_heading(level, &id));
                if let Event::Start(Tag::Heading { id: slot, .. }) = &mut events[start] {
                    *slot = Some(id.clone().into());
                }
                ids.push(id.clone());
                if level == HeadingLevel::H2 {
                    sections.push(Section { id, title });
                }
            }
            _ => {}
        }
    }
    (events, sections)
}

fn end_of_heading(level: HeadingLevel, id: &str) -> CowStr<'static> {
    format!(
        "<a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></{level}>\n"
    )
    .into()
}

fn plain_text(events: &[Event<'_>]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
            Event::SoftBreak | Event::HardBreak => Some(" "),
            _ => None,
        })
        .collect()
}

/// The name that GitHub gives a heading, so that one link works in both places.
fn anchor(title: &str) -> String {
    title
        .chars()
        .filter_map(|c| match c {
            ' ' | '-' => Some('-'),
            '_' => Some('_'),
            _ if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

fn unique(id: String, taken: &[String]) -> String {
    let mut candidate = id.clone();
    for count in 1.. {
        if !taken.contains(&candidate) {
            break;
        }
        candidate = format!("{id}-{count}");
    }
    candidate
}

fn relink<'a>(events: Vec<Event<'a>>, resolve: Resolve<'a>) -> impl Iterator<Item = Event<'a>> {
    let mut dropped = false;
    events.into_iter().filter_map(move |event| match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let led = destination(link_type, &dest_url, resolve);
            dropped = led.is_none();
            let dest_url = led?.into();
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) if dropped => None,
        other => Some(other),
    })
}

fn destination(kind: LinkType, to: &str, resolve: Resolve<'_>) -> Option<String> {
    let elsewhere = to.contains("://") || to.starts_with("mailto:") || to.starts_with('/');
    if elsewhere || to.starts_with('#') || kind == LinkType::Email {
        return Some(to.to_owned());
    }
    match to.split_once('#') {
        Some((file, fragment)) => Some(format!("{}#{fragment}", resolve(file)?)),
        None => resolve(to),
    }
}
