use std::time::Duration;

use djanginxed::{PageKey, Placement};
use djanginxed_runtime::tool::{Server, VariantRule};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName};

use super::{RUNNING, Stage, Verdict};
use crate::commands::check::answer::Answer;
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{
    Awaited, DirectVariant, Facts, Forged, Given, Inspection, Look, Place, Purge, Purged, Timed,
    Times, Trial, VariantTrial, Variants,
};
use crate::commands::check::recipe::Recipe;
use crate::http::{Problem, Response, Url};
use crate::memcached::{Health, Item, Vitals};

const SERVER: &str = "127.0.0.1:11211";
const MISS: &str = "djanginxed; fwd=uri-miss; stored";
const OWN_HIT: &str = "djanginxed; hit";

fn answer(status: u16, fields: &[(&str, &str)], body: &str) -> Response {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    Response {
        status,
        headers,
        body: Bytes::from(body.to_owned()),
    }
}

fn page(cache_status: &str) -> Answer {
    let fields = [
        ("content-type", "text/html"),
        ("cache-status", cache_status),
    ];
    Ok(answer(200, &fields, "<p>"))
}

fn of_nginx(status: u16) -> Answer {
    Ok(answer(status, &[], "<hr><center>nginx</center>"))
}

fn item(seconds_left: u64) -> Item {
    Item {
        value: b"<p>".to_vec(),
        flags: 0,
        seconds_left: Some(seconds_left),
        read: false,
        seconds_untouched: 0,
    }
}

fn trial(first: Answer, second: Answer, held: bool) -> Trial {
    let target = "/a?1".to_owned();
    Trial {
        key: PageKey::new("site1", &target),
        target,
        first,
        second,
        held: held.then(|| (0, item(60))).into_iter().collect(),
        seen_hit: None,
    }
}

fn well(vitals: Vitals) -> Vec<(String, Health)> {
    vec![(SERVER.to_owned(), Health::Well(vitals))]
}

/// A site of one server that works.
fn facts() -> Facts {
    let given = Given {
        prefix: "site1".to_owned(),
        content_type: "text/html".to_owned(),
        servers: vec![Server::parse(SERVER).unwrap()],
        placement: Placement::Consistent,
        within: Duration::from_secs(2),
        ..Given::default()
    };
    Facts {
        first: page(MISS),
        health: well(Vitals::default()),
        trials: vec![trial(page(MISS), page("nginx; hit"), true)],
        ..Facts::new(Url::parse("http://www.example.com/a").unwrap(), given)
    }
}

/// The first thing that does not hold.
fn cause_in(stages: &[Stage], facts: &Facts) -> Option<Cause> {
    let checks = stages.iter().flat_map(|stage| stage.checks());
    let mut verdicts = checks.map(|(_, check)| check(facts));
    verdicts.find_map(|verdict| match verdict {
        Verdict::Bad(cause, _) => Some(cause),
        _ => None,
    })
}

fn cause(facts: &Facts) -> Option<Cause> {
    cause_in(RUNNING, facts)
}

fn no_hit(stores: Option<Recipe>, lookups: &[(&str, Option<Recipe>)]) -> Facts {
    let place = |key: &str, recipe: Option<Recipe>| Place {
        server: 0,
        key: key.to_owned(),
        recipe,
    };
    let exact = stores == Some(Recipe::Exact);
    let mut facts = facts();
    facts.trials = vec![trial(page(MISS), page(OWN_HIT), exact)];
    let look = Look {
        key: facts.trials[0].key,
        second: page(OWN_HIT),
        lookups: (lookups.iter().cloned())
            .map(|(key, recipe)| place(key, recipe))
            .collect(),
        asked: 1,
        found: 1,
        stores: stores
            .map(|recipe| place("stored", Some(recipe)))
            .into_iter()
            .collect(),
    };
    facts.inspection = Some(Inspection {
        watched: true,
        stored_layout: None,
        looks: vec![look],
    });
    facts
}

#[test]
fn a_site_that_works_has_no_cause() {
    assert_eq!(cause(&facts()), None);
}

#[test]
fn who_does_not_answer_is_told_by_who_else_does_not() {
    let hangs = || Err(Problem::TimedOut(Duration::from_secs(1)));
    let mut facts = facts();
    facts.first = hangs();
    assert_eq!(cause(&facts), Some(Cause::SiteHangs));
    facts.direct = Some(trial(hangs(), hangs(), false));
    assert_eq!(cause(&facts), Some(Cause::ApplicationHangs));
    facts.direct = Some(trial(page(MISS), page(OWN_HIT), true));
    facts.health = vec![(SERVER.to_owned(), Health::Hangs(String::new()))];
    assert_eq!(
        cause(&facts),
        Some(Cause::MemcachedHangs(SERVER.to_owned()))
    );
}

