//! Visits of the shop, by chance.

use std::thread;
use std::time::Duration;

use djanginxed::PageCache;
use testkit::http::Request;

use crate::stand::CATEGORIES;

/// The field with a visit's number, which nginx passes on with all that it asks the
/// application for that visit.
pub const NUMBER: &str = "visit-number";

/// Products with a higher number are not there.
pub const PRODUCTS: usize = 300;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A change, which purges.
    Edit,
    /// The visitor's basket, which is never cached.
    Basket,
    /// A redirect.
    Old,
    /// A product that there is not.
    Missing,
    /// The feed.
    Feed,
    /// A product as JSON.
    Json,
    /// All products.
    Front,
    /// A list with a badge that the application includes for each visitor with a basket.
    Category,
    /// One product.
    Product,
}

/// One visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What is asked for.
    pub kind: Kind,
    /// Of which product, from 1.
    pub product: usize,
    /// `Accept-Language`.
    pub language: &'static str,
    /// The visitor's; empty: he has none, and no basket.
    pub name: String,
    /// The visitor's cookie against forged forms.
    pub token: String,
    /// What stands behind the path, with its question mark.
    pub query: String,
    /// The cookie of the visitor's group, true or forged.
    pub group: Option<String>,
    /// More of his cookies, in which the same may stand again.
    pub more: &'static str,
    /// Whether he takes gzip.
    pub gzip: bool,
}

impl Visit {
    /// A visit by who has nothing of his own but a token.
    #[must_use]
    pub fn plain(kind: Kind, product: usize, language: &'static str) -> Visit {
        Visit {
            kind,
            product,
            language,
            name: String::new(),
            token: "t".to_owned(),
            query: String::new(),
            group: None,
            more: "",
            gzip: false,
        }
    }

    /// A visit as sites have them: most go to a few pages, without a group.
    pub fn usual(random: &mut Random) -> Visit {
        let kind = match random.below(1000) {
            0..5 => Kind::Edit,
            5..20 => Kind::Basket,
            20..50 => Kind::Old,
            50..70 => Kind::Missing,
            70..150 => Kind::Feed,
            150..270 => Kind::Json,
            270..450 => Kind::Front,
            450..500 => Kind::Category,
            _ => Kind::Product,
        };
        // Half of the visits go to a tenth of the products.
        let products = match random.below(2) {
            0 => PRODUCTS as u64 / 10,
            _ => PRODUCTS as u64,
        };
        let product = 1 + random.below(products) as usize;
        let language = if random.below(10) < 3 { "de" } else { "en" };
        Visit {
            name: match random.below(5) {
                0 => format!("ann{}", random.below(1000)),
                _ => String::new(),
            },
            token: format!("t{}", random.below(1_000_000)),
            query: match random.below(100) {
                0..15 => format!("?utm_source=mail{}", random.below(1000)),
                _ => String::new(),
            },
            ..Visit::plain(kind, product, language)
        }
    }

