//! The caches that one writes without djanginxed: a few lines in the handler.

use std::thread;
use std::time::Duration;

use actix_web::rt::{self, System};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use clap::ValueEnum;
use djanginxed::PageKey;
use memcache::exp::{AsyncMetaClient, Get, Set};
use moka::sync::Cache;
use tokio::sync::{OnceCell, mpsc};

use crate::handlers::{answer, name};
use crate::site::Site;

const LIFE: Duration = Duration::from_secs(900);

/// How the handler stores what it has rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// The visitor waits for the store.
    Awaited,
    /// A task stores; the visitor does not wait, and nothing bounds the tasks.
    Spawned,
    /// One thread stores page after page; what it has no time for is dropped.
    Channel,
}

/// Connections kept, as many as there are requests at a time: with the client's
/// usual 8 it would dial for every other one.
const MAX_IDLE: usize = 64;

/// Pages that may wait for the thread that stores them.
const MAX_WAITING: usize = 1024;

async fn connect(address: &str) -> memcache::exp::Result<AsyncMetaClient> {
    let builder = AsyncMetaClient::builder().max_idle(MAX_IDLE);
    builder.connect_async(address.to_owned()).await
}

/// Starts a thread that stores pages in Memcached at `address`.
#[must_use]
pub fn channel(address: String) -> mpsc::Sender<Set> {
    let (sender, mut pages) = mpsc::channel(MAX_WAITING);
    thread::spawn(move || {
        System::new().block_on(async move {
            let Ok(client) = connect(&address).await else {
                return;
            };
            while let Some(page) = pages.recv().await {
                // A page that is not stored is rendered again.
                drop(client.run(page).await);
            }
        });
    });
    sender
}

/// A worker's own client, and what is done with it.
pub struct Memcached {
    /// `host:port`.
    pub address: String,
    /// Whether a page is looked up before it is rendered.
    pub lookup: bool,
    /// How a page is stored.
    pub store: Store,
    /// Dialled at the first request, on the worker that uses it.
    pub client: OnceCell<AsyncMetaClient>,
    /// To [the thread](channel) of [`Store::Channel`].
    pub sender: Option<mpsc::Sender<Set>>,
}

impl Memcached {
    async fn client(&self) -> Option<&AsyncMetaClient> {
        let client = self.client.get_or_try_init(|| connect(&self.address));
        client.await.ok()
    }
}

pub(crate) async fn memcache(
    site: Data<Site>,
    memcached: Data<Memcached>,
    request: HttpRequest,
) -> HttpResponse {
    let Some(client) = memcached.client().await else {
        return answer(site.render(name(&request)).await.map(Bytes::from));
    };
    let key = PageKey::new("hand", target(&request)).to_string();
    if memcached.lookup
        && let Ok(found) = client.run(Get::new(&key)).await
        && let Some(page) = found.value
    {
        return answer(Some(page.into()));
    }
    let page = site.render(name(&request)).await.map(Bytes::from);
    if let Some(page) = &page {
        let set = Set::new(key, page).ttl(LIFE);
        match memcached.store {
            // A page that is not stored is rendered again.
            Store::Awaited => drop(client.run(set).await),
            Store::Spawned => {
                let client = client.clone();
                rt::spawn(async move { drop(client.run(set).await) });
            }
            Store::Channel => {
                if let Some(sender) = &memcached.sender {
                    drop(sender.try_send(set));
                }
            }
        }
    }
    answer(page)
}

/// Pages in memory, by target.
pub type Memory = Cache<String, Bytes>;

/// A cache of at most `max_bytes` of pages.
pub fn memory(max_bytes: u64) -> Memory {
    let weight = |_: &String, page: &Bytes| u32::try_from(page.len()).unwrap_or(u32::MAX);
    Cache::builder()
        .max_capacity(max_bytes)
        .weigher(weight)
        .time_to_live(LIFE)
        .build()
}

pub(crate) async fn moka(
    site: Data<Site>,
    memory: Data<Memory>,
    request: HttpRequest,
) -> HttpResponse {
    let target = target(&request);
    if let Some(page) = memory.get(target) {
        return answer(Some(page));
    }
    let page = site.render(name(&request)).await.map(Bytes::from);
    if let Some(page) = &page {
        memory.insert(target.to_owned(), page.clone());
    }
    answer(page)
}

fn target(request: &HttpRequest) -> &str {
    let target = request.uri().path_and_query();
    target.map_or("", |target| target.as_str())
}
