//! One list of what bypasses, in nginx and in the application: random requests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};
use testkit::http::{Connection, Request, Response};

use crate::stack::{NGINX_HIT, Script, Stack, cache_status};

/// Header lines, as bytes.
type Lines = Vec<(&'static str, Vec<u8>)>;

/// A character as it is, in the other case, or percent-encoded in either.
fn character(byte: u8) -> impl Strategy<Value = Vec<u8>> {
    let other = match byte.is_ascii_lowercase() {
        true => byte.to_ascii_uppercase(),
        false => byte.to_ascii_lowercase(),
    };
    prop_oneof![
        10 => Just(vec![byte]),
        2 => Just(vec![other]),
        2 => select(vec![byte, other]).prop_flat_map(encoded),
    ]
}

/// `%` and two digits, each in either case.
fn encoded(byte: u8) -> impl Strategy<Value = Vec<u8>> {
    let (lower, upper) = (format!("%{byte:02x}"), format!("%{byte:02X}"));
    select(vec![lower, upper]).prop_map(String::into_bytes)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let names: &[&[u8]] = &[b"sessionid", b"a.b-c_D", b"theme"];
    let characters = |name: &[u8]| -> Vec<_> { name.iter().copied().map(character).collect() };
    select(names).prop_flat_map(move |name| characters(name).prop_map(|all| all.concat()))
}

/// What Unicode takes for white space, and what it almost does, with any of its
/// bytes percent-encoded.
fn blank() -> impl Strategy<Value = Vec<u8>> {
    const BLANKS: &str = "\t\u{b}\u{c}\r\n \u{85}\u{a0}\u{1680}\u{2000}\u{2005}\u{200a}\
                          \u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{200b}\u{feff}\u{fffd}";
    let blanks: Vec<char> = BLANKS.chars().collect();
    select(blanks).prop_flat_map(|blank| {
        let bytes = blank.to_string().into_bytes();
        let each = |byte| prop_oneof![Just(vec![byte]), encoded(byte)];
        let all: Vec<_> = bytes.into_iter().map(each).collect();
        all.prop_map(|all| all.concat())
    })
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let mark = select(vec![
        ";", "; ", ",", "=", "=1; ", "%", "%25", "%3b", "%00", "\"", "x",
    ]);
    prop_oneof![
        6 => name(),
        4 => blank(),
        6 => mark.prop_map(|mark| mark.as_bytes().to_vec()),
        1 => (0x80..=0xff_u8).prop_map(|byte| vec![byte]),
    ]
}

fn cookie() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..6).prop_map(|pieces| pieces.concat())
}

fn requests() -> impl Strategy<Value = Lines> {
    const NAMES: &[&str] = &[
        "Authorization",
        "X-Preview",
        "Upgrade",
        "Djanginxed-Bypass",
        "X-Other",
    ];
    let values: Vec<Vec<u8>> = ["", "0", "1", "%20", "websocket", "Basic eDp5"]
        .map(|value| value.as_bytes().to_vec())
        .into();
    let header = (select(NAMES), select(values));
    let cookies = vec(cookie().prop_map(|line| ("Cookie", line)), 0..3);
    (cookies, vec(header, 0..2)).prop_map(|(cookies, headers)| [cookies, headers].concat())
}

/// Asks on one connection for as long as it lasts.
struct Visitor {
    port: u16,
    connection: Option<Connection>,
}

impl Visitor {
    fn of(port: u16) -> Visitor {
        let connection = None;
        Visitor { port, connection }
    }

    /// None where the request is refused.
    fn get(&mut self, target: &str, lines: &Lines) -> Option<Response> {
        let request = lines.iter().fold(Request::get(target), |request, line| {
            request.header(line.0, &line.1)
        });
        let mut connection =
            (self.connection.take()).unwrap_or_else(|| Connection::open(self.port).unwrap());
        connection.send(&request).unwrap();
        let response = connection.receive().ok()?;
        // A line that ends in itself may end the request: what follows is another one.
        let ends = lines.iter().any(|line| line.1.contains(&b'\n'));
        let closes = response.header("connection") == Some("close");
        if response.status == 200 && !closes && !ends {
            self.connection = Some(connection);
        }
        (response.status == 200).then_some(response)
    }
}

fn is_bypass(response: &Response) -> bool {
    cache_status(response).contains("fwd=bypass")
}

#[test]
fn what_bypasses_in_the_application_bypasses_in_nginx() {
    let stack = Stack::setup()
        .cache(|pages| {
            let pages = pages.bypass_cookie("sessionid").bypass_cookie("a.b-c_D");
            pages.bypass_header("X-Preview")
        })
        .start(Script::html());
    let _ = stack.get("/stored");
    let mut nginx = Visitor::of(stack.nginx.port());
    let mut application = Visitor::of(stack.application.port());
    let (mut asked, mut hits, mut bypasses) = (0_u32, 0_u32, 0_u32);
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut check = |lines: Lines| -> Result<(), TestCaseError> {
        asked += 1;
        let Some(stored) = nginx.get("/stored", &lines) else {
            return Ok(());
        };
        let hit = cache_status(&stored) == NGINX_HIT;
        let passed_on = nginx.get(&format!("/{asked}"), &lines);
        let bypass = passed_on.is_some_and(|answer| is_bypass(&answer));
        prop_assert_ne!(hit, bypass, "what nginx hands on");
        hits += u32::from(hit);
        // Past nginx, where no field is dropped for being empty, and where nobody
        // replaces what nginx alone says.
        let as_sent = |line: &(&str, Vec<u8>)| line.0 != "Djanginxed-Bypass" && !line.1.is_empty();
        if lines.iter().all(as_sent) {
            let direct = application.get("/stored", &lines);
            let bypass = direct.is_some_and(|answer| is_bypass(&answer));
            prop_assert!(!(hit && bypass), "what the application sees");
            bypasses += u32::from(bypass);
        }
        Ok(())
    };
    let check = std::cell::RefCell::new(&mut check);
    TestRunner::new(config)
        .run(&requests(), |lines| (check.borrow_mut())(lines))
        .unwrap();
    assert!(
        hits > 20 && bypasses > 20,
        "{hits} hits, {bypasses} bypasses"
    );
}
