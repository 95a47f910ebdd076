//! What is asked of one server: pages, stores, deletes.

mod tags;

pub(crate) use self::tags::{MAX_PIECE, Read};

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::time::Duration;

use actix_web::web::Bytes;
use memcache::exp::{Error as ClientError, ReturnCode};

use super::counted::Received;
use super::error::StoreError;
use super::index::{self, Piece};
use super::marks::{Mark, Marks};
use super::names;
use super::wire::{Answer, Command, Wire, nonsense};
use crate::entry::{Entry, Found, Stored};
use crate::flags;
use crate::key::PageKey;
use crate::layout::Layout;
use crate::life::Freshness;
use crate::sync::{Arc, Mutex, MutexGuard, lock};
use crate::tag::{TagKey, Tags};

/// Memcached reads a longer expiry as a date.
const LONGEST_RELATIVE: u64 = 60 * 60 * 24 * 30;

/// A later date makes an item expire at once.
const LATEST_DATE: u64 = (1 << 31) - 1;

/// How long a lock lives that nobody keeps, in seconds: what a process costs the others
/// that is killed while it renders. Memcached lets it live for up to a second less.
pub(crate) const LOCK_LIFE: u32 = 2;

/// So many commands are sent before their answers are read: neither side may have to
/// wait until the other reads.
const MAX_COMMANDS: usize = 1024;

/// How long a delete is remembered, in seconds.
pub(crate) const MARKER_LIFE: u32 = 600;

/// How long it is remembered that somebody is about to store a page, in seconds.
/// Memcached lets it live for up to a second less: that is how long who announces a page
/// has to store it.
pub(crate) const ARRIVAL_LIFE: u32 = 4;

/// No marker and no count is longer, in bytes: two words of 64 bits.
const LONGEST_MARK: usize = 33;

/// No note of how a page is asked for is longer, in bytes: its target and host have 2,048.
const LONGEST_NOTE: usize = 16 << 10;

/// One server's client. Its connections belong to the runtime that uses it, and
/// its caller bounds the time of all that it does.
pub(crate) struct Client {
    address: String,
    marks: Arc<Marks>,
    layout: Layout,
    max_value: usize,
    idle: Mutex<Vec<Wire>>,
    received: Received,
}

/// What is asked of a server on a request's way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    Page(PageKey),
    /// That of the page which stands in for errors.
    Copy(PageKey),
    /// Was the page deleted?
    Marker(PageKey),
    /// May this process render the page, and no other for [`LOCK_LIFE`]?
    Lock(PageKey),
    /// It is still rendering the page.
    KeepLock(PageKey),
    /// It has rendered the page.
    Unlock(PageKey),
    /// Was the tag purged?
    Purged(TagKey),
}

/// What a server says to a [`Question`].
#[derive(Debug)]
pub(crate) enum Reply {
    /// It has announced a page of so many bytes, which are on their way.
    Announced(usize),
    Page(Result<Option<Found>, StoreError>),
    Marker(Result<Option<Marker>, StoreError>),
    /// Of [`Question::Lock`], [`Question::KeepLock`] and [`Question::Unlock`].
    Done(Result<bool, StoreError>),
}

/// A page on its way to a server.
pub(crate) struct Outgoing {
    pub(crate) key: PageKey,
    /// Left out where the server may have it already.
    pub(crate) stored: Option<Stored>,
    /// Whole seconds, at least one.
    pub(crate) life: u64,
    /// How much of that is after the page's time.
    pub(crate) stale: Duration,
    /// How long the copy lives that stands in for errors, if there is one: whole seconds.
    pub(crate) copy: Option<u64>,
    /// What is noted beside it of how it is asked for.
    pub(crate) note: Option<Bytes>,
    pub(crate) tags: Tags,
}

/// What a server says of a page that the indexes of its tags are to have.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) markers: Markers,
    /// Whether the indexes of all its tags have it, their ledgers what is claimed with it,
    /// and all its markers were seen.
    pub(crate) is_listed: bool,
    /// What was claimed of them.
    pub(crate) claims: Vec<Claim>,
    /// Pieces of them that have become large, and how many bytes they have.
    pub(crate) large: Vec<(Piece, usize)>,
}

/// A piece of an index, and what it is claimed with.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) piece: Piece,
    entry: Bytes,
}

/// What came of a page's delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Whether it was there.
    pub(crate) was_there: bool,
    /// Others who are about to store it, and may not have seen the delete.
    pub(crate) arriving: Option<Arriving>,
    /// The server has no room for a note of the delete.
    pub(crate) refusal: Option<StoreError>,
}

