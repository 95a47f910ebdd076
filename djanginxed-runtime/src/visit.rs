//! A request's way, in order: request, key, lookup, coalesce, render, policy,
//! entry, writer.

use actix_web::http::StatusCode;
use tokio::time::timeout;

use crate::cache::claim::{self, Claim, Cold};
use crate::cache::{Landed, PageCache};
use crate::coalesce::{Asked, Lead, Turn};
use crate::conditions::Conditions;
use crate::entry::{Entry, Form, Found};
use crate::key::PageKey;
use crate::life::Freshness;
use crate::observe;
use crate::page::Page;
use crate::reason::{Bypass, Reason};
use crate::refresh::{self, Refresh};
use crate::render::{Fresh, Render};
use crate::request::Part;
use crate::status::Status;
use crate::store::client::Marker;
use crate::store::error::StoreError;
use crate::store::lookup::OnSend;
use crate::sync::Arc;
use crate::writer::Doubt;

/// One request for one page. It owns what it knows, since the request itself
/// cannot be kept while actix routes it.
pub(crate) struct Visit {
    pub(crate) pages: PageCache,
    pub(crate) page: Page,
    pub(crate) key: PageKey,
    pub(crate) target: String,
    /// Whether the method only reads (RFC 9110, section 9.2.1).
    pub(crate) is_safe: bool,
    pub(crate) accepts_gzip: bool,
    pub(crate) conditions: Conditions,
}

/// How a visitor is answered.
pub(crate) enum Way {
    /// With a page that is there.
    Answer(Form, Status),
    /// By the handler. In a box, so that a hit is not as large as a render: actix allocates
    /// for each request what its handler may come to need.
    Handle(Box<Handling>),
}

/// What a handler is to run for.
pub(crate) enum Handling {
    /// The visitor gets a page whose time is over, which is to be rendered anew.
    Stale(Form, Status, Refresh),
    /// The page that is there is to be replaced.
    Refresh(Render, Option<refresh::Turn>),
    /// The response is for this visitor alone.
    Past(Status),
    /// The response may be stored; and others may wait for it.
    Render(Render, Option<Leading>),
}

impl Handling {
    fn way(self) -> Way {
        Way::Handle(Box::new(self))
    }
}

/// That others wait for this visitor's render.
pub(crate) struct Leading {
    pages: PageCache,
    key: PageKey,
    lead: Lead<PageKey, Landed>,
    /// How many had joined when the render began.
    joined: u64,
    /// The last delete before the render began.
    known: Option<Marker>,
    /// That no other process renders it.
    claim: Option<Claim>,
}

impl Visit {
    /// Decides, and looks the page up.
    pub(crate) async fn way(&self, part: Part) -> Way {
        match part {
            Part::Bypass(reason) => past(reason),
            Part::LookupOnly => match Box::pin(self.look_up()).await {
                Some((found, form)) => Way::Answer(form, status_of(found.freshness)),
                None => Handling::Past(Status::Refused(Reason::Method)).way(),
            },
            Part::Refresh => {
                let turn = refresh::turn(&self.pages, self.key);
                Handling::Refresh(self.start(), turn).way()
            }
            Part::Alone => Box::pin(self.alone()).await,
            Part::Full if self.pages.is_apart(&self.key) => Box::pin(self.alone()).await,
            Part::Full => match self.at_hand() {
                Some((found, form)) => self.found(form, found.freshness),
                None => Box::pin(self.together()).await,
            },
        }
    }

    /// Looks up, and renders without regard to others.
    async fn alone(&self) -> Way {
        match self.look_up().await {
            Some((found, form)) => Way::Answer(form, status_of(found.freshness)),
            None => self.render(None),
        }
    }

    /// Looks up, and renders once for all who ask at the same time.
    async fn together(&self) -> Way {
        match self.turn().await {
            Turn::Lead(lead) => self.lead(lead).await,
            Turn::Follow(landed) => match self.follow(landed) {
                Some((form, status)) => Way::Answer(form, status),
                None => self.render(None),
            },
            Turn::Alone => self.render(None),
        }
    }

