use proptest::prelude::*;

use super::*;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn grant(lines: &[(&str, &str)]) -> Grant {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.parse().unwrap(), value.parse().unwrap());
    }
    Grant::of(&headers, now())
}

fn control(grant: &Grant) -> Vec<&str> {
    grant
        .cache_control
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect()
}

/// How many seconds after now it ends.
fn ends(grant: &Grant) -> Option<u64> {
    let date = httpdate::parse_http_date(grant.expires.as_ref()?.to_str().unwrap()).unwrap();
    Some(date.duration_since(now()).unwrap().as_secs())
}

#[test]
fn max_age_becomes_the_moment_at_which_it_ends() {
    let found = grant(&[("cache-control", "public, max-age=600")]);
    assert_eq!((control(&found), ends(&found)), (vec!["public"], Some(600)));
}

#[test]
fn the_shorter_of_max_age_and_s_maxage_is_what_both_kinds_of_caches_get() {
    let found = grant(&[
        ("cache-control", "s-maxage=60"),
        ("cache-control", "max-age=600"),
    ]);
    assert_eq!((control(&found), ends(&found)), (vec![], Some(60)));
}

#[test]
fn what_grants_nothing_stays() {
    let found = grant(&[("cache-control", "max-age=0, s-maxage=600, must-revalidate")]);
    assert_eq!(control(&found), ["max-age=0, must-revalidate"]);
    assert_eq!(found.expires, None);
}

#[test]
fn age_and_a_date_of_the_past_are_taken_off() {
    let found = grant(&[("cache-control", "max-age=600"), ("age", "100")]);
    assert_eq!(ends(&found), Some(500));
    let date = httpdate::fmt_http_date(now() - Duration::from_secs(50));
    let expires = httpdate::fmt_http_date(now() + Duration::from_secs(50));
    let found = grant(&[("date", &date), ("expires", &expires)]);
    assert_eq!(
        ends(&found),
        Some(50),
        "a hundred seconds, fifty of them gone"
    );
}

#[test]
fn a_comma_in_quotes_ends_no_directive() {
    let found = grant(&[("cache-control", "ext=\"a, max-age=5\", max-age=9")]);
    assert_eq!(control(&found), ["ext=\"a, max-age=5\""]);
    assert_eq!(ends(&found), Some(9));
}

#[test]
fn where_nothing_is_said_nothing_is_added() {
    assert_eq!(grant(&[]), Grant::default());
    let found = grant(&[("cache-control", "public, stale-while-revalidate=30")]);
    assert_eq!(control(&found), ["public, stale-while-revalidate=30"]);
    assert_eq!(found.expires, None);
}

proptest! {
    #[test]
    fn no_line_grants_more_than_it_said(
        line in r#"(max-age|s-maxage|public|x|=|"|,|;| |[0-9]{1,12}){0,12}"#,
    ) {
        let found = grant(&[("cache-control", &line)]);
        for kept in found.cache_control.iter().flat_map(directives) {
            prop_assert!(seconds(kept).is_none_or(|seconds| seconds == 0), "{kept:?}");
        }
    }
}
