//! Step 7: a page <-> the bytes and flags that a store holds.

mod gzip;
mod head;

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;

use crate::etag;
use crate::flags;
use crate::layout::Layout;
use crate::life::Freshness;
use crate::sync::Arc;

pub(crate) use self::head::{Head, NGINX_COPY, NGINX_HIT};

/// How many times larger than `max_entry_size` a body may be that is stored
/// packed, and may become when it is unpacked.
const MAX_RATIO: usize = 8;

/// What an entry takes in memory besides its bytes: key, counters, lists, its tag.
pub(crate) const OVERHEAD: usize = 384;

/// What a store holds under a page key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Of a whole response; none where the layout is the body alone.
    head: Option<Arc<Head>>,
    body: Bytes,
    coding: Coding,
    /// It has parts, which nothing may hide from nginx.
    is_plain: bool,
    tag: Tag,
}

/// The entity tag of a body's bytes, worked out when it is first asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tag(Arc<OnceLock<Option<HeaderValue>>>);

impl Tag {
    fn of(&self, body: &[u8]) -> Option<HeaderValue> {
        self.0.get_or_init(|| etag::of(body)).clone()
    }
}

/// It follows from the bytes.
impl PartialEq for Tag {
    fn eq(&self, _: &Tag) -> bool {
        true
    }
}

impl Eq for Tag {}

/// What a store had under a page key.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) entry: Entry,
    pub(crate) freshness: Freshness,
}

/// The content coding of an entry's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// The body as rendered.
    Identity,
    /// The body in gzip.
    Gzip,
}

/// An entry as one visitor gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Of a whole response.
    pub(crate) head: Option<Arc<Head>>,
    pub(crate) body: Bytes,
    /// Whether the body is sent packed.
    pub(crate) is_gzip: bool,
    /// Whether another visitor may get it in another coding.
    pub(crate) varies: bool,
    tag: Tag,
}

impl Form {
    pub(crate) fn status(&self) -> StatusCode {
        self.head
            .as_ref()
            .map_or(StatusCode::OK, |head| head.status())
    }

    /// The entity tag: that of the stored response, else one of these bytes.
    pub(crate) fn etag(&self) -> Option<HeaderValue> {
        match &self.head {
            Some(head) => head.get(&header::ETAG).cloned(),
            None => self.tag.of(&self.body),
        }
    }
}

/// The bytes of an entry in the order in which they are stored.
pub(crate) struct Stored {
    pub(crate) head: Bytes,
    /// That of the copy that stands in for errors.
    pub(crate) head_of_copy: Bytes,
    pub(crate) body: Bytes,
    pub(crate) flags: u32,
}

impl Stored {
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

impl Entry {
    /// An entry of the body as rendered, behind the head of a whole response.
    pub(crate) fn new(head: Option<Head>, body: Bytes) -> Entry {
        Entry {
            head: head.map(Arc::new),
            body,
            coding: Coding::Identity,
            is_plain: false,
            tag: Tag::default(),
        }
    }

    /// The same of a page with parts: it is never packed, and nobody gets a piece of it.
    pub(crate) fn plain(self) -> Entry {
        Entry {
            is_plain: true,
            ..self
        }
    }

    /// What the entry takes in memory of this process.
    pub(crate) fn footprint(&self) -> usize {
        self.len() + OVERHEAD
    }

    /// About how many bytes it has in a store.
    pub(crate) fn len(&self) -> usize {
        self.body.len() + self.head.as_ref().map_or(0, |head| head.len())
    }

    /// Reads what a store held: untrusted, so `None` for anything that no
    /// writer of pages would have put there, or that is of another layout.
    pub(crate) fn read(bytes: Bytes, flags: u32, layout: Layout) -> Option<Entry> {
        let (stored_layout, is_gzip) = flags::read(flags)?;
        if stored_layout != layout {
            return None;
        }
        match layout {
            // An empty item is a placeholder or a lease, not a page.
            Layout::Body => (!bytes.is_empty())
                .then(|| Entry::coded(None, bytes, is_gzip))
                .flatten(),
            Layout::Response => {
                let (head, is_gzip, start) = Head::read(&bytes)?;
                Entry::coded(Some(Arc::new(head)), bytes.slice(start..), is_gzip)
            }
        }
    }

