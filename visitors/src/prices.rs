//! What each product costs at the least: prices only rise here, so that of two it is known
//! which is the older one.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::seen::Row;

/// What each product costs at first.
pub const FIRST: u32 = 1000;

/// Of the products with the numbers from 1.
#[derive(Debug)]
pub struct Prices {
    /// The last that was tried. Who changes a product holds its own.
    tried: Vec<Mutex<u32>>,
    /// No answer may show a lower one.
    least: Vec<AtomicU32>,
}

impl Prices {
    /// Of so many products.
    #[must_use]
    pub fn of(products: usize) -> Prices {
        Prices {
            tried: (0..products).map(|_| Mutex::new(FIRST)).collect(),
            least: (0..products).map(|_| AtomicU32::new(FIRST)).collect(),
        }
    }

    /// Changes a product's price to a higher one, by `change`.
    pub fn change<T>(&self, id: usize, change: impl FnOnce(u32) -> T) -> T {
        let mut tried = self.tried[id - 1].lock();
        // So that those of members rise, too.
        *tried += 10;
        change(*tried)
    }

    /// From now on no answer may show a lower one.
    pub fn raise(&self, id: usize, cents: u32) {
        self.least[id - 1].fetch_max(cents, Ordering::SeqCst);
    }

    /// The least that may be shown now, of each product.
    #[must_use]
    pub fn least(&self) -> Least {
        Least(
            self.least
                .iter()
                .map(|one| one.load(Ordering::SeqCst))
                .collect(),
        )
    }
}

/// The least that might be shown at one time, of each product.
#[derive(Clone, Debug)]
pub struct Least(Vec<u32>);

impl Least {
    fn of(&self, row: &Row) -> u32 {
        let place = usize::try_from(row.id - 1).unwrap_or(usize::MAX);
        self.0.get(place).copied().unwrap_or_default()
    }

    /// The first that is older than it may be.
    #[must_use]
    pub fn older<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        rows.iter().find(|row| row.cents < self.of(row))
    }
}