    /// A visit that has of everything more than is usual.
    pub fn any(random: &mut Random, groups: &Groups) -> Visit {
        const LANGUAGES: [&str; 8] = [
            "en",
            "de",
            "de-AT,de;q=0.9,en;q=0.8",
            "fr",
            "",
            "en;q=0.3, de",
            "DE ; q=0.5,*",
            "de;q=0, en;q=0",
        ];
        const NAMES: [&str; 9] = [
            "ann",
            "bob",
            "<b>&\"x\"</b>",
            "O'Neil",
            "a.b-c",
            "\"quoted\"",
            "%3Cb%3E+&amp;",
            "<!--#echo",
            "J\u{e9}r\u{f4}me",
        ];
        const PARAMETERS: [&str; 11] = [
            "utm_source=a",
            "utm_=",
            "utm_medium",
            "page=2",
            "page=3",
            "page=%32",
            "page=",
            "utm_medium=b&utm_source=c",
            "UTM_x=1",
            "a=b;page=4",
            "",
        ];
        const MORE: [&str; 16] = [
            "; csrf=second",
            "; name=other",
            "; group=member",
            "; group=",
            ";; =x; page=2",
            "; NAME=x; Group=trade",
            "; basket=1.2.x.",
            "; basket=3.; basket=",
            "; basket=",
            "; basket=; basket=4.",
            "; BASKET=5.6.",
            "; basket",
            ", basket = 7.",
            "; xbasket=8.; basket2=9.",
            "; shop-session=forged",
            "; shop-session=",
        ];
        let mut visit = Visit::usual(random);
        match random.below(100) {
            0..3 => visit.kind = Kind::Edit,
            3..15 => visit.kind = Kind::Category,
            _ => {}
        }
        visit.language = random.of(&LANGUAGES);
        if random.below(3) == 0 {
            visit.name = random.of(&NAMES).to_owned();
        }
        // Half of them have none.
        let query: Vec<_> = (0..random.below(6).saturating_sub(2))
            .map(|_| random.of(&PARAMETERS))
            .collect();
        visit.query = match query.is_empty() {
            true => String::new(),
            false => format!("?{}", query.join("&")),
        };
        visit.gzip = random.below(2) == 0;
        if random.below(2) == 0 {
            // So hot that changes, renders and hits of one page meet.
            visit.product = 1 + random.below(5) as usize;
        }
        if random.below(4) == 0 {
            visit.more = random.of(&MORE);
        }
        visit.group = match random.below(2) {
            0 => None,
            _ => Some(groups.0[random.below(groups.0.len() as u64) as usize].clone()),
        };
        visit
    }

    /// The request of this visit, where it is none for a change.
    #[must_use]
    pub fn request(&self) -> Request {
        let Visit { product, query, .. } = self;
        // The last is one that no product has.
        let category = CATEGORIES.iter().chain([&"none"]).nth(product % 5);
        let path = match self.kind {
            Kind::Edit | Kind::Product => format!("/products/{product}"),
            Kind::Basket => "/basket".to_owned(),
            Kind::Old => format!("/old/{product}"),
            Kind::Missing => format!("/products/{}", 1 + PRODUCTS + product % 10),
            Kind::Feed => "/feed.xml".to_owned(),
            Kind::Json => format!("/api/products/{product}"),
            Kind::Front => "/".to_owned(),
            Kind::Category => format!("/categories/{}", category.unwrap_or(&"none")),
        };
        let mut cookies = format!("csrf={}", self.token);
        if !self.name.is_empty() {
            cookies.push_str(&format!(
                "; basket=7.7.{}.; name={}",
                self.product, self.name
            ));
        }
        if let Some(group) = &self.group {
            cookies.push_str(&format!("; group={group}"));
        }
        cookies.push_str(self.more);
        let mut request = Request::get(format!("{path}{query}")).header("cookie", cookies);
        if self.gzip {
            request = request.header("accept-encoding", "gzip");
        }
        match self.language {
            "" => request,
            language => request.header("accept-language", language),
        }
    }
}

/// Cookies of groups: true ones, and such as nobody may believe.
#[derive(Clone, Debug)]
pub struct Groups(Vec<String>);

impl Groups {
    /// Two that are true for an hour, one that has ended, and forged ones. It takes two
    /// seconds: until the one has ended by everybody's clock.
    #[must_use]
    pub fn of(pages: &PageCache) -> Groups {
        let cookie = |value, seconds| {
            let life = Duration::from_secs(seconds);
            pages.group_cookie("group", value, life).value().to_owned()
        };
        let [member, trade] = ["member", "trade"].map(|value| cookie(value, 3600));
        let ended = cookie("trade", 0);
        thread::sleep(Duration::from_secs(2));
        let forged = member.replacen("member", "trade", 1);
        let longer = member.replacen('.', ".9", 1);
        let cut = member[..member.len() - 1].to_owned();
        let unsigned = "trade".to_owned();
        Groups(vec![member, trade, ended, forged, longer, cut, unsigned])
    }
}

/// Numbers that are the same in each run (Knuth's multiplier).
#[derive(Clone, Copy, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}
