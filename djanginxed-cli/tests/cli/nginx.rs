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
        "--page",
        "= /news.xml=site1,application/rss+xml",
        "--no-cache",
        "/admin/",
        "--ignore-query",
        "utm_*,gclid",
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
            .contains("set_md5 $memcached_key site2=application/rss+xml$djanginxed_blog_target;")
    );
    assert!(done.out.contains("location = /news.xml {"));
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
fn the_script_needs_nothing_of_a_site() {
    let done = run(["nginx", "--script-only"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let site = ["--server-name", "a.example", "--md5", "njs", "-o"];
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    assert_eq!(nginx(&[&site[..], &[output]].concat()).code, 0);
    let beside = std::fs::read_to_string(folder.path().join("djanginxed.js")).unwrap();
    assert_eq!(done.out, beside);
    let alone = folder.path().join("alone");
    let done = run(["nginx", "--script-only", "-o", alone.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(std::fs::read_dir(&alone).unwrap().count(), 1);
}

#[test]
fn hostile_values_are_errors_that_name_them() {
    for option in [
        "--server-name",
        "--app",
        "--listen",
        "--no-cache",
        "--ignore-query",
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

#[test]
fn errors_name_the_option_as_it_was_written() {
    for (option, value) in [
        ("--cached-host", "a;b"),
        ("--page", "/a;b=site2,text/html"),
        ("--page", "/a=si/te,text/html"),
        ("--page", "/a=site2,text"),
        ("--no-cache", "/a;b"),
        ("--ignore-query", "a;b"),
        ("--bypass-header", "a;b"),
        ("--bypass-cookie", "a;b"),
        ("--header", "X-A: $b"),
        ("--server-name", "a;b"),
        ("--name", "a-name-that-is-longer-than-it-may-be"),
        ("--app", "nowhere"),
        ("--listen", "nowhere"),
        ("--inner", "10.0.0.1:80"),
        ("--prefix", "a/b"),
        ("--client-max-body-size", "much"),
        ("--script", "a$b"),
    ] {
        let done = nginx(&["--server-name", "a.example", option, value]);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{option} {value}");
        let named = format!("djanginxed: {option}: ");
        assert!(
            done.err.starts_with(&named),
            "{option} {value}: {}",
            done.err
        );
    }
    let done = nginx(&[
        "--server-name",
        "a.example",
        "--page",
        "/a=b,text/html",
        "--no-cache",
        "/a",
    ]);
    assert!(done.err.contains("is given twice"), "{}", done.err);
    for (option, value) in [
        ("--no-cache", "= /_djanginxed-part"),
        ("--page", "/_djanginxed-part/=b,text/html"),
    ] {
        let done = nginx(&["--server-name", "a.example", "--parts", option, value]);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{option}");
        let named = format!("djanginxed: {option}: location \"");
        assert!(done.err.starts_with(&named), "{}", done.err);
        assert!(done.err.contains("a location of its own"), "{}", done.err);
    }
}

#[test]
fn several_sites_share_an_nginx_and_a_port() {
    let site = |name: &str| {
        let host = format!("{name}.example");
        let done = nginx(&["--server-name", &host, "--name", name, "--listen", "8099"]);
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        done.out
    };
    Nginx::test(&format!("{}\n{}", site("one"), site("two"))).unwrap();
}

#[test]
fn hits_are_told_where_it_is_asked_for() {
    let given = nginx(&["--server-name", "a.example"]);
    assert!(!given.out.contains("syslog"), "{}", given.out);
    let socket = "/run/djanginxed/hits.sock";
    let feed = ["--server-name", "a.example", "--hit-feed", socket];
    let done = nginx(&[&feed[..], &["--hit-sample", "16"]].concat());
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    for line in [
        "access_log syslog:server=unix:/run/djanginxed/hits.sock,nohostname,",
        "log_format djanginxed_hit escape=none \"hit 16 $status ",
        "6.25% 1;",
        "if (-e /run/djanginxed/hits.sock.live) {",
    ] {
        assert!(done.out.contains(line), "{line} in {}", done.out);
    }
    let done = nginx(&[&feed[..], &["--hit-sample", "3"]].concat());
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("--hit-sample: hit sample \"3\""),
        "{}",
        done.err
    );
    let done = nginx(&["--server-name", "a.example", "--hit-feed", "hits.sock"]);
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("--hit-feed: hit feed \"hits.sock\""),
        "{}",
        done.err
    );
}

#[test]
fn a_micro_cache_is_there_where_it_is_asked_for() {
    let site = ["--server-name", "a.example"];
    assert!(!nginx(&site).out.contains("proxy_cache_path"));
    let with = |extra: &[&str]| nginx(&[&site[..], extra].concat());
    for (md5, whole) in [("set-misc", false), ("njs", false), ("set-misc", true)] {
        let path = ["--micro-cache-path", "a folder"];
        let mut args = [&["--micro-cache", "1s", "--md5", md5], &path[..]].concat();
        if whole {
            args.push("--full");
        }
        let done = with(&args);
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        assert!(done.out.contains("proxy_cache_path \"a folder\" "));
    }
    for (value, extra, why) in [
        ("0s", "--layout=body", "--micro-cache: micro cache \"0s\""),
        ("1m", "--layout=body", "--micro-cache"),
        ("1s", "--layout=response", "use layout body"),
        ("1s", "--micro-cache-path=$x", "--micro-cache-path: "),
    ] {
        let done = with(&["--micro-cache", value, extra]);
        assert!(done.code == 2 && done.err.contains(why), "{done:?}");
    }
    assert_eq!(with(&["--micro-cache-path", "x"]).code, 2);
}

#[test]
fn what_nginx_refuses_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let refusing = folder.path().join("nginx");
    std::fs::write(
        &refusing,
        "#!/bin/sh\necho 'nginx: [emerg] it is Monday in nginx.conf:1' >&2\nexit 1\n",
    )
    .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&refusing, mode).unwrap();
    let with = |extra: &[&str]| {
        let mut command = command();
        command
            .args([
                "nginx",
                "--servers",
                "127.0.0.1:11211",
                "--app",
                "127.0.0.1:8080",
            ])
            .args(["--server-name", "a.example"])
            .args(extra)
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        finish(&mut command, "")
    };
    let done = with(&[]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("it is Monday"), "{}", done.err);
    assert_eq!(with(&["--no-test"]).code, 0);
}

#[test]
fn the_folder_of_the_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("etc/nginx");
    let done = nginx(&["--server-name", "a.example", "-o", output.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(output.join("site.conf").is_file());
}

#[test]
fn the_rules_are_the_environments_where_none_is_given() {
    let mut command = command();
    command
        .args([
            "nginx",
            "--servers",
            "127.0.0.1:11211",
            "--app",
            "127.0.0.1:8080",
        ])
        .args(["--server-name", "a.example"])
        .env("DJANGINXED_BYPASS_COOKIES", "sessionid, other")
        .env("DJANGINXED_BYPASS_HEADERS", "")
        .env("DJANGINXED_HOSTS", "a.example");
    let done = finish(&mut command, "");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let cookies = done.out.matches("~*(?:^|[;,])").count();
    assert_eq!(cookies, 2, "{}", done.out);
    assert!(done.out.contains("_foreign"), "{}", done.out);
}

#[test]
fn a_group_that_is_signed_by_an_hmac_needs_njs() {
    let done = |more: &[&str]| {
        let mut command = command();
        command
            .args(["nginx", "--server-name=a.example", "--app=127.0.0.1:8080"])
            .args([
                "--servers=127.0.0.1:11211",
                "--vary=group-hmac:group=member",
            ])
            .args(more)
            .env(
                "DJANGINXED_GROUP_SECRET",
                "0123456789abcdef0123456789abcdef",
            );
        finish(&mut command, "")
    };
    let refused = done(&[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let error = "--vary: group-hmac \"group\": nginx works an HMAC out by njs alone: use md5 njs";
    assert!(refused.err.contains(error), "{}", refused.err);
    let written = done(&["--md5=njs", "--no-test"]);
    assert_eq!(written.code, 0, "{}", written.err);
    assert!(
        written
            .out
            .contains("js_set $djanginxed_believed djanginxed.believed;")
    );
}

#[test]
fn a_groups_secret_comes_from_a_file_and_is_for_few_to_read() {
    use std::os::unix::fs::PermissionsExt;
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let site = folder.path().join("site.conf");
    // One that was there before, for all to read.
    std::fs::write(&site, "").unwrap();
    let done = |file: &str| {
        run([
            "nginx",
            "--server-name=a.example",
            "--app=127.0.0.1:8080",
            "--servers=127.0.0.1:11211",
            "--listen=8099",
            "--vary=group:group=member,editor",
            &format!("--group-secret-file={file}"),
            "-o",
            folder.path().to_str().unwrap(),
        ])
    };
    let written = done(file.to_str().unwrap());
    assert_eq!(written.code, 0, "{written:?}");
    assert!(!written.out.contains(SECRET) && !written.err.contains(SECRET));
    assert!(std::fs::read_to_string(&site).unwrap().contains(SECRET));
    let mode = std::fs::metadata(&site).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let missing = done("/nowhere");
    assert!(
        missing.err.contains("--group-secret-file /nowhere"),
        "{}",
        missing.err
    );
    std::fs::write(&file, "short").unwrap();
    let short = done(file.to_str().unwrap());
    assert!(
        short.err.contains("--vary") && !short.err.contains("\"short"),
        "{}",
        short.err
    );
}