/// How many have announced a page, and neither stored it nor taken that back: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arriving {
    count: u64,
    /// Another count has another number.
    number: u64,
}

impl Arriving {
    /// Those who were among them all the while, as far as their number says it.
    pub(crate) fn still(self, before: Option<Arriving>) -> Arriving {
        let fewest = before.map_or(self.count, |before| before.count.min(self.count));
        Arriving {
            count: fewest,
            ..self
        }
    }
}

/// The deletes that concern a page: of itself, and of its tags in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markers {
    pub(crate) page: Option<Marker>,
    pub(crate) tags: Vec<Option<Marker>>,
}

/// What comes back for a command, in this order.
enum Said {
    /// The length of the value that is on its way.
    Length(usize),
    Answer(Result<Answer, StoreError>),
}

/// What a server says of a page to who looks after it, and does not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether anybody has read it since it was stored.
    pub(crate) was_read: bool,
    /// None: without an end.
    pub(crate) left: Option<Duration>,
    /// Another version has another number; none in memory of the process.
    pub(crate) number: Option<u64>,
}

/// That a page was deleted, as its server remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// How long ago, in seconds.
    pub(crate) age: u32,
    /// Whether this process deleted it, and knows when: by its own counts.
    pub(crate) is_own: bool,
    /// Another delete has another number, also where its server counts none (`-C`) or counts
    /// from the start again.
    pub(crate) number: Option<u64>,
}

impl Marker {
    pub(crate) fn age(&self) -> Duration {
        Duration::from_secs(self.age.into())
    }
}

impl Question {
    /// The page that may come as an answer.
    pub(crate) fn page(&self) -> Option<&PageKey> {
        match self {
            Question::Page(key) => Some(key),
            _ => None,
        }
    }
}

impl Reply {
    pub(crate) fn failure(&self) -> Option<&StoreError> {
        match self {
            Reply::Announced(_) => None,
            Reply::Page(answer) => answer.as_ref().err(),
            Reply::Marker(answer) => answer.as_ref().err(),
            Reply::Done(answer) => answer.as_ref().err(),
        }
    }
}

