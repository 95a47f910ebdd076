use testkit::Nginx;

use crate::tool::{Done, command, finish, run};

fn nginx(extra: &[&str]) -> Done {
    let mut command = command();
    command
        .args([
            "nginx",
            "--servers",
            "127.0.0.1:11211",
            "--app",
            "127.0.0.1:8080",
        ])
        .args(extra);
    finish(&mut command, "")
}

#[test]
fn the_file_is_accepted_by_nginx() {
    let done = nginx(&[
        "--prefix",
        "site1",
        "--server-name",
        "www.example.com",
        "--listen",
        "8099",
        "--gzip",
        "--page",
        "/feed/=site2,application/rss+xml",
        "--no-cache",
        "/admin/",
        "--bypass-cookie",
        "sessionid",
        "--bypass-header",
        "X-Preview",
        "--cached-host",
        "www.example.com",
        "--header",
        "X-Frame-Options: DENY",
        "--name",
        "blog",
        "--client-max-body-size",
        "0",
    ]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    Nginx::test(&done.out).unwrap();
    assert!(
        done.out
            .contains("set_md5 $memcached_key site2=application/rss+xml$request_uri;")
    );
}

#[test]
fn the_parts_fit_together() {
    let name = ["--server-name", "www.example.com"];
    let part = |which| nginx(&[name[0], name[1], which]).out;
    let (http, locations) = (part("--http-only"), part("--locations-only"));
    Nginx::test(&format!("{http}\nserver {{ listen 8099; {locations} }}")).unwrap();
    assert!(part("--full").contains("load_module"));
}

#[test]
fn the_script_is_written_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    let done = nginx(&[
        "--server-name",
        "a.example",
        "--full",
        "--md5",
        "njs",
        "-o",
        output,
    ]);
    assert_eq!(done.code, 0, "{done:?}");
    let conf = std::fs::read_to_string(folder.path().join("nginx.conf")).unwrap();
    assert!(conf.contains("js_import djanginxed from \"djanginxed.js\";"));
    assert!(folder.path().join("djanginxed.js").is_file());
}

#[test]
fn hostile_values_are_errors_that_name_them() {
    for option in [
        "--server-name",
        "--app",
        "--listen",
        "--no-cache",
        "--name",
        "--client-max-body-size",
        "--prefix",
        "--bypass-cookie",
        "--bypass-header",
        "--cached-host",
    ] {
        for value in ["a;b", "a}b", "a\"b", "a\nb", "a$b", "a b", "é"] {
            let done = nginx(&["--server-name", "a.example", option, value]);
            assert_eq!(
                (done.code, done.out.as_str()),
                (2, ""),
                "{option} {value:?}"
            );
            assert!(done.err.contains(&format!("{value:?}")), "{}", done.err);
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let done = nginx(&[]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("server_name"), "{}", done.err);
    let done = run([
        "nginx",
        "--server-name",
        "a.example",
        "--app",
        "127.0.0.1:8080",
    ]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("--servers"), "{}", done.err);
}

#[test]
fn an_empty_environment_variable_is_an_unset_one() {
    let mut command = command();
    command.args([
        "nginx",
        "--server-name",
        "a.example",
        "--app",
        "127.0.0.1:8080",
    ]);
    command
        .args(["--servers", "127.0.0.1:11211"])
        .env("DJANGINXED_GZIP", "");
    assert_eq!(finish(&mut command, "").code, 0);
}
