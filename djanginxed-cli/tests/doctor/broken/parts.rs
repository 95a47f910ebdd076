//! Personal parts that are switched on at one side, or filled by nobody.

use super::edit::{row, swap, words};
use crate::stand::Setup;

pub(crate) fn parts() -> Vec<Setup> {
    let personal = |name, cause| Setup {
        target: "/personal/1",
        parts: [true; 2],
        args: |_| words(["--parts"]),
        ..row(name, cause)
    };
    vec![
        Setup {
            parts: [true, false],
            ..personal("pages have parts, and nginx has no SSI", "nginx-parts")
        },
        Setup {
            parts: [true, false],
            tells_conf: true,
            ..personal(
                "pages have parts, and nginx's file has no SSI",
                "nginx-parts",
            )
        },
        Setup {
            target: "/articles/1",
            parts: [false, true],
            args: |_| Vec::new(),
            ..personal("nginx looks for pages that have parts", "nginx-parts")
        },
        Setup {
            target: "/articles/1",
            parts: [false, true],
            ..personal(
                "the application has no parts switched on",
                "application-parts",
            )
        },
        Setup {
            args: |_| Vec::new(),
            ..personal("the option is missing", "parts-option")
        },
        Setup {
            target: "/articles/1",
            parts: [false; 2],
            ..personal("the option is too much", "parts-option")
        },
        Setup {
            nginx: |file| swap(file, "ssi on;", "ssi off;"),
            ..personal("SSI is switched off", "parts-unfilled")
        },
    ]
}