#[test]
fn nginxs_502_and_504_are_the_applications_unless_it_answers() {
    let mut facts = facts();
    facts.first = of_nginx(502);
    assert_eq!(cause(&facts), Some(Cause::ApplicationUnreachable));
    facts.direct = Some(trial(page(MISS), page(OWN_HIT), true));
    assert_eq!(cause(&facts), Some(Cause::ApplicationAddress));
    facts.health = vec![(SERVER.to_owned(), Health::Away(String::new()))];
    assert_eq!(cause(&facts), Some(Cause::ErrorPageCodes("502")));
    facts.first = of_nginx(504);
    facts.health = vec![(SERVER.to_owned(), Health::Hangs(String::new()))];
    assert_eq!(cause(&facts), Some(Cause::ErrorPageCodes("504")));
}

#[test]
fn another_clock_matters_to_pages_that_are_stored_with_a_date() {
    let month = 30 * 24 * 60 * 60;
    let mut facts = facts();
    facts.health = well(Vitals {
        clock: Some(2 * month),
        ..Vitals::default()
    });
    assert_eq!(
        cause(&facts),
        None,
        "a page of a minute is stored with a time"
    );
    facts.trials[0].held = vec![(0, item(3 * month.unsigned_abs()))];
    let clock = Cause::MemcachedClock {
        server: SERVER.to_owned(),
        seconds: 2 * month,
    };
    assert_eq!(cause(&facts), Some(clock.clone()));
    // Ahead of ours, it lets them expire at once.
    facts.trials = vec![trial(page(MISS), page(MISS), false)];
    assert_eq!(cause(&facts), Some(clock));
}

#[test]
fn a_server_that_evicts_is_told_of_for_the_sake_of_purges() {
    let mut facts = facts();
    let seen = |evictions, facts: &mut Facts| {
        facts.health = well(Vitals {
            evictions,
            ..Vitals::default()
        });
        match super::memcached::memcached(facts) {
            Verdict::Good(seen) => seen.contains("has evicted 12 items"),
            other => panic!("{other:?}"),
        }
    };
    assert!(seen(Some(12), &mut facts));
    assert!(!seen(Some(0), &mut facts) && !seen(None, &mut facts));
}

#[test]
fn a_server_that_refuses_where_it_should_evict_is_told_of() {
    let mut facts = facts();
    let seen = |must_not_evict, facts: &mut Facts| {
        facts.health = well(Vitals {
            must_not_evict,
            ..Vitals::default()
        });
        match super::memcached::memcached(facts) {
            Verdict::Good(seen) => seen.contains("runs with -M"),
            other => panic!("{other:?}"),
        }
    };
    assert!(seen(true, &mut facts) && !seen(false, &mut facts));
}

#[test]
fn a_page_larger_than_an_item_is_found_nowhere() {
    let mut facts = facts();
    facts.trials = vec![trial(page(MISS), page(MISS), false)];
    facts.health = well(Vitals {
        largest_item: Some(2),
        ..Vitals::default()
    });
    let found = cause(&facts).map(|cause| cause.word());
    assert_eq!(found, Some("memcached-item-size"));
}

#[test]
fn keys_tell_whose_they_are_and_what_is_wrong_with_them() {
    let exact = || Some(Recipe::Exact);
    let path = [("other", Some(Recipe::PathAlone))];
    assert_eq!(cause(&no_hit(exact(), &path)), Some(Cause::KeyPathAlone));
    let unknown = [("other", None)];
    assert_eq!(
        cause(&no_hit(exact(), &unknown)),
        Some(Cause::NginxPrefix(None))
    );
    let own = [("stored", Some(Recipe::Exact))];
    assert_eq!(cause(&no_hit(exact(), &own)), Some(Cause::NginxDoesNotAsk));
    let none = Recipe::Prefix(String::new());
    let prefix = Cause::ApplicationPrefix(Some(String::new()));
    assert_eq!(cause(&no_hit(Some(none), &[])), Some(prefix));
    assert_eq!(
        cause(&no_hit(None, &[])),
        Some(Cause::ApplicationStore(None))
    );
}

