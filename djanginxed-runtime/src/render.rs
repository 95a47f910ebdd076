//! Step 5: run the handler; collect or tee its body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;

use crate::answer::{Status, gets_charset};
use crate::budget::Share;
use crate::cache::PageCache;
use crate::deletes::Stamp;
use crate::entry::{Entry, max_body};
use crate::key::PageKey;
use crate::observe;
use crate::page::Page;
use crate::policy::{self, Decision, Reason};
use crate::writer::{Doubt, Job};

/// A render from its start, when its life begins, to its store.
pub(crate) struct Render {
    pages: PageCache,
    page: Page,
    key: PageKey,
    target: String,
    started: Instant,
    stamp: Stamp,
}

/// A handler's response, and what others may have of it.
pub(crate) struct Rendered {
    pub(crate) response: HttpResponse,
    /// The page, where the response is one for others, and since when it may have
    /// been deleted.
    pub(crate) page: Option<(Entry, Doubt)>,
}

impl Render {
    pub(crate) fn start(pages: &PageCache, page: Page, key: PageKey, target: &str) -> Render {
        Render {
            pages: pages.clone(),
            page,
            key,
            target: target.to_owned(),
            started: Instant::now(),
            stamp: pages.deletes().stamp(&key),
        }
    }

    /// Judges the handler's response, and stores it or lets its body be stored
    /// when it ends.
    pub(crate) fn finish(self, response: HttpResponse) -> Rendered {
        observe::rendered(self.started.elapsed());
        let settings = self.pages.settings();
        let decision = policy::decide(
            response.status(),
            response.headers(),
            &self.page,
            &settings.headers,
            SystemTime::now(),
        );
        match decision {
            Decision::Skip(reason) => self.skip(response, reason),
            Decision::Store(life) => {
                let lost = policy::private_losses(response.headers(), &settings.headers);
                lost.for_each(observe::field_lost);
                self.collect(response, life)
            }
        }
    }

    fn skip(self, mut response: HttpResponse, reason: Reason) -> Rendered {
        let declared = &self.pages.settings().headers;
        let lost = (reason == Reason::Header)
            .then(|| policy::refused_loss(response.headers(), declared))
            .flatten();
        match lost {
            Some((name, value)) => observe::skip_for_field(&self.target, name, value),
            None => observe::skip(&self.target, reason.word()),
        }
        Status::NotStored(reason.word()).mark(&mut response, self.pages.settings());
        Rendered {
            response,
            page: None,
        }
    }

    fn limit(&self) -> usize {
        let settings = self.pages.settings();
        max_body(settings.max_entry_size, settings.gzip)
    }

    fn collect(self, response: HttpResponse, life: Duration) -> Rendered {
        let (response, body) = response.into_parts();
        let size = body.size();
        match body.try_into_bytes() {
            Ok(body) => self.whole(response, body, life),
            Err(body) if is_too_large(size, self.limit()) => {
                self.skip(response.set_body(body), Reason::TooLarge)
            }
            Err(body) => self.tee(response, body, life),
        }
    }

    fn whole(self, response: HttpResponse<()>, body: Bytes, life: Duration) -> Rendered {
        let refused = match body.len() {
            0 => Some(Reason::Empty),
            length if length > self.limit() => Some(Reason::TooLarge),
            _ => self.refused_by_charset(response.headers(), &body),
        };
        let mut response = response.set_body(BoxBody::new(body.clone()));
        if let Some(reason) = refused {
            return self.skip(response, reason);
        }
        let entry = Entry::copied(&body);
        let status = match self.store(entry.clone(), life) {
            Ok(()) => Status::Stored,
            Err(reason) => Status::NotStored(reason),
        };
        status.mark(&mut response, self.pages.settings());
        Rendered {
            response,
            page: Some((entry, Doubt::new(self.key, self.started, self.stamp))),
        }
    }

