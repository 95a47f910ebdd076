//! The caches that one writes without djanginxed: a few lines in the handler.

use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, rt};
use clap::ValueEnum;
use djanginxed::PageKey;
use memcache::exp::{AsyncMetaClient, Get, Set};
use moka::sync::Cache;
use tokio::sync::OnceCell;

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
}

impl Memcached {
    async fn client(&self) -> Option<&AsyncMetaClient> {
        let connect = || AsyncMetaClient::connect(self.address.clone());
        self.client.get_or_try_init(connect).await.ok()
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
