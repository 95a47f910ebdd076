//! sitemap.xml (sitemaps.org), also packed with gzip.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;
use quick_xml::Reader;
use quick_xml::events::Event;

/// What a sitemap names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sitemap {
    /// A `urlset`: pages.
    Pages(Vec<String>),
    /// A `sitemapindex`: sitemaps.
    Index(Vec<String>),
}

/// The format's own limit on a sitemap, unpacked.
const LARGEST: u64 = 50 << 20;

pub(super) fn parse(bytes: &[u8]) -> Result<Sitemap, String> {
    let bytes = unpacked(bytes)?;
    let mut reader = Reader::from_reader(bytes.as_ref());
    let mut buffer = Vec::new();
    let mut found = Found::default();
    loop {
        let event = reader.read_event_into(&mut buffer);
        match event.map_err(|error| format!("it is not XML: {error}"))? {
            Event::Start(start) => found.begin(start.local_name().as_ref())?,
            Event::End(_) => drop(found.path.pop()),
            Event::Text(text) => {
                let text = text.decode();
                found.text(&text.map_err(|error| format!("it is not text: {error}"))?);
            }
            Event::CData(text) => found.text(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(name) => found.text(&entity(&name)?),
            Event::Eof => return found.finish(),
            _ => {}
        }
        buffer.clear();
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The names of the elements that are open.
    path: Vec<Vec<u8>>,
    is_index: Option<bool>,
    places: Vec<String>,
}

impl Found {
    fn begin(&mut self, name: &[u8]) -> Result<(), String> {
        if self.is_index.is_none() {
            self.is_index = Some(is_index_root(name)?);
        }
        self.path.push(name.to_vec());
        if self.is_in_loc() {
            self.places.push(String::new());
        }
        Ok(())
    }

    /// Image and video extensions have a `loc` of their own, deeper.
    fn is_in_loc(&self) -> bool {
        self.path.len() == 3 && self.path[2] == b"loc"
    }

    fn text(&mut self, text: &str) {
        if self.is_in_loc()
            && let Some(place) = self.places.last_mut()
        {
            place.push_str(text);
        }
    }

    fn finish(self) -> Result<Sitemap, String> {
        let places = self.places.iter();
        let places = places.map(|place| place.trim().to_owned()).collect();
        match self.is_index {
            Some(true) => Ok(Sitemap::Index(places)),
            Some(false) => Ok(Sitemap::Pages(places)),
            None => Err("it is empty".to_owned()),
        }
    }
}

fn is_index_root(name: &[u8]) -> Result<bool, String> {
    match name {
        b"sitemapindex" => Ok(true),
        b"urlset" => Ok(false),
        other => Err(format!(
            "its root is <{}>, neither <urlset> nor <sitemapindex>",
            String::from_utf8_lossy(other)
        )),
    }
}

fn entity(name: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    let unknown = || format!("unknown entity &{};", String::from_utf8_lossy(name));
    if let Some(character) = name.resolve_char_ref().map_err(|_| unknown())? {
        return Ok(character.to_string());
    }
    let name = std::str::from_utf8(name).map_err(|_| unknown())?;
    quick_xml::escape::resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(unknown)
}

fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    GzDecoder::new(bytes)
        .take(LARGEST)
        .read_to_end(&mut plain)
        .map_err(|error| format!("it is not readable as gzip: {error}"))?;
    Ok(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_with_entities_comments_and_extensions() {
        let xml = br#"<?xml version="1.0"?><!-- c --><urlset xmlns:image="i">
            <url><loc> http://h/a?x=1&amp;y=&#x32; </loc><lastmod>2020</lastmod>
            <image:image><image:loc>http://h/i.png</image:loc></image:image></url>
            <url><loc><![CDATA[http://h/b&c]]></loc></url></urlset>"#;
        let pages = ["http://h/a?x=1&y=2", "http://h/b&c"].map(str::to_owned);
        assert_eq!(parse(xml), Ok(Sitemap::Pages(pages.to_vec())));
    }

    #[test]
    fn an_index_is_told_from_pages() {
        let xml = b"<sitemapindex><sitemap><loc>http://h/s.xml</loc></sitemap></sitemapindex>";
        assert_eq!(
            parse(xml),
            Ok(Sitemap::Index(vec!["http://h/s.xml".to_owned()]))
        );
    }

    #[test]
    fn what_is_no_sitemap_is_an_error() {
        for text in ["", "<html></html>", "<urlset><url></urlset>", "{}"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