    /// Whether nginx would call a body utf-8 that is not, and whose type did not
    /// say so.
    fn refused_by_charset(&self, headers: &HeaderMap, body: &[u8]) -> Option<Reason> {
        let unsaid = gets_charset(self.page.media_type()) && !policy::has_charset(headers);
        (unsaid && str::from_utf8(body).is_err()).then_some(Reason::ContentType)
    }

    fn tee(self, mut response: HttpResponse<()>, body: BoxBody, life: Duration) -> Rendered {
        Status::Miss.mark(&mut response, self.pages.settings());
        let announced = match body.size() {
            BodySize::Sized(bytes) => Some(bytes),
            _ => None,
        };
        let copy = Some(Copy {
            bytes: Vec::new(),
            share: self.pages.collecting().share(),
            announced,
            headers: response.headers().clone(),
            render: self,
            life,
        });
        Rendered {
            response: response.set_body(BoxBody::new(Tee { body, copy })),
            page: None,
        }
    }

    fn store(&self, entry: Entry, life: Duration) -> Result<(), &'static str> {
        let stored = self.pages.store(Job {
            key: self.key,
            entry,
            started: self.started,
            life,
            stamp: self.stamp,
        });
        if stored.is_ok() {
            self.pages.set_together(&self.key);
        }
        stored.map_err(|reason| reason.word())
    }
}

fn is_too_large(size: BodySize, limit: usize) -> bool {
    matches!(size, BodySize::Sized(bytes) if usize::try_from(bytes).unwrap_or(usize::MAX) > limit)
}

/// A streamed body: the visitor gets each chunk as the handler makes it, and
/// the store gets a copy of them all if the stream ends well.
struct Tee {
    body: BoxBody,
    copy: Option<Copy>,
}

struct Copy {
    bytes: Vec<u8>,
    /// What `bytes` takes of the memory for all copies.
    share: Share,
    /// The length that the response's head announces, if it does.
    announced: Option<u64>,
    headers: HeaderMap,
    render: Render,
    life: Duration,
}

impl Copy {
    fn add(&mut self, chunk: &[u8]) -> Result<(), Reason> {
        let limit = self.render.limit();
        let length = self.bytes.len() + chunk.len();
        if length > limit {
            return Err(Reason::TooLarge);
        }
        if length > self.bytes.capacity() {
            let room = (self.bytes.capacity() * 2).clamp(length, limit);
            if !self.share.grow_to(room) {
                return Err(Reason::Memory);
            }
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

impl Tee {
    fn add(&mut self, chunk: &[u8]) {
        let copied = self.copy.as_mut().map(|copy| copy.add(chunk));
        if let Some(Err(reason)) = copied {
            self.give_up(reason);
        }
    }

    fn give_up(&mut self, reason: Reason) {
        if let Some(copy) = self.copy.take() {
            observe::skip(&copy.render.target, reason.word());
        }
    }

    fn end(&mut self) {
        let Some(copy) = self.copy.take() else { return };
        let length = copy.bytes.len() as u64;
        let refused = if copy.announced.is_some_and(|announced| announced != length) {
            Some(Reason::Incomplete)
        } else {
            let render = &copy.render;
            let empty = (length == 0).then_some(Reason::Empty);
            empty.or_else(|| render.refused_by_charset(&copy.headers, &copy.bytes))
        };
        match refused {
            Some(reason) => observe::skip(&copy.render.target, reason.word()),
            // A refusal has been logged and counted.
            None => {
                let entry = Entry::plain(copy.bytes.into_boxed_slice().into());
                let _ = copy.render.store(entry, copy.life);
            }
        }
    }
}

impl MessageBody for Tee {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        let chunk = std::task::ready!(Pin::new(&mut this.body).poll_next(context));
        match &chunk {
            Some(Ok(chunk)) => this.add(chunk),
            Some(Err(_)) => this.give_up(Reason::Incomplete),
            None => this.end(),
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.give_up(Reason::Incomplete);
    }
}
