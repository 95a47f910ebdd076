//! What pages vary by, and of which one side knows otherwise.

use djanginxed::Layout;

use super::edit::{row, swap, words};
use crate::stand::{SECRET, Setup, Stand};

const LANGUAGE: &[&str] = &["language=en,de"];
const TWO: &[&str] = &["language=en,de", "cookie:currency=eur,usd"];

/// Which are the same for those who say nothing in either order.
const LIKE: &[&str] = &["cookie:first=a,b", "cookie:second=a,b"];
const LIKE_TURNED: &[&str] = &["cookie:second=a,b", "cookie:first=a,b"];
const GROUP: &[&str] = &["group:group=member,editor"];
const HMAC: &[&str] = &["language=en,de", "group-hmac:group=member,editor"];

fn language(_: &crate::stand::Stand) -> Vec<String> {
    words(["--vary", LANGUAGE[0]])
}

fn two(_: &crate::stand::Stand) -> Vec<String> {
    words(["--vary", TWO[0], "--vary", TWO[1]])
}

fn like(_: &Stand) -> Vec<String> {
    words(["--vary", LIKE[0], "--vary", LIKE[1]])
}

/// Rules, and the secret of their group.
pub(crate) fn with_secret(stand: &Stand, rules: &[&str], secret: &str) -> Vec<String> {
    let file = stand.nginx.folder().join("secret");
    std::fs::write(&file, secret).unwrap();
    let file = file.display().to_string();
    words(["--vary", &rules.join(";"), "--group-secret-file", &file])
}

fn groups(stand: &Stand) -> Vec<String> {
    with_secret(stand, GROUP, SECRET)
}

fn hmac(stand: &Stand) -> Vec<String> {
    with_secret(stand, HMAC, SECRET)
}

const ANOTHER_SECRET: &str = "another-secret-another-secret-xy";

/// For visitors of one language the other rule's value counts for nothing.
fn shadowed(file: String) -> String {
    let map = "map $djanginxed_vary0 $shadowed { default $djanginxed_vary1; de eur; }\n";
    let file = swap(file, "~$djanginxed_vary1", "~$shadowed");
    format!("{map}{file}")
}

/// Whoever writes a group's cookie is believed.
fn believing(file: String, verdict: &str, variable: &str) -> String {
    let map = format!("map {verdict} {variable} {{\n    default \"\";");
    let believing = format!("map {verdict} {variable} {{\n    default $djanginxed_group;");
    swap(file, &map, &believing)
}

