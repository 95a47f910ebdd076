//! What pages vary by, and of which one side knows otherwise.

use djanginxed::Layout;

use super::edit::{row, swap, words};
use crate::stand::Setup;

const LANGUAGE: &[&str] = &["language=en,de"];
const TWO: &[&str] = &["language=en,de", "cookie:currency=eur,usd"];

fn language(_: &crate::stand::Stand) -> Vec<String> {
    words(["--vary", LANGUAGE[0]])
}

fn two(_: &crate::stand::Stand) -> Vec<String> {
    words(["--vary", TWO[0], "--vary", TWO[1]])
}

pub(crate) fn variants() -> Vec<Setup> {
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
