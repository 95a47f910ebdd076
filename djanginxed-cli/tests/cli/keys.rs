use crate::tool::{command, finish, run};

#[test]
fn a_key_is_the_md5_of_prefix_and_target() {
    let done = run([
        "key",
        "--prefix",
        "site1",
        "/articles/?page=2",
        "http://h/articles/?page=2",
    ]);
    let key = "a3c88da81e02be8ea2e22d58d5f67357\n";
    assert_eq!((done.code, done.out), (0, key.repeat(2)));
}

#[test]
fn the_content_type_is_a_part_of_the_key() {
    let key = |content_type: &str| {
        run([
            "key",
            "--prefix=site1",
            "--content-type",
            content_type,
            "/a",
        ])
    };
    let expected = |start: &str| format!("{}\n", djanginxed::PageKey::new(start, "/a"));
    assert_eq!(key("text/html").out, expected("site1"));
    let json = expected("site1=application/json");
    assert_eq!(key("Application/JSON").out, json);
    let wrong = key("json");
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.contains("--content-type"), "{}", wrong.err);
}

#[test]
fn every_variant_has_a_key() {
    let expected = |variants: &[&str], start: &str, rest: &str| -> String {
        let line = |variant: &&str| {
            let key = djanginxed::PageKey::new(&format!("{start}{variant}{rest}"), "/a");
            format!("{key} {variant}\n")
        };
        variants.iter().map(line).collect()
    };
    let mut command = command();
    command
        .env("DJANGINXED_VARY", "language=en,de; mobile")
        .args(["key", "--prefix=site1", "--content-type=a/b", "/a"]);
    let all = ["~en~desktop", "~en~mobile", "~de~desktop", "~de~mobile"];
    assert_eq!(
        finish(&mut command, "").out,
        expected(&all, "site1", "=a/b")
    );
    let done = run(["key", "--prefix=p", "--vary", "cookie:c=x,y", "/a"]);
    assert_eq!(done.out, expected(&["~x", "~y"], "p", ""));
    let wrong = run(["key", "--vary", "cookie:c=x,x", "/a"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong.err.contains("cookie:c: \"x\": it is there twice"),
        "{}",
        wrong.err
    );
}

#[test]
fn the_key_of_a_whole_response_has_no_content_type() {
    let key = |layout: &str| {
        let mut command = command();
        command.env("DJANGINXED_LAYOUT", layout).args([
            "key",
            "--prefix=site1",
            "--content-type=text/css",
            "/a",
        ]);
        finish(&mut command, "")
    };
    let expected = |start: &str| format!("{}\n", djanginxed::PageKey::new(start, "/a"));
    assert_eq!(key("Response").out, expected("site1"));
    assert_eq!(key("body").out, expected("site1=text/css"));
    assert_eq!(key("").out, expected("site1=text/css"), "empty is unset");
    assert_eq!(key("other").code, 2);
}

#[test]
fn the_key_of_every_target_is_the_librarys() {
    let list = include_str!("../../../tests/request-targets.txt");
    let hits = list.lines().filter_map(|line| line.strip_prefix("hit\t"));
    let targets: Vec<_> = hits.map(|target| target.replace("\\\\", "\\")).collect();
    let done = finish(
        command().args(["key", "--prefix", "site1"]),
        &targets.join("\n"),
    );
    let expected: String = (targets.iter())
        .map(|target| target.strip_prefix("http://h").unwrap_or(target))
        .map(|target| format!("{}\n", djanginxed::PageKey::new("site1", target)))
        .collect();
    assert_eq!(done.out, expected);
}

/// Of a file of what nginx itself has said.
#[test]
fn the_server_of_a_key_is_the_one_that_nginx_asks() {
    let file = include_str!("../../../tests/golden/placement.txt");
    let mut seen = 0;
    for (block, text) in file.split("\n\n").skip(1).enumerate() {
        let (head, digits): (Vec<&str>, Vec<&str>) = text
            .lines()
            .partition(|line| !line.bytes().all(|byte| byte.is_ascii_digit()));
        let (placement, servers) = head.split_first().unwrap();
        let targets: Vec<String> = (0..1000)
            .map(|n| format!("/{block}/articles/{n}"))
            .collect();
        let mut command = command();
        command
            .args(["key", "--prefix=site1", "--placement"])
            .arg(placement.to_ascii_lowercase())
            .env("DJANGINXED_SERVERS", servers.join(","));
        let done = finish(&mut command, &targets.join("\n"));
        let digits = digits.concat();
        let expected: String = (targets.iter().zip(digits.bytes()))
            .map(|(target, digit)| {
                let key = djanginxed::PageKey::new("site1", target);
                let entry = servers[usize::from(digit - b'0')];
                format!("{key} {}\n", entry.split(' ').next().unwrap())
            })
            .collect();
        assert_eq!((done.code, done.out), (0, expected), "{servers:?}");
        seen += digits.len();
    }
    assert!(seen > 10_000, "{seen}");
    let done = run([
        "key",
        "--prefix=site1",
        "--vary=mobile",
        "--servers=h:1",
        "/a",
    ]);
    let line = |variant| {
        let key = djanginxed::PageKey::new(&format!("site1{variant}"), "/a");
        format!("{key} {variant} h:1\n")
    };
    assert_eq!(done.out, line("~desktop") + &line("~mobile"));
}

#[test]
fn the_prefix_may_come_from_the_environment() {
    let mut command = command();
    command
        .env("DJANGINXED_KEY_PREFIX", "site1")
        .args(["key", "/articles/?page=2"]);
    assert_eq!(
        finish(&mut command, "").out,
        "a3c88da81e02be8ea2e22d58d5f67357\n"
    );
}

#[test]
fn targets_may_come_from_standard_input() {
    let done = finish(
        command().args(["key", "--prefix", "site1"]),
        "/a\n\n# comment\n/b\n",
    );
    let same = run(["key", "--prefix", "site1", "/a", "/b"]);
    assert_eq!((done.code, done.out.lines().count()), (0, 2));
    assert_eq!(done.out, same.out);
}

#[test]
fn a_key_without_a_prefix_says_so_beside_the_key() {
    let done = run(["key", "/a"]);
    let key = djanginxed::PageKey::new("", "/a");
    assert_eq!((done.code, done.out), (0, format!("{key}\n")));
    assert!(done.err.contains("prefix is empty"), "{}", done.err);
    assert_eq!(run(["key", "--prefix", "site1", "/a"]).err, "");
}

#[test]
fn targets_from_a_terminal_are_waited_for_with_a_word() {
    let mut script = std::process::Command::new("script");
    let tool = format!("{} key --prefix site1", env!("CARGO_BIN_EXE_djanginxed"));
    let done = finish(script.args(["-qec", &tool, "/dev/null"]), "/a\n\u{4}");
    let key = djanginxed::PageKey::new("site1", "/a").to_string();
    assert!(done.out.contains("waiting for targets"), "{done:?}");
    assert!(done.out.contains(&key), "{done:?}");
}

#[test]
fn a_wrong_command_line_is_one_sentence_and_exit_code_2() {
    for args in [
        ["key", "articles"],
        ["key", "--prefix=a b"],
        ["show", "/a"],
        ["delete", "/a"],
    ] {
        let done = run(args);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{args:?}");
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
    let done = run(["key", "--prefix", "a b", "/a"]);
    assert!(done.err.contains("\"a b\""), "{}", done.err);
}

/// The commands that take targets.
const WITH_TARGETS: [&[&str]; 3] = [
    &["key", "--prefix=site1"],
    &["show", "--prefix=site1", "--servers=127.0.0.1:1"],
    &["delete", "--prefix=site1", "--servers=127.0.0.1:1"],
];

#[test]
fn a_target_that_leads_to_no_page_is_refused_with_the_right_spelling() {
    for (target, spelling) in [
        ("/a#top", "write \"/a\", or \"/a%23top\" where"),
        ("/a?b#top", "write \"/a?b\", or"),
        ("articles/1", "beginning with \"/\" (\"/articles/1\")"),
        ("/a\u{7}", "percent-encode it"),
        ("/100%", "write %25 for"),
        ("/a%zz", "write %25 for"),
        ("/a%00", "write %25 for"),
        ("http://h/100%", "write %25 for"),
    ] {
        for arguments in WITH_TARGETS {
            let done = finish(command().args(arguments).args(["/b", target]), "");
            assert_eq!((done.code, done.out.as_str()), (2, ""), "{target}");
            let is_one = done.err.lines().count() == 1;
            assert!(is_one && done.err.contains(spelling), "{}", done.err);
        }
    }
}

#[test]
fn a_target_that_is_sent_otherwise_than_it_is_written_is_told() {
    for (written, sent) in [
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/a b?c d", "/a%20b?c%20d"),
        ("/a?\"", "/a?%22"),
        ("http://h/a#top", "/a"),
        ("http://h?b", "/?b"),
    ] {
        for arguments in WITH_TARGETS {
            let done = finish(command().args(arguments).args([written, "/c d"]), "");
            let told = format!(
                "djanginxed: {written:?} is taken for {sent:?}, as clients send it (and 1 more like it)"
            );
            assert!(done.err.contains(&told), "{}", done.err);
        }
        let key = djanginxed::PageKey::new("site1", sent);
        let done = run(["key", "--prefix=site1", written]);
        assert_eq!((done.code, done.out), (0, format!("{key}\n")));
    }
    for same in [
        "/caf%C3%A9?x=%zz&y=1%",
        "http://h/a",
        "http://h",
        "//a\"b|c",
    ] {
        assert_eq!(run(["key", "--prefix=site1", same]).err, "", "{same}");
    }
}

#[test]
fn errors_of_every_command_name_the_option_as_it_was_written() {
    let url = "http://127.0.0.1:1/";
    let servers = "--servers=127.0.0.1:1";
    for (option, value, rest) in [
        ("--prefix", "a b", &["key", "/a"][..]),
        ("--prefix", "a b", &["show", servers, "/a"]),
        ("--prefix", "a b", &["check", url]),
        ("--prefix", "a b", &["purge", servers, "--all"]),
        ("--servers", "nowhere", &["key", "/a"]),
        ("--servers", "nowhere", &["show", "/a"]),
        ("--servers", "nowhere", &["delete", "/a"]),
        ("--servers", "nowhere", &["check", url]),
        ("--bypass-cookie", "a;b", &["check", url]),
        ("--bypass-header", "a b", &["check", url]),
    ] {
        let done = finish(command().args(rest).args([option, value]), "");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{rest:?} {option}");
        let named = format!("djanginxed: {option}: ");
        assert!(done.err.starts_with(&named), "{rest:?}: {}", done.err);
    }
    for rest in [
        &["nginx", "--bypass-cookie", ""][..],
        &["nginx", "--bypass-header=X-A, ,X-B"],
        &["nginx", "--cached-host", " "],
        &["nginx", "--vary", "mobile;"],
        &["nginx", "--hit-feed", ""],
        &["check", url, "--bypass-cookie", "a,,b"],
        &["check", url, "--servers", ""],
        &["purge", "--servers=", "--all"],
        &["key", "/a", "--vary", ""],
    ] {
        let done = finish(
            command().env("DJANGINXED_BYPASS_COOKIES", "a").args(rest),
            "",
        );
        let mut words = rest.iter().filter_map(|word| word.split('=').next());
        let option = words.find(|word| word.starts_with("--"));
        let told = format!("djanginxed: {}: an empty value: ", option.unwrap());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{rest:?}");
        assert!(done.err.starts_with(&told), "{rest:?}: {}", done.err);
    }
    for (option, command, form) in [
        ("--app <ADDRESS>", "check", "HOST:PORT or unix:/PATH"),
        ("--connect <HOST:PORT>", "check", "HOST:PORT"),
        ("--connect <HOST:PORT>", "warm", "HOST:PORT"),
    ] {
        let word = option.split(' ').next().unwrap();
        for value in ["nowhere", "h:0", "h:70000", ":80", "::1:80", "http://h:80"] {
            let done = run([command, url, word, value]);
            assert_eq!((done.code, done.out.as_str()), (2, ""), "{option} {value}");
            let named = format!("'{value}' for '{option}': write it as {form}, for example");
            assert!(done.err.contains(&named), "{}", done.err);
        }
    }
    let done = run(["check", url, "--app", "unix:app.sock"]);
    assert!(done.err.contains("write the whole path"), "{}", done.err);
}

#[test]
fn every_command_shows_an_example() {
    for name in [
        "nginx",
        "check",
        "key",
        "show",
        "delete",
        "purge",
        "warm",
        "top",
        "completions",
        "man",
    ] {
        let done = run([name, "--help"]);
        assert!(
            done.out.contains(&format!("Example: djanginxed {name}")),
            "{}",
            done.out
        );
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(["completions", shell]).out.contains("djanginxed"));
    }
    assert!(run(["man"]).out.contains(".TH djanginxed 1"));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(["man", "-o", folder.path().to_str().unwrap()]).code, 0);
    assert!(folder.path().join("djanginxed-check.1").is_file());
}
