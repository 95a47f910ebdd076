//! Pages of which no target can be made that nobody has asked for.

use crate::good::fact;
use crate::stand::{SOUND, Setup, Stand};

/// What is said of a page that cannot be checked.
fn unprobed(setup: &Setup) -> String {
    let stand = Stand::start(setup);
    let said = crate::check(&stand.command(setup));
    assert_eq!((said.code, said.causes), (2, 0), "{}", said.text);
    let report: serde_json::Value = serde_json::from_str(&said.text).unwrap();
    assert!(
        report["holds"].is_null() && said.cause.is_none(),
        "{}",
        said.text
    );
    let (holds, seen) = fact(&said, "stored").unwrap_or_else(|| panic!("{}", said.text));
    assert!(!holds, "{seen}");
    let last = report["facts"].as_array().unwrap().last().unwrap();
    assert!(
        last["fact"] == "stored" || last["fact"] == "clean",
        "{last}"
    );
    seen
}

#[test]
fn a_page_with_few_spellings_is_not_called_broken_and_a_url_is_named_that_works() {
    for (target, works) in [
        ("/", "/?PARAMETER=12345678"),
        ("/?page=1", "/?page=12345678"),
        ("/q", "/q?PARAMETER=12345678"),
    ] {
        for is_told in [true, false] {
            let seen = unprobed(&Setup {
                target,
                tells_servers: is_told,
                tells_app: is_told,
                ..SOUND
            });
            assert!(seen.contains(&format!("{works};")), "{seen}");
            assert!(seen.contains("nothing is known to be wrong"), "{seen}");
        }
    }
}

#[test]
fn a_scope_that_takes_no_other_spelling_of_its_paths_is_not_called_broken() {
    let seen = unprobed(&Setup {
        target: "/scoped/topics/1?page=2",
        ..SOUND
    });
    let works = "/scoped/topics/1?page=12345678;";
    assert!(seen.contains(works) && seen.contains(".when("), "{seen}");
}

/// Without `--servers` what a check stores stays.
#[test]
fn a_check_passes_over_what_earlier_ones_have_left() {
    let setup = Setup {
        target: "/topics/1",
        tells_servers: false,
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let words = stand.command(&setup);
    let mut checks = (0..10).map(|_| crate::check(&words));
    let first = checks.next().unwrap();
    assert_eq!((first.code, first.causes), (0, 0), "{}", first.text);
    let last = checks.find(|said| said.code != 0).unwrap();
    assert_eq!((last.code, last.causes), (2, 0), "{}", last.text);
    let (_, seen) = fact(&last, "stored").unwrap();
    assert!(seen.contains("is stored already"), "{seen}");
}
