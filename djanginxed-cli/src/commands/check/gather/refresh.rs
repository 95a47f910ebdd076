//! A page whose timeout is waited for, while nobody asks the application for it.

use std::io::IsTerminal;
use std::time::Duration;

use djanginxed::PageKey;
use tokio::time::{Instant, sleep};

use super::Gathering;
use super::admin::Admin;
use crate::commands::check::facts::{Awaited, Purge, Times};
use crate::memcached::Item;
use crate::output;

/// So much later a refresh may come: Memcached counts whole seconds, and of several processes
/// one may wait two for another. For renders it takes longer.
const MARGIN: Duration = Duration::from_secs(5);

impl Gathering {
    pub(super) async fn refresh(&mut self) {
        let Some(seconds) = self.args.wait else {
            return;
        };
        let awaited = match &self.facts.lasting.purge {
            Some(Purge::Done(purged)) if purged.refreshes == Some(false) => Awaited::Off,
            _ => self.awaited(seconds).await,
        };
        if matches!(awaited, Awaited::Gone(..) | Awaited::Left(_)) {
            // Its render may still be under way.
            self.forbid_the_last().await;
        }
        self.facts.lasting.refresh = Some(awaited);
    }

    async fn awaited(&mut self, seconds: u64) -> Awaited {
        // Who waits for long may be killed: that leaves one page, and no more.
        self.clean().await;
        let Some((key, took)) = self.read_page().await else {
            return Awaited::NotRead;
        };
        let mut watched = match self.probe.watched(&key).await {
            Err(trouble) => return Awaited::Unseen(trouble),
            Ok(None) => return Awaited::NotRead,
            Ok(Some(item)) => match Watched::new(&item) {
                None => return Awaited::Endless,
                Some(watched) => watched,
            },
        };
        let timeout = watched.times.timeout;
        if timeout > seconds {
            return Awaited::TooLong(timeout);
        }
        tell(timeout);
        self.watch(&key, &mut watched, MARGIN + 2 * took).await
    }

    /// Looks at the page until something becomes of it, for so long behind its timeout.
    async fn watch(&mut self, key: &PageKey, watched: &mut Watched, margin: Duration) -> Awaited {
        let mut until = Instant::now() + Duration::from_secs(watched.times.timeout) + margin;
        while Instant::now() < until {
            sleep(watched.pause()).await;
            let seen = match self.probe.watched(key).await {
                Err(trouble) => return Awaited::Unseen(trouble),
                Ok(item) => watched.see(item.as_ref()),
            };
            if let Some(awaited) = seen {
                return awaited;
            }
            if watched.is_gone {
                until = until.min(Instant::now() + margin);
            }
        }
        watched.end()
    }

    /// A page of ours that nginx has read, and how long its render took. Where the process
    /// of the admin page has pages that nginx finds, it is one of its.
    async fn read_page(&mut self) -> Option<(PageKey, Duration)> {
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        let is_found = matches!(self.facts.lasting.purge, Some(Purge::Done(_)));
        let process = self.admin.as_ref().filter(|_| is_found);
        let begun = Instant::now();
        // Whether it is stored shows at once.
        let _ = match process.map(Admin::address) {
            Some(address) => self.probe.ask_process(&address, &target).await,
            None => self.probe.get(&target).await,
        };
        let took = begun.elapsed();
        self.is_read(&target, &key).await.then_some((key, took))
    }
}

/// Says to a person why nothing happens.
fn tell(seconds: u64) {
    if std::io::stderr().is_terminal() {
        output::tell(format_args!(
            "waiting {seconds} s for a page's timeout to end"
        ));
    }
}

/// An entry that nginx has read, and what has become of it.
struct Watched {
    times: Times,
    is_gone: bool,
}

impl Watched {
    /// None where it has no end.
    fn new(item: &Item) -> Option<Watched> {
        let (left, stale) = (item.seconds_left?, item.stale_for());
        let timeout = left.saturating_sub(stale.into());
        let times = Times {
            timeout,
            stale,
            left,
        };
        Some(Watched {
            times,
            is_gone: false,
        })
    }

    /// Until the next look: towards its end it may be missing for a moment.
    fn pause(&self) -> Duration {
        match self.times.left {
            0..=2 => Duration::from_millis(50),
            _ => Duration::from_millis(500),
        }
    }

    /// What has become of it, if anything has.
    fn see(&mut self, item: Option<&Item>) -> Option<Awaited> {
        let Some(item) = item else {
            self.is_gone = true;
            return None;
        };
        if self.is_gone {
            return Some(Awaited::Gone(self.times, true));
        }
        let still = item.seconds_left.filter(|left| *left <= self.times.left);
        match still.filter(|_| item.read) {
            None => Some(Awaited::Renewed(self.times)),
            Some(left) => {
                self.times.left = left;
                None
            }
        }
    }

    /// What became of it in the time that there was.
    fn end(&self) -> Awaited {
        match self.is_gone {
            true => Awaited::Gone(self.times, false),
            false => Awaited::Left(self.times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(left: u64, read: bool) -> Item {
        Item {
            value: Vec::new(),
            // Stale for 600 s.
            flags: 600 << 3,
            seconds_left: Some(left),
            read,
            seconds_untouched: 0,
        }
    }

    fn after(looks: &[Option<(u64, bool)>]) -> Awaited {
        let mut watched = Watched::new(&item(603, true)).unwrap();
        for look in looks {
            let item = look.map(|(left, read)| item(left, read));
            if let Some(awaited) = watched.see(item.as_ref()) {
                return awaited;
            }
        }
        watched.end()
    }

    #[test]
    fn an_entry_with_more_time_or_unread_is_another_one() {
        let times = |left| Times {
            timeout: 3,
            stale: 600,
            left,
        };
        let old = [Some((602, true)), Some((600, true))];
        assert_eq!(after(&old), Awaited::Left(times(600)));
        for new in [Some((603, true)), Some((600, false))] {
            assert_eq!(
                after(&[&old[..], &[new]].concat()),
                Awaited::Renewed(times(600))
            );
        }
        // A request in between may have brought it.
        let back = [old[0], None, None, Some((603, false))];
        assert_eq!(after(&back), Awaited::Gone(times(602), true));
        assert_eq!(after(&back[..3]), Awaited::Gone(times(602), false));
    }

    #[test]
    fn an_entry_without_an_end_is_not_waited_for() {
        let endless = Item {
            seconds_left: None,
            ..item(0, true)
        };
        assert!(Watched::new(&endless).is_none());
        let looks = |left| Watched::new(&item(left, true)).map(|watched| watched.pause());
        assert!(looks(2) < looks(3));
    }
}
