//! The shop's products, in SQLite.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::web;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

/// How many products a page of a list has.
pub(crate) const PER_PAGE: u32 = 10;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    cents INTEGER NOT NULL
);";

/// What an empty shop begins with.
const FIRST: [(&str, &str, u32); 6] = [
    ("Teapot", "kitchen", 2900),
    ("Kettle", "kitchen", 3900),
    ("Lamp", "light", 4900),
    ("Candle", "light", 300),
    ("Notebook", "paper", 700),
    ("Pencil", "paper", 150),
];

/// What a form says of a product.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) cents: u32,
}

impl Changed {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let is_word = |text: &str| {
            let letters = text.bytes().all(|byte| byte.is_ascii_lowercase());
            letters && (1..=20).contains(&text.len())
        };
        if self.name.trim().is_empty() || self.name.len() > 100 {
            return Some("name: write 1 to 100 bytes");
        }
        // It is a part of an address, and of a tag.
        (!is_word(&self.category)).then_some("category: write 1 to 20 small letters")
    }
}

/// A product as it is stored.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) cents: u32,
}

impl Product {
    fn read(row: &Row<'_>) -> rusqlite::Result<Product> {
        Ok(Product {
            id: row.get(0)?,
            name: row.get(1)?,
            category: row.get(2)?,
            cents: row.get(3)?,
        })
    }
}

/// A page of a list, and whether there is another one.
pub(crate) struct Listed {
    pub(crate) products: Vec<Product>,
    pub(crate) has_more: bool,
}

/// The database; one connection is enough where nginx answers most of what is asked.
pub(crate) struct Store(Mutex<Connection>);

impl Store {
    /// Opens the file, which several processes may share, and fills it if it is new.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Store> {
        if let Some(folder) = path.parent() {
            // Where it cannot be made, the file cannot be opened, either, which says why.
            let _ = std::fs::create_dir_all(folder);
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // Who reads need not wait for who writes.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        let count: i64 =
            transaction.query_row("SELECT count(*) FROM products", [], |row| row.get(0))?;
        if count == 0 {
            for (name, category, cents) in FIRST {
                insert(&transaction, name, category, cents)?;
            }
        }
        transaction.commit()?;
        Ok(Store(Mutex::new(connection)))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A page of the products, of a category or of all, by their ids.
    pub(crate) fn list(&self, category: Option<&str>, page: u32) -> rusqlite::Result<Listed> {
        let mut products = self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, name, category, cents FROM products
                 WHERE ?1 IS NULL OR category = ?1 ORDER BY id LIMIT ?2 OFFSET ?3",
            )?;
            let skipped = page.saturating_sub(1).saturating_mul(PER_PAGE);
            let rows = select.query_map(params![category, PER_PAGE + 1, skipped], Product::read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let has_more = products.len() > PER_PAGE as usize;
        products.truncate(PER_PAGE as usize);
        Ok(Listed { products, has_more })
    }

    /// The last products, the newest first.
    pub(crate) fn newest(&self) -> rusqlite::Result<Vec<Product>> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, name, category, cents FROM products ORDER BY id DESC LIMIT ?1",
            )?;
            select.query_map([PER_PAGE], Product::read)?.collect()
        })
    }

    pub(crate) fn product(&self, id: i64) -> rusqlite::Result<Option<Product>> {
        self.with(|connection| find(connection, id))
    }

    /// Adds a product; its id.
    pub(crate) fn add(&self, new: &Changed) -> rusqlite::Result<i64> {
        self.with(|connection| insert(connection, &new.name, &new.category, new.cents))
    }

    /// Changes a product; what it was before, if it was there.
    pub(crate) fn change(&self, id: i64, new: &Changed) -> rusqlite::Result<Option<Product>> {
        self.change_of(id, |connection| {
            connection.execute(
                "UPDATE products SET name = ?2, category = ?3, cents = ?4 WHERE id = ?1",
                params![id, new.name, new.category, new.cents],
            )
        })
    }

    /// Removes a product; what it was, if it was there.
    pub(crate) fn remove(&self, id: i64) -> rusqlite::Result<Option<Product>> {
        self.change_of(id, |connection| {
            connection.execute("DELETE FROM products WHERE id = ?1", [id])
        })
    }

    /// Changes a product; what it was before, with nobody's change in between.
    fn change_of(
        &self,
        id: i64,
        change: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<Option<Product>> {
        self.with(|connection| {
            let behavior = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(connection, behavior)?;
            let before = find(&transaction, id)?;
            change(&transaction)?;
            transaction.commit()?;
            Ok(before)
        })
    }
}

fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Product>> {
    let mut select = connection
        .prepare_cached("SELECT id, name, category, cents FROM products WHERE id = ?1")?;
    select.query_row([id], Product::read).optional()
}

fn insert(
    connection: &Connection,
    name: &str,
    category: &str,
    cents: u32,
) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO products (name, category, cents) VALUES (?1, ?2, ?3)",
        params![name, category, cents],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Asks the database on a thread that may wait.
pub(crate) async fn ask<T: Send + 'static>(
    store: &web::Data<Store>,
    question: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
) -> actix_web::Result<T> {
    let store = store.clone();
    let answer = web::block(move || question(&store)).await?;
    answer.map_err(actix_web::error::ErrorInternalServerError)
}
