//! The end of a timeout renders a page anew that is read.

use std::time::Duration;

use djanginxed_runtime::tool::refresh_lead;

use super::Verdict;
use super::Verdict::{Bad, Good, Silent, Unchecked};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Awaited, Facts, LONGEST_WAIT, Purge, Times};

/// Memcached counts whole seconds.
const SLACK: u64 = 2;

pub(super) fn refresh(facts: &Facts) -> Verdict {
    let Some(awaited) = &facts.lasting.refresh else {
        return not_asked(facts);
    };
    match awaited {
        Awaited::Off => Bad(
            Cause::RefreshMissing,
            "the admin page says that its process refreshes no pages".to_owned(),
        ),
        Awaited::NotRead => {
            Unchecked("nginx does not find the page that was to be waited for".to_owned())
        }
        Awaited::Endless => Unchecked("the page has no end that could be waited for".to_owned()),
        Awaited::TooLong(seconds) => Unchecked(format!(
            "not proven, since the page's timeout ends in {seconds} s; {}",
            enough(*seconds)
        )),
        Awaited::Unseen(trouble) => Unchecked(format!("while the page was waited for, {trouble}")),
        Awaited::Renewed(times) => Good(format!(
            "a page that is read is rendered anew {}, and nobody asked for it",
            when(times)
        )),
        Awaited::Left(times) => {
            let past = u64::from(times.stale).saturating_sub(times.left);
            unseen(
                facts,
                format!("{past} s past its timeout a page that nginx has read is the old one"),
            )
        }
        Awaited::Gone(times, is_back) => gone(facts, times, *is_back),
    }
}

/// Without `--wait`: how a refresh would be proved, where there should be one.
fn not_asked(facts: &Facts) -> Verdict {
    let purge = facts.lasting.purge.as_ref();
    if purge.and_then(Purge::refreshes) != Some(true) {
        return Silent;
    }
    let held = facts.trial().and_then(|trial| trial.held.first());
    let timeout = held.and_then(|(_, item)| {
        let left = item.seconds_left?;
        Some(left.saturating_sub(item.stale_for().into()))
    });
    let how = timeout.map_or_else(|| "--wait SECONDS proves it".to_owned(), enough);
    Unchecked(format!(
        "that a timeout's end by itself renders a page anew: {how}"
    ))
}

/// What is to be given to wait for so many seconds.
fn enough(seconds: u64) -> String {
    // Of the last page's time, one second may have been over.
    match seconds + 1 {
        seconds @ ..=LONGEST_WAIT => format!("--wait {seconds} would prove it"),
        _ => "give a page of a shorter timeout".to_owned(),
    }
}

fn when(times: &Times) -> String {
    match times.timeout_left() {
        ..SLACK => "when its timeout ends".to_owned(),
        seconds => format!("{seconds} s before its timeout ends"),
    }
}

/// The page went away while nobody asked for it.
fn gone(facts: &Facts, times: &Times, is_back: bool) -> Verdict {
    let timeout_left = times.timeout_left();
    let seconds = Duration::from_secs;
    let lead = refresh_lead(seconds(times.timeout), seconds(times.stale.into()));
    let is_due = timeout_left <= lead.as_secs() + SLACK;
    match (times.left, is_back) {
        (..=SLACK, true) => Bad(
            Cause::RefreshLate,
            "a page that nginx has read is rendered anew when it is gone already".to_owned(),
        ),
        (..=SLACK, false) => unseen(
            facts,
            "a page that nginx has read is gone at its end, and no new one came".to_owned(),
        ),
        (left, false) if is_due => Bad(
            Cause::RefreshRefused,
            format!(
                "a page that nginx has read is taken away when its timeout ends, {left} s before its own end"
            ),
        ),
        _ => Unchecked(format!(
            "the page was purged or evicted {timeout_left} s before its timeout ended; check again"
        )),
    }
}

/// No new page came.
fn unseen(facts: &Facts, seen: String) -> Verdict {
    let cause = match &facts.lasting.purge {
        // It has just shown that the application reaches itself.
        Some(Purge::Done(purged)) if purged.replaced > 0 => Cause::RefreshLate,
        purge => match purge.as_ref().and_then(Purge::refreshes) {
            Some(true) => Cause::RefreshFails,
            Some(false) => Cause::RefreshMissing,
            None => Cause::NotRefreshed,
        },
    };
    Bad(cause, seen)
}