    fn coded(head: Option<Arc<Head>>, body: Bytes, is_gzip: bool) -> Option<Entry> {
        let coding = match is_gzip {
            true if gzip::is_gzip(&body) => Coding::Gzip,
            true => return None,
            false => Coding::Identity,
        };
        Some(Entry {
            head,
            body,
            coding,
            is_plain: false,
            tag: Tag::default(),
        })
    }

    /// What a store is given; whether nginx says of what it finds what it is.
    pub(crate) fn stored(&self, is_said: bool) -> Stored {
        let is_gzip = self.coding == Coding::Gzip;
        let Some(head) = &self.head else {
            return Stored {
                head: Bytes::new(),
                head_of_copy: Bytes::new(),
                body: self.body.clone(),
                flags: flags::of(Layout::Body, is_gzip),
            };
        };
        let written = |said| head.written(is_gzip, !self.is_plain, is_said.then_some(said));
        let of_hit = written(NGINX_HIT);
        Stored {
            head_of_copy: match head.is_error() {
                true => written(NGINX_COPY),
                // Only errors say what they are.
                false => of_hit.clone(),
            },
            head: of_hit,
            body: self.body.clone(),
            flags: flags::of(Layout::Response, is_gzip),
        }
    }

    /// The entity tag of a whole response.
    pub(crate) fn etag(&self) -> Option<&HeaderValue> {
        self.head.as_ref()?.get(&header::ETAG)
    }

    /// Of a whole response.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_deref()
    }

    pub(crate) fn is_packed(&self) -> bool {
        self.coding == Coding::Gzip
    }

    #[cfg(test)]
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    #[cfg(test)]
    pub(crate) fn coding(&self) -> Coding {
        self.coding
    }

    /// The entry in gzip, where that is smaller.
    pub(crate) fn packed(self) -> Entry {
        if self.coding == Coding::Gzip || self.is_plain {
            return self;
        }
        match gzip::pack(&self.body) {
            Some(packed) if packed.len() < self.body.len() => Entry {
                body: packed.into(),
                coding: Coding::Gzip,
                tag: Tag::default(),
                ..self
            },
            _ => self,
        }
    }

    /// The body in the form that a visitor can read; `None` where nobody can.
    pub(crate) fn form(&self, accepts_gzip: bool, max_entry_size: usize) -> Option<Form> {
        let varies = self.coding == Coding::Gzip;
        let is_gzip = varies && accepts_gzip;
        // Unpacked even for who gets the packed bytes: Memcached may hold half a page.
        let unpacked = self.unpacked(max_entry_size)?;
        Some(Form {
            head: self.head.clone(),
            body: if is_gzip { self.body.clone() } else { unpacked },
            is_gzip,
            varies,
            // What is unpacked for a visitor are other bytes.
            tag: match is_gzip == varies {
                true => self.tag.clone(),
                false => Tag::default(),
            },
        })
    }

    /// The body as rendered; `None` where the bytes are not whole gzip, or
    /// unpack to more than a body may have.
    pub(crate) fn unpacked(&self, max_entry_size: usize) -> Option<Bytes> {
        match self.coding {
            Coding::Identity => Some(self.body.clone()),
            Coding::Gzip => gzip::unpack(&self.body, max_body(max_entry_size, true)),
        }
    }
}

/// The largest body that is collected for a store whose entries are at most
/// `max_entry_size` bytes.
pub(crate) fn max_body(max_entry_size: usize, gzip: bool) -> usize {
    if gzip {
        max_entry_size.saturating_mul(MAX_RATIO)
    } else {
        max_entry_size
    }
}

#[cfg(test)]
mod tests;
