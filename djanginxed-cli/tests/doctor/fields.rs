//! Fields of hits that misses lack.

use djanginxed::Layout;

use crate::app::Build;
use crate::good::fact;
use crate::stand::{SOUND, Setup, Stand};

const DECLARED: (&str, &str) = ("X-Content-Type-Options", "nosniff");

fn declared(layout: Layout) -> Setup {
    Setup {
        layouts: [layout; 2],
        pages: |pages| pages.header(DECLARED.0, DECLARED.1),
        ..SOUND
    }
}

/// Whether the fields are the same, and what is said.
fn fields(setup: &Setup) -> (bool, String) {
    let stand = Stand::start(setup);
    let said = crate::check(&stand.command(setup));
    assert_eq!((said.code, said.causes), (0, 0), "{}", said.text);
    fact(&said, "fields").unwrap_or_else(|| panic!("{}", said.text))
}

#[test]
fn a_declared_field_that_no_middleware_adds_is_told_and_no_failure() {
    for layout in [Layout::Body, Layout::Response] {
        let (holds, seen) = fields(&declared(layout));
        assert!(!holds, "{seen}");
        let part = "x-content-type-options is on hits alone";
        assert!(seen.contains(part) && seen.contains("middleware"), "{seen}");
        let (holds, seen) = fields(&Setup {
            build: Build {
                adds: Some(DECLARED),
                ..SOUND.build
            },
            ..declared(layout)
        });
        assert!(holds && !seen.contains("alone"), "{seen}");
    }
}
