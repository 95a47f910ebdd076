use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::ConfigError;

fn rules(texts: &[&str]) -> Result<Rules, ConfigError> {
    let declared: Result<Vec<Vary>, _> = texts.iter().map(|text| text.parse()).collect();
    Rules::check(&declared?)
}

fn variant(texts: &[&str], lines: &[(&str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    rules(texts)
        .unwrap()
        .of(&headers, SystemTime::now())
        .to_string()
}

#[track_caller]
fn language(declared: &str, field: &str, expected: &str) {
    let rule = format!("language={declared}");
    let found = variant(&[&rule], &[("accept-language", field)]);
    assert_eq!(found, format!("~{expected}"), "{field}");
}

#[test]
fn the_language_with_the_highest_weight_is_taken_and_the_first_of_equal_ones() {
    for (field, expected) in [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.5, *;q=0.3", "de"),
        ("en;q=0.5, de;q=0.9", "de"),
        ("en;q=0.81, de;q=0.89", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("de;q=0.001", "de"),
        ("de;q=1.000,en", "de"),
        ("de;q=2, en", "en"),
        ("de;q=0.5555", "en"),
        ("de;level=1", "en"),
        ("dex", "en"),
        ("de_AT", "en"),
        ("fr,,\tde ; Q=0.3\t,", "de"),
        ("*", "en"),
    ] {
        language("en,de", field, expected);
    }
}

#[test]
fn a_language_is_looked_up_by_its_beginnings() {
    for (field, expected) in [
        ("pt", "pt-BR"),
        ("pt-PT", "pt-PT"),
        ("pt-pt-1990", "pt-PT"),
        ("pt-AO", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh", "zh-Hant"),
    ] {
        language("en,pt-BR,pt-PT,zh-Hant", field, expected);
    }
}

#[test]
fn the_first_cookie_of_exactly_the_name_counts_byte_for_byte() {
    let of = |lines: &[(&str, &str)]| variant(&["cookie:currency=eur,usd"], lines);
    for (line, expected) in [
        ("currency=usd", "~usd"),
        ("a=b; currency=usd ;c", "~usd"),
        ("currency=gbp; currency=usd", "~eur"),
        ("Currency=usd", "~eur"),
        ("currency=USD", "~eur"),
        ("currency=\"usd\"", "~eur"),
        ("currency=%75sd", "~eur"),
        ("xcurrency=usd", "~eur"),
        ("a=currency=usd", "~eur"),
        ("currency; currency=usd", "~usd"),
    ] {
        assert_eq!(of(&[("cookie", line)]), expected, "{line}");
    }
    assert_eq!(of(&[("cookie", "a=b"), ("cookie", "currency=usd")]), "~usd");
    assert_eq!(of(&[]), "~eur");
}

#[test]
fn a_header_counts_byte_for_byte_and_a_client_says_that_it_is_mobile() {
    let header = |value| variant(&["header:X-Region=eu,us"], &[("x-region", value)]);
    assert_eq!(header("us"), "~us");
    assert_eq!(header("US"), "~eu");
    assert_eq!(header("us, us"), "~eu");
    let mobile = |hint, agent| {
        variant(
            &["mobile"],
            &[("sec-ch-ua-mobile", hint), ("user-agent", agent)],
        )
    };
    assert_eq!(mobile("", "… Mobile Safari"), "~mobile");
    assert_eq!(mobile("?0", "… Mobile Safari"), "~desktop");
    assert_eq!(mobile("?1", "Firefox"), "~mobile");
    assert_eq!(mobile("?2", "Firefox"), "~desktop");
}

#[test]
fn the_order_of_the_rules_is_that_of_the_values() {
    let lines = [("accept-language", "de"), ("cookie", "c=b")];
    assert_eq!(
        variant(&["language=en,de", "cookie:c=a,b"], &lines),
        "~de~b"
    );
    assert_eq!(
        variant(&["cookie:c=a,b", "language=en,de"], &lines),
        "~b~de"
    );
    assert_eq!(variant(&[], &lines), "");
    let all = rules(&["language=en,de", "mobile"]).unwrap().all();
    let all: Vec<String> = all.iter().map(Values::to_string).collect();
    assert_eq!(
        all,
        ["~en~desktop", "~en~mobile", "~de~desktop", "~de~mobile"]
    );
}

#[test]
fn a_field_that_a_rule_looks_at_is_covered_unless_it_has_other_cookies_too() {
    let rules = rules(&["language=en,de", "header:X-Region=eu,us", "cookie:a=b,c"]).unwrap();
    assert_eq!(rules.fields(), ["Accept-Language", "X-Region", "Cookie"]);
    assert!(rules.cover(b"accept-language") && rules.cover(b"x-region"));
    for other in [&b"user-agent"[..], b"*", b"cookie", b"COOKIE"] {
        assert!(!rules.cover(other), "{}", other.escape_ascii());
    }
}

#[test]
fn what_cannot_be_declared_is_named() {
    let many = |count: usize| {
        let values: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        format!("cookie:c={}", values.join(","))
    };
    assert!(rules(&[&many(32), "mobile"]).is_ok());
    let one_each: Vec<String> = (0..9).map(|number| format!("cookie:c{number}=a")).collect();
    let one_each: Vec<&str> = one_each.iter().map(String::as_str).collect();
    let long: Vec<String> = (0..64)
        .map(|n| format!("{}{n:02}", "x".repeat(60)))
        .collect();
    let long = format!("language={}", long.join(","));
    for (texts, part) in [
        (vec!["langage=en"], "write language=en,de"),
        (vec!["language"], "write language=en,de"),
        (vec!["language="], "use 1 to 64"),
        (vec!["language=en,EN"], "\"EN\": it is there twice"),
        (vec!["language=en_US"], "Accept-Language"),
        (vec!["language=de-"], "Accept-Language"),
        (vec!["cookie:c=a,b c"], "\"b c\""),
        (vec!["cookie:a b=c,d"], "cookie name"),
        (vec!["header:X_A=c,d"], "header name"),
        (
            vec!["header:X-2345678-2345678-2345678-2345678-23456789=c,d"],
            "40 characters",
        ),
        (vec!["header:Host=c,d"], "does not hand this header on"),
        (vec!["header:x-real-ip=c,d"], "does not hand this header on"),
        (vec!["mobile", "mobile"], "there already"),
        (vec![many(65).leak()], "more than 64 variants"),
        (vec![many(33).leak(), "mobile"], "more than 64 variants"),
        (vec![long.leak()], "longer than nginx takes"),
        (vec!["group:g=member"], "DJANGINXED_GROUP_SECRET"),
        (vec!["group-hmac:g=member"], "DJANGINXED_GROUP_SECRET"),
        (one_each, "eight rules"),
    ] {
        let error = rules(&texts).unwrap_err().to_string();
        assert!(error.contains(part), "{texts:?}: {error}");
    }
}

const SECRET: &str = "0123456789abcdef0123456789ABCDEF";

fn groups() -> Vary {
    Vary::group("group", ["member", "a.b-c"], SECRET)
}

/// Both ways to sign.
fn seals() -> [Rules; 2] {
    [groups(), groups().hmac()].map(|group| Rules::check(&[group]).unwrap())
}

fn group(rules: &Rules, cookie: &str, now: SystemTime) -> String {
    let mut headers = HeaderMap::new();
    headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
    rules.of(&headers, now).to_string()
}

const LIFE: Duration = Duration::from_secs(60);

/// In 2027.
const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

#[test]
fn a_groups_cookie_is_what_openssl_makes_of_it() {
    for (rules, cookie) in seals().iter().zip([
        // printf '1800000060 group member SECRET' | openssl md5 -binary | basenc --base64url
        "member.1800000060.NoffLHLhbjKxZ96O8HzMYQ",
        // printf '1800000060 group member' | openssl sha256 -hmac SECRET -binary | …
        "member.1800000060.U63qYp839TCtBvXA3AVp4AmYiIxB8-nmGvzfael6F0k",
    ]) {
        let signed = rules.signed("group", "member", LIFE, now()).unwrap();
        assert_eq!(signed, cookie);
        assert_eq!(rules.signed("group", "", LIFE, now()), None);
        assert_eq!(rules.signed("other", "member", LIFE, now()), None);
    }
}

#[test]
fn a_group_is_believed_where_it_is_signed_and_until_its_end() {
    for rules in seals() {
        let of = |cookie: &str, now| group(&rules, cookie, now);
        let signed = |value| rules.signed("group", value, LIFE, now()).unwrap();
        for value in ["member", "a.b-c"] {
            let cookie = format!("a=b; group={}", signed(value));
            assert_eq!(of(&cookie, now()), format!("~{value}"));
            assert_eq!(of(&cookie, now() + LIFE), format!("~{value}"));
            assert_eq!(of(&cookie, now() + LIFE + Duration::from_secs(1)), "~");
        }
        let good = signed("member");
        for forged in [
            good.replace("member", "a.b-c"),
            good.replace("1800000060", "1800000061"),
            good.replace(".1800000060", ".01800000060"),
            format!("{good}="),
            good[..good.len() - 1].to_owned(),
            format!("\"{good}\""),
            "member".to_owned(),
            "member..".to_owned(),
            String::new(),
        ] {
            assert_eq!(of(&format!("group={forged}"), now()), "~", "{forged}");
        }
        assert_eq!(of(&format!("group=x; group={good}"), now()), "~");
        assert_eq!(of(&format!("other={good}"), now()), "~");
    }
}

#[test]
fn a_signature_of_the_other_kind_is_not_believed() {
    let [md5, hmac] = seals();
    for (own, other) in [(&md5, &hmac), (&hmac, &md5)] {
        let cookie = other.signed("group", "member", LIFE, now()).unwrap();
        assert_eq!(group(own, &format!("group={cookie}"), now()), "~");
    }
}

proptest! {
    /// One that is signed, with one thing about it changed.
    #[test]
    fn whatever_is_changed_in_a_signed_cookie_makes_its_bearer_anybody(
        at in any::<prop::sample::Index>(),
        new in "[ -:<-~]{0,3}",
        removed in 0..4_usize,
        life in 1..1_000_000_u64,
        by in 0..2_usize,
    ) {
        let rules = &seals()[by];
        let life = Duration::from_secs(life);
        let good = rules.signed("group", "member", life, now()).unwrap();
        let at = at.index(good.len());
        let end = (at + removed).min(good.len());
        let edited = format!("{}{new}{}", &good[..at], &good[end..]);
        let expected = match edited.trim_matches([' ', '\t']) == good {
            true => "~member",
            false => "~",
        };
        prop_assert_eq!(group(rules, &format!("group={}", edited), now()), expected);
    }

    #[test]
    fn what_another_secret_name_or_time_has_signed_makes_nobody_a_member(
        secret in "[A-Za-z0-9]{32,40}",
        name in "[a-z]{1,8}",
        past in 1..1_000_000_u64,
        by in 0..2_usize,
    ) {
        let rules = &seals()[by];
        let of = |vary: Vary, now| {
            let vary = if by == 1 { vary.hmac() } else { vary };
            let name = vary.name.clone();
            let rules = Rules::check(&[vary]).unwrap();
            rules.signed(&name, "member", LIFE, now).unwrap()
        };
        let own = of(groups(), now());
        prop_assert_eq!(group(rules, &format!("group={own}"), now()), "~member");
        let before = now() - LIFE - Duration::from_secs(past);
        for cookie in [
            of(Vary::group("group", ["member"], secret), now()),
            of(groups(), before),
            of(Vary::group(format!("{name}."), ["member"], SECRET), now()),
        ] {
            prop_assert_eq!(group(rules, &format!("group={}", cookie), now()), "~");
        }
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    let vary = Vary::group("group", ["member"], SECRET);
    let rules = Rules::check(std::slice::from_ref(&vary)).unwrap();
    let short = Vary::group("group", ["member"], "tooshort");
    let refused = Rules::check(std::slice::from_ref(&short)).unwrap_err();
    for shown in [
        format!("{vary} {vary:?} {rules:?}"),
        format!("{refused} {refused:?} {short:?}"),
    ] {
        assert!(
            !shown.contains(SECRET) && !shown.contains("tooshort"),
            "{shown}"
        );
    }
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    for text in [
        "language=en,de",
        "cookie:a.b=c,d",
        "header:X-Region=eu,us",
        "mobile",
        "group:g=a,b",
        "group-hmac:g=a,b",
    ] {
        assert_eq!(text.parse::<Vary>().unwrap().to_string(), text);
    }
}

#[test]
fn a_request_can_be_made_for_each_variant() {
    let texts = [
        "language=en,pt-BR,de",
        "cookie:currency=eur,usd",
        "mobile",
        "header:X-Region=eu,us",
    ];
    let declared = texts.iter().map(|text| text.parse().unwrap());
    let group = Vary::group("group", ["member"], SECRET).hmac();
    let declared: Vec<Vary> = declared.chain([group]).collect();
    let (rules, now) = (Rules::check(&declared).unwrap(), SystemTime::now());
    let all = rules.all();
    assert_eq!(all.len(), 48);
    for values in all {
        let mut headers = HeaderMap::new();
        for (name, value) in rules.request_fields(&values, now) {
            headers.append(name, HeaderValue::from_str(&value).unwrap());
        }
        assert_eq!(rules.of(&headers, now), values);
    }
}

fn of_fields(rules: &Rules, fields: &[(String, String)], now: SystemTime) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    rules.of(&headers, now).to_string()
}

#[test]
fn each_variant_but_the_first_has_one_visitor_those_of_one_value_first() {
    let declared = ["language=en,de", "cookie:currency=eur,usd,chf", "mobile"];
    let rules = rules(&declared).unwrap();
    let now = SystemTime::now();
    let visitors = rules.visitors(now);
    for visitor in &visitors {
        assert_eq!(of_fields(&rules, &visitor.fields, now), visitor.variant);
    }
    let mut variants: Vec<_> = visitors.iter().map(|visitor| &visitor.variant).collect();
    variants.sort();
    variants.dedup();
    assert_eq!((variants.len(), visitors.len()), (11, 11));
    let values: Vec<_> = visitors.iter().map(|visitor| &*visitor.value).collect();
    assert_eq!(
        values[..5],
        [
            "language=de",
            "currency=usd",
            "currency=chf",
            "mobile=mobile",
            "language=de, currency=usd"
        ]
    );
    assert_eq!(values[10], "language=de, currency=chf, mobile=mobile");
    let fields = [
        "Accept-Language",
        "Cookie",
        "Sec-CH-UA-Mobile",
        "User-Agent",
    ];
    assert_eq!(visitors[10].looks_at, fields);
    assert_eq!(Rules::default().visitors(now).len(), 0);
}

#[test]
fn whoever_forges_a_groups_cookie_is_nobody() {
    for group in [groups(), groups().hmac()] {
        let language = "language=en,de".parse().unwrap();
        let rules = Rules::check(&[language, group]).unwrap();
        let now = SystemTime::now();
        let forgers = rules.forgers(now);
        assert_eq!(forgers.len(), 6);
        for forger in &forgers {
            assert_eq!(of_fields(&rules, &forger.fields, now), "~en~", "{forger:?}");
        }
        let members = forgers.iter().map(|forger| &*forger.variant);
        assert_eq!(
            members.collect::<Vec<_>>()[2..4],
            ["~en~member", "~en~a.b-c"]
        );
        // It is the time alone that makes him nobody.
        let ended = forgers.iter().find(|forger| forger.is_signed).unwrap();
        let before = now - Duration::from_secs(86_400);
        assert_eq!(of_fields(&rules, &ended.fields, before), "~en~member");
    }
}

#[test]
fn a_rule_is_shown_as_an_application_and_the_tool_have_it() {
    let group = || Vary::group("g", ["member"], SECRET);
    for (rule, option, code) in [
        (
            "language=en,pt-BR".parse().unwrap(),
            "language=en,pt-BR",
            r#"Vary::language(["en", "pt-BR"])"#,
        ),
        (
            "cookie:c=a,b".parse().unwrap(),
            "cookie:c=a,b",
            r#"Vary::cookie("c", ["a", "b"])"#,
        ),
        (
            "header:X-Region=eu".parse().unwrap(),
            "header:X-Region=eu",
            r#"Vary::header("X-Region", ["eu"])"#,
        ),
        (Vary::mobile(), "mobile", "Vary::mobile()"),
        (
            group(),
            "group:g=member",
            r#"Vary::group("g", ["member"], secret)"#,
        ),
        (
            group().hmac(),
            "group-hmac:g=member",
            r#"Vary::group("g", ["member"], secret).hmac()"#,
        ),
    ] {
        let shown = Rules::check(&[rule]).unwrap().shown().remove(0);
        assert_eq!((&*shown.option, &*shown.code), (option, code));
    }
}

#[test]
fn an_error_says_that_the_environment_has_to_do_with_it() {
    let refused = |declared: &[Vary]| Rules::check(declared).unwrap_err().to_string();
    let own = || Vary::language(["en", "de"]);
    let other = |text: &str| Vary::of_environment(text).unwrap();
    assert_eq!(
        refused(&[other("language=en,fr"), own()]),
        "vary language (DJANGINXED_VARY adds rules, too): a rule of this name is there already"
    );
    assert_eq!(
        refused(&[own(), other("language=en,fr")]),
        "vary language of DJANGINXED_VARY: a rule of this name is there already"
    );
    assert!(!refused(&[own(), own()]).contains("DJANGINXED_VARY"));
    assert!(refused(&[other("cookie:a b=c")]).starts_with("vary cookie:a b of DJANGINXED_VARY:"));
    let unread = Vary::of_environment("langage=en").unwrap_err().to_string();
    assert!(unread.starts_with("vary langage=en of DJANGINXED_VARY: write"));
}
