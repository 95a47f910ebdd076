//! sitemap.xml (sitemaps.org), also packed with gzip.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::gzip;

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

/// What `bytes` name, and what is wrong with them: also half a sitemap has pages.
pub(super) fn parse(bytes: &[u8]) -> (Sitemap, Option<String>) {
    let (bytes, cut_off) = unpacked(bytes);
    let mut found = Found::default();
    let problem = found.read(&bytes).err().or(cut_off);
    (found.sitemap(), problem)
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The names of the elements that are open.
    path: Vec<Vec<u8>>,
    is_index: Option<bool>,
    /// The address that is being read.
    place: String,
    places: Vec<String>,
}

impl Found {
    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut reader = Reader::from_reader(bytes);
        let mut buffer = Vec::new();
        loop {
            let event = reader.read_event_into(&mut buffer);
            match event.map_err(|error| format!("it is not XML: {error}"))? {
                Event::Start(start) => self.begin(start.local_name().as_ref())?,
                Event::End(_) => self.end(),
                Event::Text(text) => {
                    let text = text.decode();
                    self.text(&text.map_err(|error| format!("it is not text: {error}"))?);
                }
                Event::CData(text) => self.text(&String::from_utf8_lossy(&text)),
                Event::GeneralRef(name) => self.text(&entity(&name)?),
                Event::Eof => return self.finish(),
                _ => {}
            }
            buffer.clear();
        }
    }

    fn begin(&mut self, name: &[u8]) -> Result<(), String> {
        if self.is_index.is_none() {
            self.is_index = Some(is_index_root(name)?);
        }
        self.path.push(name.to_vec());
        if self.is_in_loc() {
            self.place = String::new();
        }
        Ok(())
    }

    fn end(&mut self) {
        // What has no end may be half an address.
        if self.is_in_loc() {
            self.places.push(self.place.trim().to_owned());
        }
        self.path.pop();
    }

    /// Image and video extensions have a `loc` of their own, deeper.
    fn is_in_loc(&self) -> bool {
        self.path.len() == 3 && self.path[2] == b"loc"
    }

    fn text(&mut self, text: &str) {
        if self.is_in_loc() {
            self.place.push_str(text);
        }
    }

    fn finish(&self) -> Result<(), String> {
        match (self.is_index, self.path.is_empty()) {
            (None, _) => Err("it is empty".to_owned()),
            (Some(_), false) => Err("it is cut off".to_owned()),
            (Some(_), true) => Ok(()),
        }
    }

    fn sitemap(self) -> Sitemap {
        match self.is_index {
            Some(true) => Sitemap::Index(self.places),
            _ => Sitemap::Pages(self.places),
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

fn unpacked(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<String>) {
    if !gzip::is_gzip(bytes) {
        return (Cow::Borrowed(bytes), None);
    }
    let (plain, error) = gzip::unpacked(bytes, LARGEST);
    let problem = error.map(|error| format!("it is not readable as gzip: {error}"));
    (Cow::Owned(plain), problem)
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
        assert_eq!(parse(xml), (Sitemap::Pages(pages.to_vec()), None));
    }

    #[test]
    fn an_index_is_told_from_pages() {
        let xml = b"<sitemapindex><sitemap><loc>http://h/s.xml</loc></sitemap></sitemapindex>";
        let index = Sitemap::Index(vec!["http://h/s.xml".to_owned()]);
        assert_eq!(parse(xml), (index, None));
    }

    #[test]
    fn what_is_no_sitemap_is_an_error() {
        for text in ["", "<html></html>", "<urlset><url></urlset>", "{}"] {
            assert!(parse(text.as_bytes()).1.is_some(), "{text}");
        }
    }

    #[test]
    fn half_a_sitemap_has_the_pages_that_are_whole() {
        let xml = "<urlset><url><loc>http://h/a</loc></url><url><loc>http://h/b";
        let half = (
            Sitemap::Pages(vec!["http://h/a".to_owned()]),
            Some("it is cut off".to_owned()),
        );
        assert_eq!(parse(xml.as_bytes()), half);
    }
}