/// The application takes an answer that is late for none, and Memcached has found it.
#[test]
fn one_page_that_is_found_and_rendered_again_is_no_other_layout() {
    let mut facts = no_hit(Some(Recipe::Exact), &[("stored", Some(Recipe::Exact))]);
    let inspection = facts.inspection.as_mut().unwrap();
    let look = inspection.looks[0].clone();
    let given_up = Look {
        second: page(MISS),
        ..look.clone()
    };
    inspection.looks = vec![given_up.clone(), look.clone(), look];
    assert_eq!(cause(&facts), Some(Cause::NginxDoesNotAsk));
    let inspection = facts.inspection.as_mut().unwrap();
    inspection.looks = vec![given_up.clone(), given_up];
    assert!(matches!(cause(&facts), Some(Cause::NginxLayout(_))));
}

#[test]
fn where_a_page_is_there_that_nobody_asked_for_the_parameter_of_the_check_may_be_ignored() {
    let mut facts = facts();
    for (first, otherwise) in [
        ("nginx; hit", "key-path-alone"),
        // Not in Memcached yet.
        (OWN_HIT, "rewrite"),
    ] {
        facts.trials = vec![trial(page(first), page("nginx; hit"), false)];
        for (renamed, word) in [
            (None, otherwise),
            (Some(page("nginx; hit")), otherwise),
            (Some(page(OWN_HIT)), otherwise),
            (Some(Err(Problem::Closed)), otherwise),
            (Some(page(MISS)), "ignored-query"),
        ] {
            facts.renamed = renamed;
            assert_eq!(cause(&facts).map(|cause| cause.word()), Some(word));
        }
    }
}

#[test]
fn a_known_key_says_more_than_a_strangers() {
    let both = [("stranger", None), ("other", Some(Recipe::PathAlone))];
    let found = cause(&no_hit(Some(Recipe::Exact), &both));
    assert_eq!(found, Some(Cause::KeyPathAlone));
}

#[test]
fn where_nobody_could_look_on_nothing_is_made_up() {
    let mut facts = no_hit(Some(Recipe::Exact), &[]);
    if let Some(inspection) = &mut facts.inspection {
        inspection.watched = false;
    }
    assert_eq!(cause(&facts), Some(Cause::NginxFindsNothing));
}

/// Requests that took so many milliseconds, and requests past the cache.
fn timed(gets: &[u64], past: u64) -> Option<Cause> {
    let took = |method, milliseconds| Timed {
        method,
        answer: page(MISS),
        direct: None,
        took: Duration::from_millis(milliseconds),
    };
    let mut facts = facts();
    facts.health = vec![(SERVER.to_owned(), Health::Hangs(String::new()))];
    facts.faults = gets.iter().map(|time| took("GET", *time)).collect();
    facts.faults.push(took("past-the-cache", past));
    cause_in(&[Stage::Faults], &facts)
}

#[test]
fn waiting_each_time_is_told_from_waiting_at_first_and_from_a_slow_page() {
    assert_eq!(timed(&[100, 100, 2, 1, 2, 1, 2], 1), None);
    assert_eq!(
        timed(&[102, 101, 103, 104, 101, 102, 103], 1),
        Some(Cause::OnlyServer)
    );
    assert_eq!(timed(&[300, 301, 302, 303, 301, 302, 301], 299), None);
    assert_eq!(timed(&[3000], 1), Some(Cause::TimeoutsLong));
}

#[test]
fn a_purge_leaves_no_old_page_and_replaces_where_it_should() {
    let purged = |refreshes, deleted, replaced, failure: Option<&str>, old_is_there| {
        let mut facts = facts();
        facts.lasting.purge = Some(Purge::Done(Purged {
            refreshes,
            deleted,
            replaced,
            failure: failure.map(str::to_owned),
            old_is_there,
        }));
        cause_in(&[Stage::Lasting], &facts)
    };
    assert_eq!(purged(Some(true), 0, 1, None, false), None);
    assert_eq!(purged(Some(false), 1, 0, None, false), None);
    assert_eq!(purged(None, 1, 0, None, false), None);
    assert_eq!(
        purged(Some(true), 1, 0, None, false),
        Some(Cause::NotReplaced)
    );
    assert_eq!(
        purged(Some(true), 0, 1, None, true),
        Some(Cause::PurgeFails)
    );
    assert_eq!(
        purged(Some(true), 0, 1, Some("down"), false),
        Some(Cause::PurgeFails)
    );
}