    async fn turn(&self) -> Turn<PageKey, Landed> {
        let mut wait = match self.pages.flights().join(self.key) {
            Ok(lead) => return Turn::Lead(lead),
            Err(wait) => wait,
        };
        match timeout(self.pages.settings().coalesce_timeout, &mut wait).await {
            Ok(turn) => turn,
            Err(_) => {
                wait.give_up();
                Turn::Alone
            }
        }
    }

    async fn lead(&self, lead: Lead<PageKey, Landed>) -> Way {
        if lead.was_closed() {
            // The store may have what another process has deleted.
            let known = self.pages.last_delete(self.key).await;
            return self.render(Some(self.leading(lead, known, None)));
        }
        let asked = Arc::new(lead.asked());
        let now = Arc::clone(&asked);
        let looked_up = self.try_look_up(Some(Box::new(move || now.now()))).await;
        if let Ok(Some((found, form))) = looked_up {
            let freshness = found.freshness;
            self.share_found(lead, found, &asked);
            return self.found(form, freshness);
        }
        let cold = match looked_up {
            Ok(_) => self.claim().await,
            // Nobody waits twice for a server that does not answer.
            Err(_) => Cold::Ours(None),
        };
        match cold {
            Cold::Ours(claim) => self.render(Some(self.leading(lead, None, claim))),
            Cold::Theirs(found) => match self.form(&found.entry) {
                Some(form) => {
                    observe::collapsed();
                    self.share_found(lead, found, &asked);
                    Way::Answer(form, Status::Collapsed)
                }
                None => self.render(Some(self.leading(lead, None, None))),
            },
        }
    }

    /// What was found is for those who had joined when it was asked for: whoever came later
    /// may have come after a purge by another process, and asks anew.
    fn share_found(&self, lead: Lead<PageKey, Landed>, found: Found, asked: &Asked<Landed>) {
        lead.share_with(asked.joined(), Landed::Found(found));
    }

    /// Who renders a page that is not there.
    async fn claim(&self) -> Cold {
        let settings = self.pages.settings();
        if settings.lookup && settings.render_lock && self.pages.has_other_users() {
            Box::pin(claim::claim(&self.pages, self.key)).await
        } else {
            Cold::Ours(None)
        }
    }

    fn leading(
        &self,
        lead: Lead<PageKey, Landed>,
        known: Option<Marker>,
        claim: Option<Claim>,
    ) -> Leading {
        Leading {
            pages: self.pages.clone(),
            key: self.key,
            joined: lead.joined(),
            lead,
            known,
            claim,
        }
    }

    /// A response that the cache had no part in: where the request changed something,
    /// the target's page is not what it was (RFC 9111, section 4.4), in any variant.
    pub(crate) async fn changed(&self, status: StatusCode) {
        if self.is_safe || !(status.is_success() || status.is_redirection()) {
            return;
        }
        // The visitor does not wait for a server that hangs; the delete goes on.
        let settings = self.pages.settings();
        let recipe = self.page.recipe(settings);
        let keys = self.pages.keys_under(recipe, &self.target);
        let deletes = self.pages.delete_until_done(&keys);
        if timeout(settings.operation_timeout, deletes).await.is_err() {
            observe::delete_goes_on(&self.key);
        }
    }

    /// What stands in for an error of this status, if anything does.
    pub(crate) async fn stand_in(&self, status: StatusCode) -> Option<(Form, Status)> {
        if !matches!(status.as_u16(), 500 | 502..=504) {
            return None;
        }
        let form = self.form(&self.pages.copy(self.key).await?)?;
        observe::stood_in();
        Some((form, Status::StandIn(status.as_u16())))
    }

