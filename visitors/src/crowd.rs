//! Usual visitors of the shop behind any cache. Each answer is judged by itself: there is no
//! other shop to ask.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::http::{Request, Response};

use crate::prices::{Least, Prices};
use crate::seen::{Seen, between};
use crate::stand::Owner;
use crate::visit::{Kind, NUMBER, PRODUCTS, Random, Visit};

/// So many wrong answers are told of, a visitor.
const TOLD: u64 = 3;

/// What came of visits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Requests, edits among them.
    pub requests: u64,
    /// Answers that are older than the last edit that had returned, another visitor's, or in
    /// another language.
    pub wrong: u64,
    /// Changes, each of which purges.
    pub edits: u64,
}

/// The shop as visitors see it.
#[derive(Debug)]
pub struct Crowd {
    port: u16,
    owner: Owner,
    prices: Prices,
}

impl Crowd {
    /// Of the shop behind `port`, which nobody has changed yet.
    ///
    /// # Errors
    /// When its owner is not let in.
    pub fn before(port: u16) -> Result<Crowd> {
        Ok(Crowd {
            port,
            owner: Owner::log_in(port)?,
            prices: Prices::of(PRODUCTS),
        })
    }

    /// Reads each page once, in both languages.
    ///
    /// # Errors
    /// When an answer is wrong, or does not come.
    pub fn warm(&self) -> Result<()> {
        use Kind::{Category, Feed, Front, Json, Old, Product};
        let mut counts = Counts::default();
        for product in 1..=PRODUCTS {
            for language in ["en", "de"] {
                for kind in [Front, Category, Product, Json, Feed, Old] {
                    let visit = Visit::plain(kind, product, language);
                    self.read(&visit, visit.request(), &mut counts)?;
                }
            }
        }
        let wrong = counts.wrong;
        ensure!(
            wrong == 0,
            "{wrong} answers are wrong before anything was edited"
        );
        Ok(())
    }

    /// Lets `visitors` ask all the while.
    ///
    /// # Errors
    /// When an answer does not come, or an edit is not taken.
    pub fn visit(&self, visitors: u64, length: Duration) -> Result<Counts> {
        let end = Instant::now() + length;
        thread::scope(|scope| {
            let visitors: Vec<_> = (1..=visitors)
                .map(|number| scope.spawn(move || self.visitor(number, end)))
                .collect();
            let mut all = Counts::default();
            for visitor in visitors {
                let counts = visitor.join().ok().context("a visitor panicked")??;
                all.requests += counts.requests;
                all.wrong += counts.wrong;
                all.edits += counts.edits;
            }
            Ok(all)
        })
    }

    fn visitor(&self, number: u64, end: Instant) -> Result<Counts> {
        let mut random = Random(number);
        let mut counts = Counts::default();
        while Instant::now() < end {
            let visit = Visit::usual(&mut random);
            let visit_number = (number << 32 | counts.requests).to_string();
            let numbered = |request: Request| request.header(NUMBER, &visit_number);
            match visit.kind {
                Kind::Edit => self.edit(visit.product, numbered, &mut counts)?,
                _ => self.read(&visit, numbered(visit.request()), &mut counts)?,
            }
        }
        Ok(counts)
    }

    fn edit(
        &self,
        product: usize,
        numbered: impl Fn(Request) -> Request,
        counts: &mut Counts,
    ) -> Result<()> {
        counts.requests += 1;
        counts.edits += 1;
        self.prices.change(product, |cents| {
            let answer = numbered(self.owner.reprice(product, cents)).try_send(self.port);
            let answer = answer.context("an owner")?;
            self.prices.raise(product, cents);
            ensure!(Owner::is_taken(&answer), "an owner: {answer:?}");
            Ok(())
        })
    }

    /// Makes a visit, and counts what came of it.
    fn read(&self, visit: &Visit, request: Request, counts: &mut Counts) -> Result<()> {
        let least = self.prices.least();
        let answer = request.try_send(self.port).context("a visitor")?;
        counts.requests += 1;
        if !is_right(visit, &answer, &least) {
            counts.wrong += 1;
            // A cache that nobody tells of changes has thousands.
            if counts.wrong <= TOLD {
                eprintln!("    wrong: {visit:?}: {answer:?}");
            }
        }
        Ok(())
    }
}

fn is_right(visit: &Visit, answer: &Response, least: &Least) -> bool {
    let seen = Seen::of(answer);
    let is_new = || {
        let rows = seen.rows();
        !rows.is_empty() && least.older(&rows).is_none()
    };
    match visit.kind {
        Kind::Edit | Kind::Basket => seen.status == 200,
        Kind::Old => {
            let to = format!("/products/{}", visit.product);
            seen.status == 301 && answer.header("location") == Some(&*to)
        }
        Kind::Missing => seen.status == 404,
        Kind::Feed | Kind::Json => seen.status == 200 && is_new(),
        Kind::Category if visit.product % 5 == 4 => seen.status == 200,
        Kind::Front | Kind::Category | Kind::Product => {
            seen.status == 200 && is_new() && is_the_visitors(visit, &seen.text)
        }
    }
}

/// Whether a page is in the visitor's language, with his name, token and badge, and with a nonce.
fn is_the_visitors(visit: &Visit, text: &str) -> bool {
    let has = |part: String| text.contains(&part);
    // Only where the policy has the same is it taken out.
    let has_nonce = between(text, "nonce=\"", '"') == Some("NONCE");
    let has_badge = match visit.name.is_empty() {
        true => !has("<p>".to_owned()),
        false => has(" 3</p>".to_owned()),
    };
    has_nonce
        && has(format!("<html lang=\"{}\">", visit.language))
        && has(format!("<b>{}</b>", visit.name))
        && (visit.kind != Kind::Product || has(format!("value=\"{}\"", visit.token)))
        && (visit.kind != Kind::Category || has_badge)
}