#[test]
fn purges_that_wait_are_told_and_are_no_failure() {
    let mut facts = facts();
    assert_eq!(super::lasting::pending(&facts), Verdict::Silent);
    facts.lasting.pending_purges = Some(2);
    let verdict = super::lasting::pending(&facts);
    assert!(matches!(&verdict, Verdict::Unchecked(why) if why.starts_with("2 purges")));
    facts.lasting.pending_purges = Some(0);
    assert!(matches!(super::lasting::pending(&facts), Verdict::Good(_)));
}

const fn purged(refreshes: Option<bool>, replaced: u64) -> Option<Purge> {
    Some(Purge::Done(Purged {
        refreshes,
        deleted: 1 - replaced,
        replaced,
        failure: None,
        old_is_there: false,
    }))
}

fn awaited(awaited: Option<Awaited>, purge: Option<Purge>) -> Verdict {
    let mut facts = facts();
    facts.lasting.purge = purge;
    facts.lasting.refresh = awaited;
    super::refresh::refresh(&facts)
}

/// An entry that was seen until so much of its time was left.
fn times(timeout: u64, stale: u32, left: u64) -> Times {
    Times {
        timeout,
        stale,
        left,
    }
}

#[track_caller]
fn is_bad(verdict: &Verdict, cause: &Cause) {
    let is_it = matches!(verdict, Verdict::Bad(found, _) if found == cause);
    assert!(is_it, "{verdict:?} instead of {cause:?}");
}

#[test]
fn a_new_entry_in_the_place_of_the_old_one_is_a_refresh() {
    for (times, when) in [
        (times(60, 0, 6), " 6 s before its timeout ends"),
        (times(60, 600, 600), " when its timeout ends"),
        (times(60, 600, 597), " when its timeout ends"),
    ] {
        let verdict = awaited(Some(Awaited::Renewed(times)), None);
        let is_it = matches!(&verdict, Verdict::Good(seen) if seen.contains(when));
        assert!(is_it, "{verdict:?}");
    }
}

#[test]
fn why_no_new_page_came_is_told_by_the_admin_page() {
    let not_read = |refreshes| Some(Purge::NotRead(refreshes));
    for end in [
        Awaited::Left(times(60, 600, 595)),
        Awaited::Gone(times(60, 0, 1), false),
        Awaited::Gone(times(60, 2, 0), false),
    ] {
        for (purge, cause) in [
            (None, Cause::NotRefreshed),
            (not_read(None), Cause::NotRefreshed),
            (purged(None, 0), Cause::NotRefreshed),
            (not_read(Some(false)), Cause::RefreshMissing),
            (not_read(Some(true)), Cause::RefreshFails),
            // The purge has shown that the address is right.
            (purged(Some(true), 1), Cause::RefreshLate),
            (purged(None, 1), Cause::RefreshLate),
        ] {
            is_bad(&awaited(Some(end.clone()), purge), &cause);
        }
    }
    let off = awaited(Some(Awaited::Off), purged(Some(false), 0));
    is_bad(&off, &Cause::RefreshMissing);
}

#[test]
fn a_page_that_goes_away_tells_by_its_time_why() {
    let gone = |times, is_back| awaited(Some(Awaited::Gone(times, is_back)), None);
    is_bad(&gone(times(60, 0, 1), true), &Cause::RefreshLate);
    // Of a minute it is due six seconds before its end, with a stale time at its end.
    is_bad(&gone(times(60, 0, 6), false), &Cause::RefreshRefused);
    is_bad(&gone(times(60, 600, 599), false), &Cause::RefreshRefused);
    for (times, is_back) in [
        (times(60, 0, 9), false),
        (times(60, 600, 603), false),
        (times(60, 600, 599), true),
    ] {
        let verdict = gone(times, is_back);
        let is_it = matches!(&verdict, Verdict::Unchecked(why) if why.contains("evicted"));
        assert!(is_it, "{verdict:?}");
    }
}

