//! What the compiler says about a wrong `#[cache_page]`: one mistake, one
//! error, with the caret on what is wrong.
#![allow(clippy::unwrap_used)]

#[path = "ui/compiler.rs"]
mod compiler;

#[test]
fn a_mistake_is_one_error_that_says_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/ui/mistakes/*.rs");
}

/// The rest of these messages is the compiler's, which words them a little
/// differently in each version: only what stands after `//~` in a case counts.
#[test]
fn what_only_the_compiler_can_see_is_reported_where_the_user_wrote_it() {
    let reported = compiler::check("tests/ui/compiler");
    assert!(!reported.is_empty());
    for (case, expected, errors) in reported {
        let wrong = format!("{case}: expected {expected:#?}, the compiler reported {errors:#?}");
        assert_eq!(expected.len(), errors.len(), "{wrong}");
        for (expected, error) in expected.iter().zip(&errors) {
            assert_eq!(expected.place, error.place, "{wrong}");
            assert!(error.message.contains(&expected.message), "{wrong}");
        }
    }
}
