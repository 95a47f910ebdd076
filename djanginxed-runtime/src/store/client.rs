//! The one place that knows the memcache crate's client.

use std::time::Duration;

use memcache::exp::{
    AsyncMetaClient, Delete, Error as ClientError, Get, GetResult, Meta, Op, OpResult, Set,
};

use super::error::StoreError;
use crate::entry::Entry;
use crate::key::PageKey;

/// Memcached reads a longer expiry as a date.
const LONGEST_RELATIVE: u64 = 60 * 60 * 24 * 30;

/// A later date makes an item expire at once.
const LATEST_DATE: u64 = (1 << 31) - 1;

/// How long a delete is remembered, in seconds.
pub(crate) const MARKER_LIFE: u32 = 600;

/// One server's client. Its connections belong to the runtime that made it.
#[derive(Clone)]
pub(crate) struct Client {
    client: AsyncMetaClient,
    address: String,
}

/// A page on its way to a server.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) key: PageKey,
    pub(crate) entry: Entry,
    /// Whole seconds, at least one.
    pub(crate) life: u64,
}

/// What became of an [`Outgoing`] page.
pub(crate) struct Stored {
    /// How long ago the page was deleted, if it was; in seconds.
    pub(crate) deleted_ago: Option<u32>,
}

impl Client {
    /// Resolves `address` and keeps `connections` to it at the most; dials on
    /// first use.
    pub(crate) async fn connect(
        address: &str,
        timeout: Duration,
        connections: usize,
    ) -> Result<Client, StoreError> {
        let client = AsyncMetaClient::builder()
            .connect_timeout(Some(timeout))
            .io_timeout(Some(timeout))
            .max_connections(Some(connections))
            .max_idle(connections)
            .connect_async(address)
            .await
            .map_err(|error| StoreError::of_client(address, &error))?;
        Ok(Client {
            client,
            address: address.to_owned(),
        })
    }

    fn error(&self, error: &ClientError) -> StoreError {
        StoreError::of_client(&self.address, error)
    }

    fn nonsense(&self, problem: &str) -> StoreError {
        StoreError::Nonsense {
            server: self.address.clone(),
            problem: problem.to_owned(),
        }
    }

    /// Asks for all `keys` with one write. The answers are checked against the
    /// questions, so none can be another page's.
    pub(crate) async fn get(&self, keys: &[PageKey]) -> Vec<Result<Option<Entry>, StoreError>> {
        let gets = keys.iter().map(|key| Get::new(key.hex()));
        match self.client.run_many(gets).await {
            Err(error) => keys.iter().map(|_| Err(self.error(&error))).collect(),
            Ok(answers) => answers
                .into_iter()
                .map(|answer| {
                    let found = answer.map_err(|error| self.error(&error))?;
                    let flags = found.client_flags.unwrap_or_default();
                    Ok(found
                        .value
                        .and_then(|bytes| Entry::read(bytes.into(), flags)))
                })
                .collect(),
        }
    }

    /// Stores pages, each followed by a look at its delete marker, with one
    /// write. The answers end where the server refused one, since nothing
    /// after it can be told apart: the caller sends the rest again.
    pub(crate) async fn put(&self, pages: &[Outgoing]) -> Vec<Result<Stored, StoreError>> {
        let operations = pages.iter().flat_map(|page| {
            let set = Set::new(page.key.hex(), page.entry.bytes())
                .client_flags(page.entry.flags())
                .ttl_raw(wire_expiry(page.life, unix_now()));
            let marker = marker_age(&page.key);
            [Op::from(set), Op::from(marker)]
        });
        let answers = match self.client.run_batch(operations).await {
            Ok(answers) => answers,
            Err(error) => return vec![Err(self.error(&error))],
        };
        let mut stored = Vec::with_capacity(pages.len());
        for pair in answers.chunks(2) {
            let one = self.stored(pair);
            let refused = one.is_err();
            stored.push(one);
            if refused {
                break;
            }
        }
        stored
    }