#[test]
fn what_is_not_waited_for_is_not_proven_and_says_how_it_would_be() {
    let why = |end, purge| match awaited(end, purge) {
        Verdict::Unchecked(why) => why,
        other => format!("{other:?}"),
    };
    assert!(why(Some(Awaited::TooLong(60)), None).contains("--wait 61 "));
    assert!(why(Some(Awaited::TooLong(86_400)), None).contains("a shorter timeout"));
    let down = Awaited::Unseen("down".to_owned());
    for end in [Awaited::NotRead, Awaited::Endless, down] {
        assert!(why(Some(end), purged(Some(true), 1)).contains("waited for"));
    }
    // The trial's page has 60 s left.
    assert!(why(None, purged(Some(true), 1)).contains("--wait 61 "));
    assert!(why(None, Some(Purge::NotRead(Some(true)))).contains("--wait 61 "));
    for purge in [None, purged(Some(false), 0), purged(None, 0)] {
        assert_eq!(awaited(None, purge), Verdict::Silent);
    }
}

const REFUSED: &str = "djanginxed; fwd=bypass; detail=cookie";
const HIT: &str = "nginx; hit";

/// By a visitor of `value`: two answers, and whether his page is there.
fn variant(value: &str, first: &str, second: &str, is_stored: Option<bool>) -> VariantTrial {
    let second = match second {
        HIT => {
            let fields = [("cache-status", HIT), ("vary", "X, accept-language")];
            Ok(answer(200, &fields, "<p>"))
        }
        second => page(second),
    };
    VariantTrial {
        value: value.to_owned(),
        looks_at: vec!["Accept-Language".to_owned()],
        is_signed: false,
        first: page(first),
        second,
        is_stored,
        direct: None,
    }
}

fn varied(trials: Vec<VariantTrial>) -> Facts {
    Facts {
        variants: Variants {
            plain: Some(trial(page(MISS), page(HIT), true)),
            trials,
            after: Some(page(HIT)),
            ..Variants::default()
        },
        ..facts()
    }
}

/// What is said of one visitor, whom the application answers directly so.
fn of_visitor(
    trial: (&str, &str, Option<bool>),
    direct: Option<(&str, Option<bool>)>,
) -> Option<Cause> {
    let (first, second, is_stored) = trial;
    let mut trial = variant("language=de", first, second, is_stored);
    trial.direct = direct.map(|(status, is_stored)| DirectVariant {
        answer: page(status),
        is_stored,
    });
    cause_in(&[Stage::Variants], &varied(vec![trial]))
}

#[test]
fn who_gets_another_visitors_page_tells_whose_rules_are_others() {
    let what = || "language=de".to_owned();
    let (there, away) = (Some(true), Some(false));
    assert_eq!(of_visitor((MISS, HIT, there), None), None);
    assert_eq!(of_visitor((MISS, HIT, None), None), None);
    let nginx = Some(Cause::NginxVariants(what()));
    assert_eq!(of_visitor((HIT, HIT, away), None), nginx);
    assert_eq!(of_visitor((HIT, HIT, away), Some((MISS, there))), nginx);
    assert_eq!(of_visitor((HIT, HIT, None), Some((MISS, None))), nginx);
    assert_eq!(of_visitor((MISS, OWN_HIT, there), None), nginx);
    let application = Some(Cause::ApplicationVariants(what()));
    let own = Some((OWN_HIT, away));
    assert_eq!(of_visitor((OWN_HIT, OWN_HIT, away), own), application);
    assert_eq!(of_visitor((OWN_HIT, OWN_HIT, None), None), application);
    let elsewhere = Some((MISS, away));
    assert_eq!(of_visitor((MISS, MISS, away), elsewhere), application);
    let lost = Some(Cause::RuleFieldLost("Accept-Language".to_owned()));
    let found = Some((MISS, there));
    assert_eq!(of_visitor((OWN_HIT, OWN_HIT, away), found), lost);
    assert_eq!(of_visitor((MISS, MISS, away), found), lost);
    let untold = Some((MISS, None));
    assert_eq!(of_visitor((OWN_HIT, OWN_HIT, None), untold), lost);
    let differ = Some(Cause::VariantsDiffer(what()));
    assert_eq!(of_visitor((MISS, OWN_HIT, None), None), differ);
    let option = Some(Cause::VaryOption(what(), Vec::new()));
    assert_eq!(of_visitor((MISS, HIT, away), None), option);
    assert_eq!(of_visitor((HIT, HIT, away), own), option);
    assert_eq!(of_visitor((HIT, HIT, away), elsewhere), option);
}

#[test]
fn a_hit_says_what_decides() {
    let mut trial = variant("mobile=mobile", MISS, HIT, Some(true));
    trial.looks_at.push("User-Agent".to_owned());
    let found = cause_in(&[Stage::Variants], &varied(vec![trial]));
    assert_eq!(found, Some(Cause::VariantUnsaid("User-Agent".to_owned())));
}

