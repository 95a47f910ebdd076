//! What the compiler says about a wrong `#[cache_page]`: one mistake, one
//! error, with the caret on what is wrong.

#[test]
fn a_mistake_is_one_error_that_says_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