    fn stored(&self, pair: &[Result<OpResult, ClientError>]) -> Result<Stored, StoreError> {
        let [set, marker] = pair else {
            return Err(self.nonsense("an answer is missing"));
        };
        let set = set.as_ref().map_err(|error| self.error(error))?;
        if !set.as_mutation().is_some_and(|set| set.applied()) {
            return Err(self.nonsense("a page was not stored, and no reason given"));
        }
        let marker = marker.as_ref().map_err(|error| self.error(error))?;
        Ok(Stored {
            deleted_ago: marker.as_get().and_then(age_of),
        })
    }

    /// How long ago each page was deleted, if it was; in seconds.
    pub(crate) async fn deleted_ago(
        &self,
        keys: &[PageKey],
    ) -> Result<Vec<Option<u32>>, StoreError> {
        let markers = keys.iter().map(marker_age);
        let answers = self.client.run_many(markers).await;
        let answers = answers.map_err(|error| self.error(&error))?;
        answers
            .into_iter()
            .map(|answer| {
                answer
                    .map(|marker| age_of(&marker))
                    .map_err(|error| self.error(&error))
            })
            .collect()
    }

    /// Removes pages as one of a render that turned out to be too old.
    pub(crate) async fn remove(&self, keys: &[PageKey]) -> Result<(), StoreError> {
        let deletes = keys.iter().map(|key| Delete::new(key.hex()));
        let answers = self
            .client
            .run_many(deletes)
            .await
            .map_err(|error| self.error(&error))?;
        for answer in answers {
            answer.map_err(|error| self.error(&error))?;
        }
        Ok(())
    }

    /// Marks a page as deleted, then deletes it; whether it was there.
    pub(crate) async fn delete(&self, key: &PageKey) -> Result<bool, StoreError> {
        let mark = Set::new(marker(key), "1").ttl_raw(MARKER_LIFE);
        let delete = Delete::new(key.hex());
        let answers = self
            .client
            .run_batch([Op::from(mark), Op::from(delete)])
            .await
            .map_err(|error| self.error(&error))?;
        let mut applied = Vec::with_capacity(2);
        for answer in answers {
            let answer = answer.map_err(|error| self.error(&error))?;
            applied.push(
                answer
                    .as_mutation()
                    .is_some_and(|mutation| mutation.applied()),
            );
        }
        match applied[..] {
            [true, there] => Ok(there),
            _ => Err(self.nonsense("the delete marker was not stored")),
        }
    }

    /// Asks for nothing, to see whether the server answers.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        self.client.noop().await.map_err(|error| self.error(&error))
    }
}

/// Where a delete is noted: a key that no md5 can be.
fn marker(key: &PageKey) -> String {
    format!("del:{key}")
}

/// Asks how long a page's delete marker has still to live.
fn marker_age(key: &PageKey) -> Get {
    Get::new(marker(key))
        .without_value()
        .meta(Meta::default().ttl())
}

/// The age of a marker that is there. One that does not say so is taken as new.
fn age_of(marker: &GetResult) -> Option<u32> {
    let left = marker
        .hit()
        .then_some(marker.item.ttl.unwrap_or(i64::from(MARKER_LIFE)))?;
    Some(u32::try_from(i64::from(MARKER_LIFE) - left).unwrap_or_default())
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
mod tests {
    use super::*;

    #[test]
    fn up_to_thirty_days_an_expiry_is_relative() {
        assert_eq!(wire_expiry(1, 1_800_000_000), 1);
        assert_eq!(wire_expiry(2_592_000, 1_800_000_000), 2_592_000);
    }

    #[test]
    fn a_longer_expiry_is_a_date_that_memcached_can_hold() {
        assert_eq!(wire_expiry(2_592_001, 1_800_000_000), 1_802_592_001);
        assert_eq!(wire_expiry(315_360_000, 2_100_000_000), 2_147_483_647);
    }
}