fn said(facts: &Facts) -> (bool, String) {
    match super::variants::variants(facts) {
        Verdict::Good(seen) => (true, seen),
        Verdict::Unchecked(why) => (false, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_proved_of_variants_is_named() {
    let right = |value| variant(value, MISS, HIT, Some(true));
    let mut facts = varied(vec![right("language=de"), right("language=fr")]);
    let all = "visitors with language=de; language=fr get pages of their own";
    assert_eq!(said(&facts), (true, all.to_owned()));
    facts.variants.unsigned = 3;
    let (holds, why) = said(&facts);
    assert!(
        !holds && why.contains(all) && why.contains("3 variants of groups"),
        "{why}"
    );
    facts.variants.unsigned = 0;
    facts.variants.after = Some(page(MISS));
    let (holds, why) = said(&facts);
    assert!(!holds && why.contains("ended before"), "{why}");
    let unclear = variant("language=it", REFUSED, REFUSED, Some(false));
    let mut facts = varied(vec![unclear, right("language=de")]);
    let (holds, why) = said(&facts);
    assert!(
        !holds && why.contains("proved of language=it (status 200"),
        "{why}"
    );
    // What is wrong behind it is seen.
    let wrong = variant("language=fr", HIT, HIT, None);
    facts.variants.trials.push(wrong);
    let found = cause_in(&[Stage::Variants], &facts);
    assert_eq!(found, Some(Cause::NginxVariants("language=fr".to_owned())));
    // Nobody could be asked for.
    let mut facts = varied(Vec::new());
    facts.variants.plain = Some(trial(page(MISS), page(MISS), true));
    facts.variants.unasked = (0..12).map(|number| format!("c={number}")).collect();
    let (holds, why) = said(&facts);
    assert!(
        !holds && why.starts_with("not asked for: c=0; c=1; "),
        "{why}"
    );
    assert!(why.contains("c=7 and 4 others. A new page"), "{why}");
    facts.variants.plain = None;
    assert_eq!(super::variants::variants(&facts), Verdict::Silent);
}

#[test]
fn a_forger_gets_the_page_of_those_who_say_nothing() {
    let of = |status: &str, is_stored| {
        let mut facts = varied(Vec::new());
        facts.variants.after = None;
        facts.variants.forged.push(Forged {
            value: "group=member".to_owned(),
            fault: "without a signature",
            answer: page(status),
            is_stored,
        });
        facts
    };
    let nobody = "a group's cookie without a signature is nobody's";
    assert_eq!(said(&of(HIT, None)), (true, nobody.to_owned()));
    let (holds, why) = said(&of(REFUSED, Some(false)));
    assert!(
        !holds && why.contains("group=member without a signature ("),
        "{why}"
    );
    let believed = Cause::GroupForged("group=member without a signature".to_owned());
    for status in [OWN_HIT, MISS] {
        let found = cause_in(&[Stage::Variants], &of(status, Some(false)));
        assert_eq!(found.as_ref(), Some(&believed));
    }
}

#[test]
fn what_vary_names_and_nobody_has_given_is_what_the_keys_have() {
    let says = |status: &str, vary: &str| {
        let fields = [("cache-status", status), ("vary", vary)];
        Ok(answer(200, &fields, "<p>"))
    };
    let mut facts = facts();
    facts.trials = vec![trial(
        says(MISS, "Accept-Encoding, Accept-Language, Origin"),
        says(HIT, "accept-language, X"),
        false,
    )];
    let found = cause(&facts);
    let hints = vec!["--vary language=FIRST,…".to_owned()];
    let what = "the page's Vary names Accept-Language".to_owned();
    assert_eq!(found, Some(Cause::VaryOption(what, hints)));
    // Nobody can look into Memcached, and it is not left out without a word.
    facts.given.servers.clear();
    let (holds, why) = said(&facts);
    assert!(
        !holds && why.contains("on Accept-Language: give --vary language=FIRST"),
        "{why}"
    );
    facts.given.servers = vec![Server::parse(SERVER).unwrap()];
    // Such a rule was given: then it is something else.
    facts.given.rules = vec![VariantRule {
        option: "language=en,de".to_owned(),
        code: String::new(),
        fields: vec!["Accept-Language".to_owned()],
    }];
    assert_eq!(cause(&facts), Some(Cause::PrefixOption(None)));
    assert_eq!(super::variants::variants(&facts), Verdict::Silent);
}