    fn follow(&self, landed: Landed) -> Option<(Form, Status)> {
        let (entry, status) = match landed {
            Landed::Found(found) => (found.entry, status_of(found.freshness)),
            Landed::Rendered(entry) => {
                observe::collapsed();
                (entry, Status::Collapsed)
            }
        };
        Some((self.form(&entry)?, status))
    }

    fn at_hand(&self) -> Option<(Found, Form)> {
        if !self.pages.settings().lookup {
            return None;
        }
        self.readable(self.pages.at_hand(&self.key)?)
    }

    /// A failure is a miss.
    async fn look_up(&self) -> Option<(Found, Form)> {
        self.try_look_up(None).await.unwrap_or_default()
    }

    async fn try_look_up(
        &self,
        on_send: Option<OnSend>,
    ) -> Result<Option<(Found, Form)>, StoreError> {
        if !self.pages.settings().lookup {
            return Ok(None);
        }
        let found = self.pages.look_up(self.key, on_send).await?;
        Ok(found.and_then(|found| self.readable(found)))
    }

    fn readable(&self, found: Found) -> Option<(Found, Form)> {
        let form = self.form(&found.entry)?;
        Some((found, form))
    }

    /// A page is there; one whose time is over is rendered anew by the first who asks.
    fn found(&self, form: Form, freshness: Freshness) -> Way {
        let status = status_of(freshness);
        let turn = match freshness {
            Freshness::Fresh => None,
            Freshness::Stale(_) => refresh::turn(&self.pages, self.key),
        };
        let Some(turn) = turn else {
            return Way::Answer(form, status);
        };
        let render = self.start();
        Handling::Stale(form, status, Refresh { render, turn }).way()
    }

    fn form(&self, entry: &Entry) -> Option<Form> {
        entry.form(self.accepts_gzip, self.pages.settings().max_entry_size)
    }

    /// Renders a page that is not there.
    pub(crate) fn render(&self, leading: Option<Leading>) -> Way {
        Handling::Render(self.start(), leading).way()
    }

    fn start(&self) -> Render {
        Render::start(&self.pages, self.page, self.key, &self.target)
    }
}

fn status_of(freshness: Freshness) -> Status {
    match freshness {
        Freshness::Fresh => Status::Hit,
        Freshness::Stale(past) => {
            observe::stale();
            Status::Stale(past)
        }
    }
}

fn past(reason: Bypass) -> Way {
    observe::bypass(reason);
    Handling::Past(Status::Bypass(reason)).way()
}

impl Leading {
    /// Gives the page to those who wait, or lets them render on their own.
    pub(crate) fn conclude(mut self, fresh: Option<Fresh>) {
        let claim = self.claim.take();
        if let (Some(claim), Some(_)) = (claim, &fresh) {
            claim.stored();
        }
        match fresh {
            Some((entry, doubt)) if self.pages.has_other_users() && self.lead.close() => {
                tokio::spawn(self.share_unless_outdated(entry, doubt));
            }
            Some((entry, doubt)) => self.share(entry, &doubt),
            None => {
                self.pages.set_apart(self.key);
                self.lead.release();
            }
        }
    }

    /// Gives a page to those who wait for it; or, where another process has deleted
    /// it, to those alone who came before its render. Without that nobody who waits would
    /// be answered while a page is changed faster than it is rendered. A task of its own:
    /// the leader's visitor need not wait for it, and may leave.
    async fn share_unless_outdated(self, entry: Entry, doubt: Doubt) {
        if self.pages.may_be_outdated(&doubt, self.known).await {
            self.lead.share_with(self.joined, Landed::Rendered(entry));
        } else {
            self.share(entry, &doubt);
        }
    }

    /// Gives a page to those who wait for it, unless this process has purged it.
    fn share(self, entry: Entry, doubt: &Doubt) {
        let deletes = self.pages.deletes();
        self.lead
            .share_unless(Landed::Rendered(entry), self.joined, || {
                doubt.is_purged(deletes)
            });
    }
}
