//! A file of nginx's choices.

use std::path::Path;
use std::{env, fs};

use djanginxed_runtime::Placement;

use crate::upstream::{BOTH, Upstream, ask, start_nginx, targets};

const FILE: &str = "tests/golden/placement.txt";

const HEADER: &str = "\
# On which server nginx looks for pages, as nginx said itself in $upstream_addr.
# Made by UPDATE_GOLDEN=1 cargo test --test placement golden
# Each block is a placement, the servers of an upstream in nginx's words, and one
# digit for each page: the server's place in the list, from 0. The page in row r
# and column c of block b has the request target /b/articles/n with n = 100 r + c,
# all counted from 0, and the key prefix site1.
";

const PAGES: usize = 1_000;

/// Nobody has to listen there: nginx tells whom it would have asked.
const LISTS: [&[&str]; 7] = [
    &["127.0.0.1:11211"],
    &["127.0.0.1:11211", "127.0.0.2:11212"],
    &[
        "127.0.0.1:11211",
        "127.0.0.2:11212 weight=2",
        "127.0.0.3:11213",
    ],
    &[
        "127.0.0.7:11217",
        "127.0.0.6:11216 weight=5",
        "127.0.0.5:11215",
        "127.0.0.4:11214 weight=3",
        "127.0.0.3:11213",
        "127.0.0.2:11212",
        "127.0.0.1:11211 weight=10",
    ],
    &["[::1]:11211 weight=2", "[0:0::1]:11212", "127.0.0.3:1"],
    &[
        "unix:/run/memcached/memcached.sock",
        "unix:/run/memcached/memcached.sock2 weight=3",
        "unix:/run/Memcached@a+b~c_d-e/memcached.sock",
    ],
    &[
        "127.0.0.1:11211",
        "unix:/run/11211 weight=2",
        "[::1]:11212",
        "unix://run/./memcached.sock",
    ],
];

/// A name may stand for two addresses, which modulo counts as two servers.
const NAMES: &[&str] = &[
    "LocalHost:11211",
    "127.0.0.1:11212 weight=3",
    "localhost:11213",
];

fn lists() -> Vec<Upstream> {
    let upstream = |list: &&[&str], placement| Upstream::new(list.iter().copied(), placement);
    let both = LISTS
        .iter()
        .flat_map(|list| BOTH.map(|placement| upstream(list, placement)));
    both.chain([upstream(&NAMES, Placement::Consistent)])
        .collect()
}

/// The file's text, with `choice` for each list and its targets.
fn text(choice: impl Fn(&Upstream, &[String]) -> Vec<usize>) -> String {
    let mut text = HEADER.to_owned();
    for (at, list) in lists().iter().enumerate() {
        text += &format!("\n{:?}\n{}\n", list.placement, list.entries.join("\n"));
        for row in choice(list, &targets(at, PAGES)).chunks(100) {
            text.extend(row.iter().map(usize::to_string));
            text.push('\n');
        }
    }
    text
}

fn file() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap()
}

#[test]
fn golden_the_application_puts_every_page_where_nginx_looked() {
    let ours = text(|list, targets| targets.iter().map(|target| list.place(target)).collect());
    assert!(
        ours == file(),
        "{FILE} has it otherwise than the application:\n{ours}"
    );
}

#[test]
fn golden_nginx_still_looks_where_the_file_says() {
    // Nobody answers, and nginx is to go on asking all the same.
    let nginx = start_nginx(&lists(), " max_fails=0");
    let theirs = text(|list, targets| {
        let answers = ask(nginx.port(), targets);
        answers.iter().map(|answer| list.asked(answer)).collect()
    });
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), &theirs).unwrap();
    }
    assert!(theirs == file(), "{FILE} is not what nginx says:\n{theirs}");
}
