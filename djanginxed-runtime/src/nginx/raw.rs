//! Targets and cookies as the application reads them, in regular expressions.
//!
//! nginx chooses a location by the path decoded and normalised, the application
//! a route by the path as it was sent: for nginx `/feed/../a` is `/a` and
//! `/feed%2Fa` is `/feed/a`; for actix neither is. Where routes have keys of
//! their own, a page would be stored under a key that nginx never asks for. So
//! nginx is given the application's view beside its own.

use super::routes::Route;

/// For each location, a regular expression for the targets that the application
/// takes for it, and what it is compared by; the first that matches counts.
pub(super) fn patterns(routes: &[Route]) -> Vec<(String, usize)> {
    let mut routes: Vec<&Route> = routes.iter().filter(|route| route.matches != "/").collect();
    routes.sort_by_key(|route| (!route.is_exact(), std::cmp::Reverse(route.path().len())));
    routes
        .into_iter()
        .map(|route| (pattern(route), route.kind))
        .collect()
}

fn pattern(route: &Route) -> String {
    let path: String = route.path().chars().map(character).collect();
    // nginx keeps a fragment in $request_uri, though no client should send one.
    let end = if route.is_exact() { "(?:[?#]|$)" } else { "" };
    format!("~^{path}{end}")
}

/// `character`, as it is or percent-encoded: actix decodes all but `%2F`, `%2B`
/// and `%25`.
fn character(character: char) -> String {
    let itself = match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '/' => character.to_string(),
        other => format!("[{other}]"),
    };
    match character {
        '/' | '+' => itself,
        other => format!("(?:{itself}|{})", encoded(other)),
    }
}

/// `character` percent-encoded, in either case of its digits.
fn encoded(character: char) -> String {
    let digits = format!("{:02X}", u32::from(character));
    let digits: String = digits.chars().map(hex_digit).collect();
    format!("%{digits}")
}

/// For Cookie headers that have a cookie of this name, as loosely as the
/// application reads them (`request.rs`): without case, percent-encoded or not, and
/// with white space around it. What is no visible ASCII passes for white space
/// here, since all of Unicode's may stand there.
pub(super) fn cookie(name: &str) -> String {
    // The possessive "+" keeps a header of nothing else from costing more than
    // its length.
    const BLANK: &str = "(?:[^!-~]|%(?:0[9A-D]|20|[89A-F][0-9A-F]))*+";
    let name: String = name.chars().map(in_either_case).collect();
    // A name without "=" is a cookie to some readers of the header.
    format!("~*(?:^|[;,]){BLANK}{name}{BLANK}(?:[=;,]|$)")
}

/// Also where it is percent-encoded, of which the expression's own `*` knows nothing. No
/// two of the alternatives fit one text: each letter would double what the name before it
/// costs.
fn in_either_case(letter: char) -> String {
    if !letter.is_ascii_alphabetic() {
        return character(letter);
    }
    let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
    format!("(?:{lower}|{}|{})", encoded(lower), encoded(upper))
}

fn hex_digit(digit: char) -> String {
    match digit {
        '0'..='9' => digit.to_string(),
        letter => format!("[{letter}{}]", letter.to_ascii_lowercase()),
    }
}