impl Client {
    /// `received` counts what arrives at all clients of the server.
    pub(crate) fn new(
        address: &str,
        marks: &Arc<Marks>,
        layout: Layout,
        max_value: usize,
        received: &Received,
    ) -> Client {
        Client {
            address: address.to_owned(),
            marks: Arc::clone(marks),
            layout,
            max_value,
            idle: Mutex::default(),
            received: received.clone(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Wire>> {
        lock(&self.idle)
    }

    fn quiet(&self) -> Option<Wire> {
        let mut idle = self.idle();
        while let Some(wire) = idle.pop() {
            if wire.is_quiet() {
                return Some(wire);
            }
        }
        None
    }

    /// Sends commands with one write and reads their answers.
    async fn exchange(&self, commands: &[Command]) -> Vec<Result<Answer, StoreError>> {
        let mut answers = Vec::with_capacity(commands.len());
        let answered = |_, said| {
            if let Said::Answer(answer) = said {
                answers.push(answer);
            }
            ControlFlow::Continue(())
        };
        self.exchange_each(commands, answered).await;
        answers
    }

    /// Sends commands with one write, and gives out each answer as it comes; before
    /// that, the length of the value that comes with it. A connection that fails, or
    /// that is dropped half way, as when `said` breaks off, is not used again.
    async fn exchange_each(
        &self,
        commands: &[Command],
        mut said: impl FnMut(usize, Said) -> ControlFlow<()>,
    ) {
        let (first, rest) = commands.split_at(commands.len().min(MAX_COMMANDS));
        let mut wire = match self.sent(first).await {
            Ok(wire) => wire,
            Err(error) => {
                let mut failed = |at| said(at, Said::Answer(Err(error.clone())));
                let _ = (0..commands.len()).try_for_each(&mut failed);
                return;
            }
        };
        let mut broken = None;
        for (at, command) in commands.iter().enumerate() {
            if at > 0 && at % MAX_COMMANDS == 0 && broken.is_none() {
                let more = &rest[at - MAX_COMMANDS..];
                let sent = wire.send(&more[..more.len().min(MAX_COMMANDS)]).await;
                broken = sent.err().map(|error| self.failed(error));
            }
            let answer = match &broken {
                Some(broken) => Err(StoreError::clone(broken)),
                None => {
                    let announced = |length| said(at, Said::Length(length));
                    match self.receive(&mut wire, command, announced).await {
                        ControlFlow::Continue(answer) => answer,
                        ControlFlow::Break(()) => return,
                    }
                }
            };
            if let Err(error) = &answer
                && !error.is_an_answer()
            {
                broken = Some(error.clone());
            }
            if said(at, Said::Answer(answer)).is_break() {
                return;
            }
        }
        if broken.is_none() {
            self.idle().push(wire);
        }
    }

    async fn receive(
        &self,
        wire: &mut Wire,
        command: &Command,
        announced: impl FnOnce(usize) -> ControlFlow<()>,
    ) -> ControlFlow<(), Result<Answer, StoreError>> {
        let failure = |error: ClientError| StoreError::of_client(&self.address, error);
        let head = match wire.head(command).await {
            Ok(head) => head,
            Err(error) => return ControlFlow::Continue(Err(failure(error))),
        };
        if let Some(length) = head.length {
            announced(length)?;
        }
        ControlFlow::Continue(wire.rest(head).await.map_err(failure))
    }

    /// A connection on which `commands` are on their way.
    async fn sent(&self, commands: &[Command]) -> Result<Wire, StoreError> {
        let error = |error| self.failed(error);
        let dial = || Wire::dial(&self.address, self.max_value, &self.received);
        let mut wire = match self.quiet() {
            Some(wire) => wire,
            None => dial().await.map_err(error)?,
        };
        wire.send(commands).await.map_err(error)?;
        Ok(wire)
    }

    fn failed(&self, error: std::io::Error) -> StoreError {
        StoreError::of_client(&self.address, error.into())
    }

    /// The same for commands that go together.
    async fn exchange_groups<const N: usize>(
        &self,
        groups: impl Iterator<Item = [Command; N]>,
    ) -> impl Iterator<Item = [Result<Answer, StoreError>; N]> {
        let commands: Vec<_> = groups.flatten().collect();
        let mut answers = self.exchange(&commands).await.into_iter();
        std::iter::from_fn(move || {
            let group: Vec<_> = answers.by_ref().take(N).collect();
            group.try_into().ok()
        })
    }

    fn unexpected(&self) -> StoreError {
        StoreError::of_client(&self.address, nonsense("an answer of an unexpected kind"))
    }

    /// Asks all `questions` at once; `reply` gets what is said to each, by its
    /// place, as soon as it is there, and may break off.
    pub(crate) async fn ask(
        &self,
        questions: &[Question],
        mut reply: impl FnMut(usize, Reply) -> ControlFlow<()>,
    ) {
        let command = |question: &Question| match question {
            Question::Page(key) => Command::new("mg", &key.hex(), " f t v"),
            Question::Copy(key) => Command::new("mg", names::copy(key).as_bytes(), " f t v"),
            Question::Marker(key) => look_at_marker(names::delete(key).as_bytes()),
            Question::Purged(tag) => look_at_marker(&purge_key(tag)),
            Question::Lock(key) => {
                let nothing = [Bytes::new(), Bytes::new()];
                Command::set(
                    names::lock(key).as_bytes(),
                    nothing,
                    format_args!(" ME T{LOCK_LIFE}"),
                )
            }
            Question::KeepLock(key) => {
                let life = format_args!(" T{LOCK_LIFE}");
                Command::new("mg", names::lock(key).as_bytes(), life)
            }
            Question::Unlock(key) => unlock(key),
        };
        let commands: Vec<_> = questions.iter().map(command).collect();
        let said = |at: usize, said| {
            let said = match (said, questions[at]) {
                (Said::Length(length), Question::Page(_)) => Reply::Announced(length),
                // A marker is no page, and says nothing of its page's size.
                (Said::Length(_), _) => return ControlFlow::Continue(()),
                (Said::Answer(answer), Question::Page(_) | Question::Copy(_)) => {
                    Reply::Page(answer.and_then(|answer| self.found(answer)))
                }
                (Said::Answer(answer), Question::Marker(_) | Question::Purged(_)) => {
                    Reply::Marker(answer.and_then(|answer| self.marker(answer)))
                }
                (
                    Said::Answer(answer),
                    Question::Lock(_) | Question::KeepLock(_) | Question::Unlock(_),
                ) => Reply::Done(answer.and_then(|answer| self.done(&answer))),
            };
            reply(at, said)
        };
        self.exchange_each(&commands, said).await;
    }

    /// A page and how long it lives, if that has an end, without being noticed as a
    /// reader of it.
    pub(crate) async fn peek(
        &self,
        key: &PageKey,
    ) -> Result<Option<(Entry, Option<Duration>)>, StoreError> {
        let mut answers = self
            .exchange(&[Command::new("mg", &key.hex(), " f t v u")])
            .await;
        let answer = answers.pop().unwrap_or_else(|| Err(self.unexpected()))?;
        let left = answer.number(b't').map(Duration::from_secs);
        Ok(self.found(answer)?.map(|found| (found.entry, left)))
    }

    fn found(&self, answer: Answer) -> Result<Option<Found>, StoreError> {
        match answer.code() {
            ReturnCode::En => Ok(None),
            ReturnCode::Va => {
                let (flags, stale) = flags::split(answer.number(b'f').unwrap_or_default());
                // An item that never ends says -1, and is as new as it will ever be.
                let left = answer.number(b't').unwrap_or(u32::MAX);
                let freshness = match stale.checked_sub(left) {
                    Some(past) if stale > 0 => Freshness::Stale(past.into()),
                    _ => Freshness::Fresh,
                };
                let read = |bytes| Entry::read(bytes, flags, self.layout);
                let entry = answer.value.and_then(read);
                Ok(entry.map(|entry| Found { entry, freshness }))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether something was done that can be done once.
    fn done(&self, answer: &Answer) -> Result<bool, StoreError> {
        match answer.code() {
            ReturnCode::Hd => Ok(true),
            ReturnCode::Ns | ReturnCode::Nf | ReturnCode::En => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads items for nothing but that they stay; whether each is there.
    pub(crate) async fn touch(&self, pieces: &[Piece]) -> Vec<Result<bool, StoreError>> {
        let read = |piece: &Piece| Command::new("mg", &piece.name(), " s");
        let commands: Vec<_> = pieces.iter().map(read).collect();
        let answers = self.exchange(&commands).await.into_iter();
        answers
            .map(|answer| Ok(answer?.code() != ReturnCode::En))
            .collect()
    }

    /// Lists pages in the indexes of their tags, and looks at the deletes that concern
    /// them; before that, where it `announces` them, counts each as about to be stored.
    ///
    /// Of the pieces to which it adds a page, it claims those for whose page and tag there
    /// is a word in `claims`; only such as [can be](Piece::claim_lives). Their ledgers are
    /// told with the page: they would say of a piece that has not taken it that it is lost.
    ///
    /// A page is stored only if nothing has deleted it by then. A purge sets its marker
    /// before it reads an index, and then waits for the pages in it that are about to be
    /// stored. So either the purge finds the page, or is seen here.
    pub(crate) async fn list(
        &self,
        pages: impl Iterator<Item = &Outgoing> + Clone,
        announces: bool,
        claims: &HashMap<(PageKey, TagKey), u64>,
    ) -> Vec<Result<Listed, StoreError>> {
        let now = unix_now();
        let usual = pages.clone().map(|page| page.listing_count(announces));
        let mut commands = Vec::with_capacity(usual.sum());
        for page in pages.clone() {
            page.listing(&mut commands, now, announces, claims);
        }
        let mut answers = self.exchange(&commands).await.into_iter();
        pages
            .map(|page| {
                let mut own = answers.by_ref().take(page.listing_count(announces));
                let listed = self.listed(page, announces, claims, now, &mut own);
                // What it does not look at after a failure.
                own.for_each(drop);
                listed
            })
            .collect()
    }

    fn listed(
        &self,
        page: &Outgoing,
        announces: bool,
        claims: &HashMap<(PageKey, TagKey), u64>,
        now: u64,
        mut answers: impl Iterator<Item = Result<Answer, StoreError>>,
    ) -> Result<Listed, StoreError> {
        let mut next = || answers.next().unwrap_or_else(|| Err(self.unexpected()));
        if announces && next()?.code() != ReturnCode::Hd {
            return Err(self.unexpected());
        }
        let mut listed = Listed {
            is_listed: true,
            ..Listed::default()
        };
        listed.markers.page = self.seen(next(), &mut listed.is_listed)?;
        for tag in page.tags.iter() {
            let piece = page.piece(*tag);
            let is_in = listed.note(piece, refusal(next())?, refusal(next())?);
            if let Some(entry) = page.claim(piece, claims, now).filter(|_| is_in) {
                listed.claims.push(Claim { piece, entry });
            }
            let marker = self.seen(next(), &mut listed.is_listed)?;
            listed.markers.tags.push(marker);
        }
        Ok(listed)
    }

    /// Enters pieces in their ledgers that were claimed, stores pages that were announced,
    /// and looks once more at the deletes that concern each, for a process that was stopped
    /// meanwhile; then takes the announcement back.
    pub(crate) async fn put<'a>(
        &self,
        pages: impl Iterator<Item = (&'a Outgoing, &'a [Claim])> + Clone,
    ) -> Vec<Result<Listed, StoreError>> {
        let now = unix_now();
        let counts = pages
            .clone()
            .map(|(page, claims)| page.storing_count(claims));
        let mut commands = Vec::with_capacity(counts.sum());
        for (page, claims) in pages.clone() {
            page.storing(&mut commands, claims, now);
        }
        let mut answers = self.exchange(&commands).await.into_iter();
        pages
            .map(|(page, claims)| {
                let mut own = answers.by_ref().take(page.storing_count(claims));
                let taken = self.taken(page, claims, &mut own);
                own.for_each(drop);
                taken
            })
            .collect()
    }

    fn taken(
        &self,
        page: &Outgoing,
        claims: &[Claim],
        mut answers: impl Iterator<Item = Result<Answer, StoreError>>,
    ) -> Result<Listed, StoreError> {
        let mut next = || answers.next().unwrap_or_else(|| Err(self.unexpected()));
        let mut listed = Listed {
            is_listed: true,
            ..Listed::default()
        };
        for claim in claims {
            let ledger = claim.piece.own_ledger();
            if listed.note(ledger, refusal(next())?, refusal(next())?) {
                listed.claims.push(claim.clone());
            }
        }
        if page.stored.is_some() && next()?.code() != ReturnCode::Hd {
            return Err(self.unexpected());
        }
        if page.copied().is_some() {
            // A server without room for it has no older one either.
            refusal(next())?;
        }
        if page.stored.is_some() && page.note.is_some() {
            refusal(next())?;
        }
        // What is not said now was said when the page was announced.
        listed.markers.page = self.seen(next(), &mut true)?;
        for _ in page.tags.iter() {
            listed.markers.tags.push(self.seen(next(), &mut true)?);
        }
        refusal(next())?;
        Ok(listed)
    }

    /// Takes announcements back of pages that are not to be stored.
    pub(crate) async fn withdraw(&self, keys: &[PageKey]) -> Vec<Result<(), StoreError>> {
        self.tell(keys.iter().map(arrived)).await
    }

    /// Sends commands whose answers say nothing more.
    async fn tell(&self, commands: impl Iterator<Item = Command>) -> Vec<Result<(), StoreError>> {
        let commands: Vec<_> = commands.collect();
        let answers = self.exchange(&commands).await.into_iter();
        answers.map(|answer| answer.map(drop)).collect()
    }

    /// A marker; a server that refuses to say is not sure.
    fn seen(
        &self,
        answer: Result<Answer, StoreError>,
        is_sure: &mut bool,
    ) -> Result<Option<Marker>, StoreError> {
        match refusal(answer)? {
            Some(answer) => self.marker(answer),
            None => {
                *is_sure = false;
                Ok(None)
            }
        }
    }

    fn marker(&self, answer: Answer) -> Result<Option<Marker>, StoreError> {
        match answer.code() {
            ReturnCode::En => Ok(None),
            ReturnCode::Va => {
                // One that does not say how old it is is taken as new.
                let left = answer.number(b't').unwrap_or(MARKER_LIFE);
                let number = answer.number(b'c');
                let value = answer.value.unwrap_or_default();
                Ok(Some(Marker {
                    age: MARKER_LIFE.saturating_sub(left),
                    number: number.map(|number| identity(number, &value)),
                    is_own: self.marks.is_ended(&value),
                }))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Removes pages of renders that turned out to be too old.
    pub(crate) async fn remove(&self, keys: &[PageKey]) -> Vec<Result<(), StoreError>> {
        let deletes = self.exchange_groups(keys.iter().map(deletes)).await;
        let answers = deletes.map(|answers| self.both_deleted(answers).map(drop));
        answers.collect()
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Marks each page as deleted, then deletes it, also where there is no room for the mark.
    pub(crate) async fn delete(
        &self,
        keys: &[PageKey],
        mark: Mark,
    ) -> Vec<Result<Deleted, StoreError>> {
        let groups = keys.iter().map(|key| {
            let [copy, page] = deletes(key);
            let marking = self.marking(key, mark);
            [marking, is_arriving(key), unlock(key), copy, page]
        });
        let deleted = |[mark, arriving, unlock, copy, page]: [Result<Answer, StoreError>; 5]| {
            let refusal = self.marked(mark)?;
            self.deleted(unlock)?;
            let deleted = self.both_gone(arriving, [copy, page])?;
            Ok(Deleted { refusal, ..deleted })
        };
        self.exchange_groups(groups).await.map(deleted).collect()
    }

    /// Of a marker: why the server did not take it, if it has no room.
    fn marked(&self, mark: Result<Answer, StoreError>) -> Result<Option<StoreError>, StoreError> {
        match mark {
            Err(refusal) if refusal.is_an_answer() => Ok(Some(refusal)),
            Err(failure) => Err(failure),
            Ok(mark) if mark.code() != ReturnCode::Hd => Err(self.unexpected()),
            Ok(_) => Ok(None),
        }
    }

    /// Deletes pages once more that were arriving when they were deleted.
    pub(crate) async fn delete_again(&self, keys: &[PageKey]) -> Vec<Result<Deleted, StoreError>> {
        let groups = keys.iter().map(|key| {
            let [copy, page] = deletes(key);
            [is_arriving(key), copy, page]
        });
        let deleted = |[arriving, copy, page]: [Result<Answer, StoreError>; 3]| {
            self.both_gone(arriving, [copy, page])
        };
        self.exchange_groups(groups).await.map(deleted).collect()
    }

    /// Which of the pages others are about to store.
    pub(crate) async fn arriving(&self, keys: &[PageKey]) -> Vec<Result<bool, StoreError>> {
        let commands: Vec<_> = keys.iter().map(is_arriving).collect();
        let answers = self.exchange(&commands).await.into_iter();
        let is_some = |arriving: Option<Arriving>| arriving.is_some();
        answers
            .map(|answer| self.arrives(answer).map(is_some))
            .collect()
    }

    fn arrives(&self, answer: Result<Answer, StoreError>) -> Result<Option<Arriving>, StoreError> {
        let answer = answer?;
        match answer.code() {
            ReturnCode::En => Ok(None),
            ReturnCode::Va => {
                let number = answer.number(b'c').unwrap_or_default();
                let count = answer.value.unwrap_or_default();
                let count = str::from_utf8(count.trim_ascii()).ok();
                // One that is not a number is taken as one that is not none.
                let count = count
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(u64::MAX);
                Ok((count > 0).then_some(Arriving { count, number }))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Takes back the announcements of who is gone, unless anything was counted since. Who
    /// announces a page later makes the count live on, and everybody would wait for these.
    pub(crate) async fn take_back(
        &self,
        gone: &[(PageKey, Arriving)],
    ) -> Vec<Result<(), StoreError>> {
        let command = |(key, gone): &(PageKey, Arriving)| {
            let Arriving { count, number } = gone;
            let less = format_args!(" MD D{count} C{number}");
            Command::new("ma", names::arrival(key).as_bytes(), less)
        };
        self.tell(gone.iter().map(command)).await
    }

    /// Of a page whose announcement was looked at before its delete.
    fn both_gone(
        &self,
        arriving: Result<Answer, StoreError>,
        both: [Result<Answer, StoreError>; 2],
    ) -> Result<Deleted, StoreError> {
        Ok(Deleted {
            arriving: self.arrives(arriving)?,
            was_there: self.both_deleted(both)?,
            refusal: None,
        })
    }

    /// Of a page and its copy; whether the page was there.
    fn both_deleted(
        &self,
        [copy, page]: [Result<Answer, StoreError>; 2],
    ) -> Result<bool, StoreError> {
        self.deleted(copy)?;
        self.deleted(page)
    }

    fn deleted(&self, answer: Result<Answer, StoreError>) -> Result<bool, StoreError> {
        match answer?.code() {
            ReturnCode::Hd => Ok(true),
            ReturnCode::Nf => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    /// Looks at pages without reading them.
    pub(crate) async fn looks(&self, keys: &[PageKey]) -> Vec<Result<Option<Look>, StoreError>> {
        let commands: Vec<_> = keys.iter().map(look).collect();
        let answers = self.exchange(&commands).await.into_iter();
        answers.map(|answer| self.look(answer?)).collect()
    }

    /// What is noted beside pages of how they are asked for.
    pub(crate) async fn notes(&self, keys: &[PageKey]) -> Vec<Result<Option<Bytes>, StoreError>> {
        let read =
            |key| Command::new("mg", names::note(key).as_bytes(), " v").at_most(LONGEST_NOTE);
        let commands: Vec<_> = keys.iter().map(read).collect();
        let answers = self.exchange(&commands).await.into_iter();
        answers.map(|answer| Ok(answer?.value)).collect()
    }

    /// Marks each page as deleted, and looks at what is left there all the same. Of one
    /// that another process is about to store it says nothing: that is no page to keep.
    pub(crate) async fn mark(
        &self,
        keys: &[PageKey],
        mark: Mark,
    ) -> Vec<Result<Option<Look>, StoreError>> {
        let groups = keys
            .iter()
            .map(|key| [self.marking(key, mark), is_arriving(key), look(key)]);
        let looked = |[mark, arriving, look]: [Result<Answer, StoreError>; 3]| {
            if mark?.code() != ReturnCode::Hd {
                return Err(self.unexpected());
            }
            match self.arrives(arriving)? {
                Some(_) => look.map(|_| None),
                None => self.look(look?),
            }
        };
        self.exchange_groups(groups).await.map(looked).collect()
    }

    fn look(&self, answer: Answer) -> Result<Option<Look>, StoreError> {
        match answer.code() {
            ReturnCode::En => Ok(None),
            ReturnCode::Hd => Ok(Some(Look {
                was_read: answer.number(b'h') == Some(1),
                left: answer.number(b't').map(Duration::from_secs),
                number: answer.number(b'c'),
            })),
            _ => Err(self.unexpected()),
        }
    }

    fn marking(&self, key: &PageKey, mark: Mark) -> Command {
        let value = [self.marks.value(mark).into(), Bytes::new()];
        Command::set(
            names::delete(key).as_bytes(),
            value,
            format_args!(" T{MARKER_LIFE}"),
        )
    }

    /// Asks for a page that is not there, to see whether the server answers.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        let probe = [Command::new("mg", b"djanginxed:probe", "")];
        let mut answers = self.exchange(&probe).await.into_iter();
        answers.try_for_each(|answer| answer.map(drop))
    }
}

impl Listed {
    /// How a piece was opened and added to; whether it has taken it.
    fn note(&mut self, piece: Piece, opened: Option<Answer>, appended: Option<Answer>) -> bool {
        let bytes = opened.and_then(|answer| answer.number(b's')).unwrap_or(0);
        let is_in = bytes < tags::MAX_PIECE
            && appended.is_some_and(|answer| answer.code() == ReturnCode::Hd);
        self.is_listed &= is_in;
        if bytes > tags::LARGE {
            self.large.push((piece, bytes));
        }
        is_in
    }
}

/// Adds to a piece. Nothing can be appended to what is not there: it is made, or kept
/// alive.
fn add(piece: Piece, entries: [Bytes; 2], now: u64) -> [Command; 2] {
    let name = piece.name();
    let expiry = piece.lives().map_or(0, |lives| wire_expiry(lives, now));
    [
        Command::new("mg", &name, format_args!(" s N{expiry} T{expiry}")),
        Command::append(&name, entries),
    ]
}

impl Outgoing {
    fn listing(
        &self,
        commands: &mut Vec<Command>,
        now: u64,
        announces: bool,
        claims: &HashMap<(PageKey, TagKey), u64>,
    ) {
        if announces {
            commands.push(arrives(&self.key));
        }
        commands.push(look_at_marker(names::delete(&self.key).as_bytes()));
        let entry = Bytes::copy_from_slice(&index::entry(&self.key, self.longest(), now));
        for tag in self.tags.iter() {
            let piece = self.piece(*tag);
            let claim = self.claim(piece, claims, now).unwrap_or_default();
            commands.extend(add(piece, [entry.clone(), claim], now));
            commands.push(look_at_marker(&purge_key(tag)));
        }
    }

    /// What a piece is claimed with, if it is to be with this page.
    fn claim(
        &self,
        piece: Piece,
        claims: &HashMap<(PageKey, TagKey), u64>,
        now: u64,
    ) -> Option<Bytes> {
        let word = claims.get(&(self.key, piece.tag()))?;
        let (_, lives) = piece.claim_lives()?;
        let claim = index::entry(&piece.claim(*word), lives, now);
        Some(Bytes::copy_from_slice(&claim))
    }

    /// That of the tag's index which lists it.
    pub(crate) fn piece(&self, tag: TagKey) -> Piece {
        Piece::of(tag, &self.key, self.longest())
    }

    /// How many commands that are.
    fn listing_count(&self, announces: bool) -> usize {
        usize::from(announces) + 1 + self.tags.len() * 3
    }

    fn storing(&self, commands: &mut Vec<Command>, claims: &[Claim], now: u64) {
        for Claim { piece, entry } in claims {
            let claim = [entry.clone(), Bytes::new()];
            commands.extend(add(piece.own_ledger(), claim, now));
        }
        if let Some(stored) = &self.stored {
            let flags = flags::with_stale(stored.flags, self.stale);
            let expiry = wire_expiry(self.life, now);
            let value = |head: &Bytes| [head.clone(), stored.body.clone()];
            commands.push(Command::set(
                &self.key.hex(),
                value(&stored.head),
                format_args!(" F{flags} T{expiry}"),
            ));
            if let Some(life) = self.copied() {
                commands.push(Command::set(
                    names::copy(&self.key).as_bytes(),
                    value(&stored.head_of_copy),
                    format_args!(" F{} T{}", stored.flags, wire_expiry(life, now)),
                ));
            }
            if let Some(note) = &self.note {
                commands.push(Command::set(
                    names::note(&self.key).as_bytes(),
                    [note.clone(), Bytes::new()],
                    format_args!(" T{expiry}"),
                ));
            }
        }
        commands.push(look_at_marker(names::delete(&self.key).as_bytes()));
        let marker = |tag| look_at_marker(&purge_key(tag));
        commands.extend(self.tags.iter().map(marker));
        commands.push(arrived(&self.key));
    }

    /// How many commands that are.
    fn storing_count(&self, claims: &[Claim]) -> usize {
        let sets = match &self.stored {
            Some(_) => 1 + usize::from(self.copy.is_some()) + usize::from(self.note.is_some()),
            None => 0,
        };
        2 * claims.len() + sets + 1 + self.tags.len() + 1
    }

    /// How long the copy lives that is sent with the page.
    fn copied(&self) -> Option<u64> {
        self.copy.filter(|_| self.stored.is_some())
    }

    /// How long anything of the page is there.
    fn longest(&self) -> u64 {
        self.life.max(self.copy.unwrap_or_default())
    }
}

/// An answer; `None` for one that refuses.
fn refusal(answer: Result<Answer, StoreError>) -> Result<Option<Answer>, StoreError> {
    match answer {
        Err(error) if error.is_an_answer() => Ok(None),
        answer => answer.map(Some),
    }
}

/// Nobody is to wait for a render from before a delete.
fn unlock(key: &PageKey) -> Command {
    Command::new("md", names::lock(key).as_bytes(), "")
}

/// Counts one more who is about to store a page.
fn arrives(key: &PageKey) -> Command {
    let count = format_args!(" N{ARRIVAL_LIFE} J1 T{ARRIVAL_LIFE}");
    Command::new("ma", names::arrival(key).as_bytes(), count)
}

/// Counts one less: the page is stored, or will not be.
fn arrived(key: &PageKey) -> Command {
    Command::new("ma", names::arrival(key).as_bytes(), " MD")
}

fn is_arriving(key: &PageKey) -> Command {
    Command::new("mg", names::arrival(key).as_bytes(), " v c").at_most(LONGEST_MARK)
}

/// What tells a marker from all others: neither the server's number nor what stands in it
/// does so alone.
fn identity(number: u64, value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (number, value).hash(&mut hasher);
    hasher.finish()
}

/// The copy first: a page without one is no harm.
fn deletes(key: &PageKey) -> [Command; 2] {
    let delete = |key: &[u8]| Command::new("md", key, "");
    [delete(names::copy(key).as_bytes()), delete(&key.hex())]
}

/// Is it there, and was it read? The question does not count as a read.
fn look(key: &PageKey) -> Command {
    Command::new("mg", &key.hex(), " h t c u")
}

/// Where a tag's purge is noted.
fn purge_key(tag: &TagKey) -> Vec<u8> {
    [&b"tagdel:"[..], &tag.hex()].concat()
}

/// Asks whose a delete's marker is, and how long it has still to live.
fn look_at_marker(marker: &[u8]) -> Command {
    Command::new("mg", marker, " t c v").at_most(LONGEST_MARK)
}

fn unix_now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// An expiry as Memcached takes it: relative, or a date where it is long.
fn wire_expiry(life: u64, now: u64) -> u32 {
    let wire = if life <= LONGEST_RELATIVE {
        life
    } else {
        now.saturating_add(life).min(LATEST_DATE)
    };
    u32::try_from(wire).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
