//! What a visitor sees of an answer, apart from what differs each time.

use std::io::Read;

use flate2::read::GzDecoder;
use testkit::http::Response;

/// An answer without its nonce, and without the version it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    status: u16,
    fields: Vec<(&'static str, Option<String>)>,
    text: String,
}

/// What hits and renders must say alike.
const FIELDS: [&str; 4] = [
    "content-type",
    "content-security-policy",
    "location",
    "x-frame-options",
];

impl Seen {
    /// What is seen, and which version; none: it shows none.
    #[must_use]
    pub fn of(answer: &Response) -> (Seen, Option<u64>) {
        // The application escapes an apostrophe, too, which nginx leaves: the same text.
        let text = text(answer).replace("&#39;", "'");
        let nonce = said(&text, "nonce").filter(|nonce| is_nonce(nonce));
        let without = |text: &str| match nonce {
            Some(nonce) => text.replace(nonce, "NONCE"),
            // Of a page that shows none: the policy's own.
            None => without_nonce(text),
        };
        let version = said(&text, "version").and_then(|version| version.parse().ok());
        let plain = match version {
            Some(version) => text.replacen(&format!("version={version}"), "version=", 1),
            None => text.clone(),
        };
        let field = |name| (name, answer.header(name).map(without));
        let seen = Seen {
            status: answer.status,
            fields: FIELDS.map(field).to_vec(),
            text: match nonce {
                Some(nonce) => plain.replace(nonce, "NONCE"),
                None => plain,
            },
        };
        (seen, version)
    }
}

/// The text of an answer, unpacked. What cannot be unpacked is no text that any other has.
fn text(answer: &Response) -> String {
    if answer.header("content-encoding") != Some("gzip") {
        return String::from_utf8_lossy(&answer.body).into_owned();
    }
    let mut text = String::new();
    match GzDecoder::new(&*answer.body).read_to_string(&mut text) {
        Ok(_) => text,
        Err(error) => format!("gzip: {error}"),
    }
}

/// What stands behind `name=` in a page of the mixed site.
#[must_use]
pub fn said<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{name}="))?;
    rest.split([' ', '\n']).next()
}

fn is_nonce(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn without_nonce(policy: &str) -> String {
    match policy.split_once("'nonce-") {
        Some((before, rest)) => match rest.split_once('\'') {
            Some((nonce, after)) if is_nonce(nonce) => format!("{before}'nonce-NONCE'{after}"),
            _ => policy.to_owned(),
        },
        None => policy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: u16, nonces: [char; 2], version: u64, name: &str) -> Response {
        let [inner, outer] = nonces.map(|one| one.to_string().repeat(32));
        let policy = format!("script-src 'nonce-{outer}'");
        Response {
            status,
            headers: vec![("Content-Security-Policy".to_owned(), policy)],
            body: format!("version={version} name={name} nonce={inner}\n").into_bytes(),
        }
    }

    #[test]
    fn pages_are_alike_but_for_version_and_nonce() {
        let (first, one) = Seen::of(&page(200, ['a', 'a'], 7, "ann"));
        let (again, two) = Seen::of(&page(200, ['b', 'b'], 12, "ann"));
        assert_eq!((&first, one, two), (&again, Some(7), Some(12)));
        for other in [
            page(404, ['a', 'a'], 7, "ann"),
            page(200, ['a', 'b'], 7, "ann"),
            page(200, ['a', 'a'], 7, "bob"),
            page(200, ['x', 'x'], 7, "ann"),
        ] {
            assert_ne!(Seen::of(&other).0, first, "{other:?}");
        }
    }
}
