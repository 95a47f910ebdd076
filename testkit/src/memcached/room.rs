//! A server without room, which must not evict.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Memcached;

/// The lengths of the names that room is filled with: one of each size up to 192 bytes
/// that Memcached cuts its memory into.
pub const FILLERS: [usize; 6] = [32, 48, 64, 80, 96, 128];

/// More than fit, in a small server.
const MAX: usize = 1 << 17;

impl Memcached {
    /// Leaves no room for what is as small as markers, announcements and entries of indexes;
    /// of a server that was started with `-M`.
    ///
    /// # Panics
    /// When there is always room.
    #[track_caller]
    pub fn fill(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let fills = |length| {
            self.ask(|client| {
                for _ in 0..MAX {
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    let answer = client.command(&format!("ma {number:0length$} N0 J1"))?;
                    if answer.starts_with("SERVER_ERROR") {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
        };
        assert!(FILLERS.into_iter().all(fills), "it is not full");
    }

    /// Makes room again that is filled with names of these lengths.
    ///
    /// # Panics
    /// When there are none.
    #[track_caller]
    pub fn make_room(&self, lengths: &[usize]) {
        let mut fillers = self.keys();
        fillers.retain(|key| key.starts_with("00000000") && lengths.contains(&key.len()));
        assert!(!fillers.is_empty(), "there is nothing to delete");
        self.ask(|client| {
            for key in &fillers {
                client.delete(key.as_bytes())?;
            }
            Ok(())
        });
    }
}
