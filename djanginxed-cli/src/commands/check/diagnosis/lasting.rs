//! Nobody waits: stale pages, copies for errors, locks and purges.

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::answer::{By, by, is_stand_in, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Purge, Purged, Stale, WithoutApp};

pub(super) fn stale(facts: &Facts) -> Verdict {
    let Some(stale) = &facts.lasting.stale else {
        return Silent;
    };
    let nginx = match &stale.through_nginx {
        Err(problem) => return Bad(Cause::Unexplained, problem.to_string()),
        Ok(answer) => matches!(by(answer), By::Nginx | By::Unknown),
    };
    let kept = format!("{} s past its timeout", stale.seconds);
    let by_nginx = if nginx {
        "nginx gives it out"
    } else {
        "it is there"
    };
    match &stale.direct {
        None => Unchecked(format!(
            "{by_nginx} up to {kept}; give --app to see it rendered anew"
        )),
        Some(Err(problem)) => Bad(Cause::StaleNotRenewed, problem.to_string()),
        Some(Ok(_)) if !stale.renewed => {
            let seen = format!("up to {kept} {by_nginx}, and it was not rendered anew within 5 s");
            Bad(Cause::StaleNotRenewed, seen)
        }
        Some(Ok(_)) => Good(format!("{by_nginx} up to {kept}; {}", who_waited(stale))),
    }
}

fn who_waited(stale: &Stale) -> &'static str {
    let direct = stale
        .direct
        .as_ref()
        .and_then(|direct| direct.as_ref().ok());
    match direct.map(by) {
        Some(By::Application) => {
            "the application does, too, and renders it anew behind its visitor"
        }
        _ => "the application lets a visitor wait for the new page",
    }
}

pub(super) fn copy(facts: &Facts) -> Verdict {
    let Some(copy) = facts.lasting.copy.as_ref().filter(|copy| copy.stored) else {
        return Silent;
    };
    match copy.by_nginx {
        Some(true) => Good(
            "a copy for errors is stored, and nginx's file gives it out; --app-down proves that"
                .to_owned(),
        ),
        Some(false) => Unchecked(
            "a copy for errors is stored, and nginx's file does not give it out: generate it with --stale-if-error"
                .to_owned(),
        ),
        None => Good(
            "a copy for errors is stored; stop the application and give --app-down to see nginx give it out"
                .to_owned(),
        ),
    }
}

pub(super) fn lock(facts: &Facts) -> Verdict {
    let Some(lock) = &facts.lasting.lock else {
        return Silent;
    };
    match (lock.asked, lock.waited) {
        (Some(true), true) => Good(
            "a page that another process renders is waited for, and rendered once its lock is free"
                .to_owned(),
        ),
        (Some(true), false) => Unchecked(
            "the application asks for a page's lock, and renders after less than 0.6 s though another has it: .coalesce_timeout is short"
                .to_owned(),
        ),
        // Off by default.
        (Some(false), _) => Silent,
        (None, _) => Unchecked("Memcached lets nobody look on (-W)".to_owned()),
    }
}

pub(super) fn purge(facts: &Facts) -> Verdict {
    match &facts.lasting.purge {
        None => Silent,
        Some(Purge::NoAdmin(problem)) => Bad(Cause::AdminOption, problem.clone()),
        Some(Purge::NotRead(_)) => {
            Unchecked("nginx does not find what the process of --admin stores".to_owned())
        }
        Some(Purge::Done(purged)) => purged_well(purged),
    }
}

/// No failure of the site as it is set up: a server was, or is, out of that process's reach.
pub(super) fn pending(facts: &Facts) -> Verdict {
    match facts.lasting.pending_purges {
        None => Silent,
        Some(0) => Good("no purge of a change waits for its server".to_owned()),
        Some(waiting) => {
            let wait = match waiting {
                1 => "1 purge of a change waits".to_owned(),
                many => format!("{many} purges of changes wait"),
            };
            Unchecked(format!(
                "{wait} until that process reaches the server again: pages of before may be there until then, or until their timeout"
            ))
        }
    }
}

fn purged_well(purged: &Purged) -> Verdict {
    if let Some(failure) = &purged.failure {
        return Bad(Cause::PurgeFails, failure.clone());
    }
    if purged.old_is_there {
        let seen =
            "the purge says that it is done, and the page that nginx has read is still there";
        return Bad(Cause::PurgeFails, seen.to_owned());
    }
    match (purged.replaced, purged.refreshes) {
        (1.., _) => Good(
            "a page that is read is rendered anew by the purge, and nobody waits; refresh_through works"
                .to_owned(),
        ),
        (0, Some(true)) => Bad(
            Cause::NotReplaced,
            format!("{} deleted, none replaced", purged.deleted),
        ),
        (0, _) => Good("the page is gone; with refresh_through it would be replaced".to_owned()),
    }
}

pub(super) fn app_is_down(facts: &Facts) -> Verdict {
    let Some(WithoutApp { cold, direct, .. }) = &facts.without_app else {
        return Silent;
    };
    if let Some(Ok(answer)) = direct {
        let seen = format!("it says {}, so nothing is proved", seen(answer));
        return Bad(Cause::ApplicationAnswers, seen);
    }
    match cold {
        Err(problem) => Bad(Cause::Unexplained, problem.to_string()),
        Ok(answer) if matches!(answer.status, 500 | 502..=504) => {
            Good(format!("a page that nobody has stored: {}", seen(answer)))
        }
        Ok(answer) => Bad(Cause::ApplicationAnswers, seen(answer)),
    }
}

pub(super) fn stand_in(facts: &Facts) -> Verdict {
    let copied = facts.without_app.as_ref().map(|facts| &facts.copied);
    match copied {
        None => Silent,
        Some(None) => {
            Unchecked("give --servers, where a copy for errors is put for a moment".to_owned())
        }
        Some(Some(Err(problem))) => Bad(Cause::NginxCopies, problem.to_string()),
        Some(Some(Ok(answer))) if answer.status == 200 && is_stand_in(answer) => {
            Good(format!("nginx gives a copy out: {}", seen(answer)))
        }
        Some(Some(Ok(answer))) => Bad(Cause::NginxCopies, seen(answer)),
    }
}