pub(crate) fn variants() -> Vec<Setup> {
    [
        different(),
        together(),
        forged(),
        njs(),
        undeclared(),
        vec![by_another_cookie()],
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The page says that it depends on a cookie, which may be any.
fn by_another_cookie() -> Setup {
    Setup {
        vary: [TWO; 2],
        args: two,
        target: "/answer/vary",
        ..row(
            "the handler varies by cookies, of which one is declared",
            "refused",
        )
    }
}

/// Two rules, of which each is right by itself.
fn together() -> Vec<Setup> {
    let both = |name, cause| Setup {
        vary: [TWO; 2],
        args: two,
        ..row(name, cause)
    };
    let turned = |name, cause, vary| Setup {
        vary,
        args: like,
        ..row(name, cause)
    };
    vec![
        Setup {
            nginx: shadowed,
            ..both("nginx lets a language hide the currency", "nginx-variants")
        },
        Setup {
            nginx: shadowed,
            tells_servers: false,
            tells_app: false,
            ..both("the same, with the URL alone", "nginx-variants")
        },
        Setup {
            nginx: shadowed,
            pages: |pages| pages.lookup(false),
            layouts: [Layout::Response; 2],
            ..both(
                "the same of whole responses, and no lookup",
                "nginx-variants",
            )
        },
        Setup {
            nginx: |file| {
                let map = "map $djanginxed_vary0 $passed { default $http_cookie; de \"\"; }\n";
                let line = "proxy_set_header Cookie $http_cookie;";
                format!(
                    "{map}{}",
                    swap(file, line, "proxy_set_header Cookie $passed;")
                )
            },
            ..both(
                "visitors of a language lose their cookie",
                "rule-field-lost",
            )
        },
        turned(
            "nginx has two like rules in another order",
            "nginx-variants",
            [LIKE, LIKE_TURNED],
        ),
        turned(
            "the application has two like rules in another order",
            "application-variants",
            [LIKE_TURNED, LIKE],
        ),
        Setup {
            pages: |pages| pages.lookup(false),
            ..turned(
                "the same, and it does not look",
                "application-variants",
                [LIKE_TURNED, LIKE],
            )
        },
        turned(
            "--vary has two like rules in another order",
            "vary-option",
            [LIKE_TURNED; 2],
        ),
    ]
}

fn forged() -> Vec<Setup> {
    let grouped = |name, cause| Setup {
        vary: [GROUP; 2],
        args: groups,
        ..row(name, cause)
    };
    let with_all = |file| believing(file, "$secure_link", "$djanginxed_vary0");
    vec![
        Setup {
            nginx: with_all,
            ..grouped("nginx believes any signature", "group-forged")
        },
        Setup {
            nginx: with_all,
            args: |_| words(["--vary", GROUP[0]]),
            ..grouped(
                "nginx believes any signature, without the secret",
                "group-forged",
            )
        },
        Setup {
            nginx: with_all,
            args: |_| words(["--vary", GROUP[0]]),
            pages: |pages| pages.lookup(false),
            tells_app: false,
            tells_servers: false,
            ..grouped(
                "nginx believes any signature, with neither secret nor --servers",
                "group-forged",
            )
        },
        Setup {
            nginx: |file| {
                let map = "map $secure_link $djanginxed_vary0 {";
                swap(file, map, &format!("{map}\n    0 $djanginxed_group;"))
            },
            ..grouped(
                "nginx believes a signature whose time is over",
                "group-forged",
            )
        },
        Setup {
            nginx: |file| swap(file, SECRET, ANOTHER_SECRET),
            ..grouped("nginx has another secret", "nginx-variants")
        },
        Setup {
            args: |stand| with_secret(stand, GROUP, ANOTHER_SECRET),
            ..grouped(
                "the secret of --group-secret-file is another",
                "vary-option",
            )
        },
    ]
}

/// Where njs makes the keys and checks signatures.
fn njs() -> Vec<Setup> {
    let signed = |name, cause| Setup {
        njs: true,
        vary: [HMAC; 2],
        args: hmac,
        ..row(name, cause)
    };
    let with_all = |file| believing(file, "$djanginxed_believed", "$djanginxed_vary1");
    vec![
        Setup {
            njs: true,
            vary: [LANGUAGE, &["language=en,fr"]],
            args: language,
            ..row("nginx knows another language, by njs", "nginx-variants")
        },
        Setup {
            njs: true,
            vary: [&["language=en,fr"], LANGUAGE],
            layouts: [Layout::Response; 2],
            args: language,
            ..row(
                "the application knows another language, whole responses by njs",
                "application-variants",
            )
        },
        Setup {
            nginx: |file| swap(file, SECRET, ANOTHER_SECRET),
            ..signed("nginx has another secret of an HMAC", "nginx-variants")
        },
        Setup {
            nginx: with_all,
            ..signed("nginx believes any HMAC", "group-forged")
        },
        Setup {
            nginx: with_all,
            args: |_| words(["--vary", &HMAC.join(";")]),
            layouts: [Layout::Response; 2],
            ..signed(
                "nginx believes any HMAC, without the secret",
                "group-forged",
            )
        },
        Setup {
            vary: [HMAC, &["language=en,de", "group-hmac:group=member"]],
            ..signed("nginx knows one group of two", "nginx-variants")
        },
    ]
}

/// Rules, or parameters, that the command line does not name.
fn undeclared() -> Vec<Setup> {
    vec![
        Setup {
            vary: [LANGUAGE; 2],
            ..row("--vary is forgotten", "vary-option")
        },
        Setup {
            vary: [&["mobile"]; 2],
            layouts: [Layout::Response; 2],
            tells_app: false,
            ..row("--vary is forgotten, of whole responses", "vary-option")
        },
        Setup {
            vary: [TWO; 2],
            args: language,
            ..row("one --vary of two is forgotten", "vary-option")
        },
        Setup {
            vary: [LANGUAGE, &[]],
            ..row(
                "nginx knows no languages, and --vary says none",
                "application-variants",
            )
        },
        Setup {
            target: "/articles/1?utm_source=letter&page=2",
            site: |site| site.ignore_query("utm_*"),
            ..row("the URL has a parameter that is ignored", "ignored-query")
        },
        Setup {
            target: "/articles/1?gclid=1",
            site: |site| site.ignore_query("gclid"),
            tells_conf: true,
            ..row(
                "the URL has nothing but an ignored parameter, with nginx's file",
                "ignored-query",
            )
        },
    ]
}

/// One side knows other rules or values.
fn different() -> Vec<Setup> {
    let varied = |name, cause| Setup {
        vary: [LANGUAGE; 2],
        args: language,
        ..row(name, cause)
    };
    vec![
        Setup {
            vary: [LANGUAGE, &["language=en,fr"]],
            ..varied("nginx knows another language", "nginx-variants")
        },
        Setup {
            vary: [LANGUAGE, &["language=en,fr"]],
            tells_servers: false,
            ..varied(
                "nginx knows another language, without --servers",
                "nginx-variants",
            )
        },
        Setup {
            vary: [LANGUAGE, &["language=en,fr"]],
            tells_conf: true,
            layouts: [Layout::Response; 2],
            ..varied(
                "nginx knows another language, of whole responses, with its file",
                "nginx-variants",
            )
        },
        Setup {
            vary: [&["language=en,fr"], LANGUAGE],
            ..varied(
                "the application knows another language",
                "application-variants",
            )
        },
        Setup {
            vary: [&["language=en,fr"], LANGUAGE],
            pages: |pages| pages.lookup(false),
            ..varied(
                "the application knows another language, and does not look",
                "application-variants",
            )
        },
        Setup {
            vary: [&["language=en,fr"], LANGUAGE],
            pages: |pages| pages.lookup(false),
            tells_servers: false,
            ..varied(
                "the application knows another language and does not look, without --servers",
                "variants-differ",
            )
        },
        Setup {
            vary: [LANGUAGE, &["language=en,de-AT"]],
            tells_servers: false,
            ..varied(
                "nginx knows a language of another country, without --servers",
                "variants-differ",
            )
        },
        Setup {
            vary: [LANGUAGE, &["language=en,de-AT"]],
            ..varied(
                "nginx knows a language of another country",
                "nginx-variants",
            )
        },
        Setup {
            vary: [&["language=en,fr"]; 2],
            ..varied("both know another language than --vary", "vary-option")
        },
        Setup {
            nginx: |file| {
                let line = "proxy_set_header Accept-Language $http_accept_language;";
                swap(file, line, "proxy_set_header Accept-Language \"\";")
            },
            ..varied("nginx takes Accept-Language away", "rule-field-lost")
        },
        Setup {
            nginx: |file| {
                let line = "proxy_set_header Accept-Language $http_accept_language;";
                swap(file, line, "proxy_set_header Accept-Language \"\";")
            },
            pages: |pages| pages.lookup(false),
            ..varied(
                "nginx takes it away from an application that does not look",
                "rule-field-lost",
            )
        },
        Setup {
            nginx: |file| {
                let line = "proxy_set_header Accept-Language";
                let file = swap(file, line, &format!("proxy_hide_header Vary; {line}"));
                swap(file, "add_header Vary ", "add_header X-Vary ")
            },
            ..varied("nobody says what pages depend on", "variant-unsaid")
        },
        Setup {
            vary: [LANGUAGE, &[]],
            ..varied("nginx knows no languages", "nginx-variants")
        },
        Setup {
            vary: [LANGUAGE, &[]],
            tells_conf: true,
            ..varied("nginx knows no languages, with its file", "nginx-variants")
        },
        Setup {
            vary: [&[], LANGUAGE],
            ..varied("the application knows no languages", "application-variants")
        },
        Setup {
            args: language,
            ..row("neither knows the languages of --vary", "vary-option")
        },
        Setup {
            args: language,
            tells_conf: true,
            ..row(
                "neither knows the languages of --vary, with nginx's file",
                "vary-option",
            )
        },
        Setup {
            vary: [LANGUAGE; 2],
            tells_conf: true,
            ..row("--vary is forgotten, with nginx's file", "vary-option")
        },
        Setup {
            vary: [TWO, LANGUAGE],
            args: two,
            ..row("nginx knows one rule of two", "nginx-variants")
        },
        Setup {
            vary: [TWO, &["cookie:currency=eur,usd", "language=en,de"]],
            args: two,
            ..row("nginx has the rules in another order", "nginx-variants")
        },
        Setup {
            vary: [TWO, &["language=en,de", "cookie:money=eur,usd"]],
            args: two,
            ..row("nginx looks at another cookie", "nginx-variants")
        },
        Setup {
            vary: [&["language=de,en"], LANGUAGE],
            ..varied(
                "the application has another first language",
                "application-variants",
            )
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "add_header Vary \"Accept-Language\"",
                    "add_header X-Vary 1",
                )
            },
            ..varied("hits do not say what they depend on", "lost-fields")
        },
    ]
}
