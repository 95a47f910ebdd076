//! What a visitor sees of an answer.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;
use testkit::http::Response;

/// An answer without its nonce.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The status.
    pub status: u16,
    fields: Vec<(&'static str, Option<String>)>,
    /// The body, unpacked.
    pub text: String,
}

/// A product on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Where it is listed.
    pub category: String,
    /// Its price.
    pub cents: u32,
}

/// What hits and renders must say alike.
const FIELDS: [&str; 7] = [
    "content-type",
    "content-security-policy",
    "location",
    "referrer-policy",
    "set-cookie",
    "x-content-type-options",
    "x-frame-options",
];

impl Seen {
    /// What is seen.
    #[must_use]
    pub fn of(answer: &Response) -> Seen {
        let policy = answer.header("content-security-policy");
        let nonce = policy.and_then(|policy| between(policy, "'nonce-", '\''));
        let without = |text: &str| match nonce {
            Some(nonce) if is_nonce(nonce) => text.replace(nonce, "NONCE"),
            _ => text.to_owned(),
        };
        Seen {
            status: answer.status,
            fields: FIELDS
                .map(|name| (name, answer.header(name).map(without)))
                .to_vec(),
            // The application escapes an apostrophe, too, which nginx leaves: the same text.
            text: without(&text(answer)).replace("&#39;", "'"),
        }
    }

    /// The products that it shows: of a page, of the feed, or one as JSON.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        match serde_json::from_str(&self.text) {
            Ok(one) => of_json(&one).into_iter().collect(),
            Err(_) => self.text.lines().filter_map(of_line).collect(),
        }
    }

    /// The same, whatever its numbers are.
    #[must_use]
    pub fn without_numbers(&self) -> Seen {
        let mut text = self.text.replace(|one: char| one.is_ascii_digit(), "0");
        while text.contains("00") {
            text = text.replace("00", "0");
        }
        Seen {
            text,
            ..self.clone()
        }
    }
}

/// The text of an answer, unpacked. What cannot be unpacked is no text that any other has.
#[must_use]
pub fn text(answer: &Response) -> String {
    if answer.header("content-encoding") != Some("gzip") {
        return String::from_utf8_lossy(&answer.body).into_owned();
    }
    let mut text = String::new();
    match GzDecoder::new(&*answer.body).read_to_string(&mut text) {
        Ok(_) => text,
        Err(error) => format!("gzip: {error}"),
    }
}

fn of_json(one: &Value) -> Option<Row> {
    Some(Row {
        id: one["id"].as_i64()?,
        name: one["name"].as_str()?.to_owned(),
        category: one["category"].as_str()?.to_owned(),
        cents: u32::try_from(one["cents"].as_u64()?).ok()?,
    })
}

/// The product of a line: of a page, or of the feed.
fn of_line(line: &str) -> Option<Row> {
    let value = |begin: &str, end| between(line, begin, end);
    let [id, name, category, cents] = match value("<li data-id=\"", '"') {
        Some(id) => [
            id,
            value(&format!("/products/{id}\">"), '<')?,
            value("/categories/", '"')?,
            value("<data value=\"", '"')?,
        ],
        None => [
            value("<id>urn:shop:", '<')?,
            value("<title>", '<')?,
            value("term=\"", '"')?,
            value("<summary>", '<')?,
        ],
    };
    Some(Row {
        id: id.parse().ok()?,
        name: name.to_owned(),
        category: category.to_owned(),
        cents: cents.replace('.', "").parse().ok()?,
    })
}

/// What stands between `begin` and the next `end`.
#[must_use]
pub fn between<'a>(text: &'a str, begin: &str, end: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(found, _)| found)
}

fn is_nonce(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: u16, nonces: [char; 2], cents: u32, name: &str) -> Seen {
        let [inner, outer] = nonces.map(|one| one.to_string().repeat(32));
        let policy = format!("script-src 'nonce-{outer}'");
        Seen::of(&Response {
            status,
            headers: vec![("Content-Security-Policy".to_owned(), policy)],
            body: format!(
                "<style nonce=\"{inner}\"></style><b>{name}</b>\n\
                 <li data-id=\"7\"><a href=\"/products/7\">Lamp</a> \
                 <a href=\"/categories/light\">light</a> <data value=\"{cents}\">x</data></li>\n"
            )
            .into_bytes(),
        })
    }

    #[test]
    fn pages_are_alike_but_for_the_nonce() {
        let first = page(200, ['a', 'a'], 7, "ann");
        assert_eq!(first, page(200, ['b', 'b'], 7, "ann"));
        for other in [
            page(404, ['a', 'a'], 7, "ann"),
            page(200, ['a', 'b'], 7, "ann"),
            page(200, ['a', 'a'], 8, "ann"),
            page(200, ['a', 'a'], 7, "bob"),
            page(200, ['x', 'x'], 7, "ann"),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn a_change_of_prices_is_told_from_any_other() {
        let (before, after) = (
            page(200, ['a', 'a'], 990, "ann"),
            page(200, ['a', 'a'], 1000, "ann"),
        );
        assert_eq!(before.without_numbers(), after.without_numbers());
        let other = page(200, ['a', 'a'], 1000, "bob");
        assert_ne!(before.without_numbers(), other.without_numbers());
    }

    #[test]
    fn products_are_read_from_pages_the_feed_and_json() {
        let row = Row {
            id: 7,
            name: "Lamp".to_owned(),
            category: "light".to_owned(),
            cents: 4900,
        };
        let rows = page(200, ['a', 'a'], 4900, "ann").rows();
        assert!(rows.iter().eq([&row]), "{rows:?}");
        for text in [
            "<entry><id>urn:shop:7</id><title>Lamp</title><updated>2026</updated>\
             <category term=\"light\"/><summary>49.00</summary></entry>",
            "{\"id\":7,\"name\":\"Lamp\",\"category\":\"light\",\"cents\":4900}",
        ] {
            let answer = Response {
                status: 200,
                headers: Vec::new(),
                body: text.into(),
            };
            let rows = Seen::of(&answer).rows();
            assert!(rows.iter().eq([&row]), "{rows:?}");
        }
    }
}
