//! The caches that one writes without djanginxed: a few lines in the handler.

use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use djanginxed::PageKey;
use memcache::exp::{AsyncMetaClient, Get, Set};
use moka::sync::Cache;
use tokio::sync::OnceCell;

use super::handlers::html;
use super::site::Site;

const LIFE: Duration = Duration::from_secs(900);

/// Connections kept, as many as there are requests at a time: with the client's
/// usual 8 it would dial for every other one.
const MAX_IDLE: usize = 64;

/// A worker's own client.
pub(super) struct Memcached {
    /// `host:port`.
    pub(super) address: String,
    /// Dialled at the first request, on the worker that uses it.
    pub(super) client: OnceCell<AsyncMetaClient>,
}

impl Memcached {
    async fn client(&self) -> Option<&AsyncMetaClient> {
        let connect = async || {
            let builder = AsyncMetaClient::builder().max_idle(MAX_IDLE);
            builder.connect_async(self.address.clone()).await
        };
        self.client.get_or_try_init(connect).await.ok()
    }
}

/// The visitor waits for the lookup and for the store.
pub(super) async fn memcache(
    site: Data<Site>,
    memcached: Data<Memcached>,
    request: HttpRequest,
) -> HttpResponse {
    let Some(client) = memcached.client().await else {
        return html(site.render(&request).await);
    };
    let key = PageKey::new("hand", target(&request)).to_string();
    if let Ok(found) = client.run(Get::new(&key)).await
        && let Some(page) = found.value
    {
        return html(page);
    }
    let page = Bytes::from(site.render(&request).await);
    // A page that is not stored is rendered again.
    drop(client.run(Set::new(key, &page).ttl(LIFE)).await);
    html(page)
}

/// Pages in memory, by target.
pub(super) type Memory = Cache<String, Bytes>;

/// A cache of at most `max_bytes` of pages.
pub(super) fn memory(max_bytes: u64) -> Memory {
    let weight = |_: &String, page: &Bytes| u32::try_from(page.len()).unwrap_or(u32::MAX);
    Cache::builder()
        .max_capacity(max_bytes)
        .weigher(weight)
        .time_to_live(LIFE)
        .build()
}

pub(super) async fn moka(
    site: Data<Site>,
    memory: Data<Memory>,
    request: HttpRequest,
) -> HttpResponse {
    let target = target(&request);
    if let Some(page) = memory.get(target) {
        return html(page);
    }
    let page = Bytes::from(site.render(&request).await);
    memory.insert(target.to_owned(), page.clone());
    html(page)
}

fn target(request: &HttpRequest) -> &str {
    let target = request.uri().path_and_query();
    target.map_or("", |target| target.as_str())
}
