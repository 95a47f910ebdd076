//! The shop's pages as HTML. Whatever a product says is text.

use std::fmt::Write;

use djanginxed::Variant;
use djanginxed::parts::{cookie, nonce};

use super::settings::GROUPS;
use super::store::{Listed, Product};
use super::visitor::{NAME, TOKEN};

const STYLE: &str = "body { font-family: sans-serif; max-width: 40em; margin: auto }";

/// Whom a page is for. It knows no more of him than what all pages vary by.
pub(crate) struct Reader<'a> {
    language: &'a str,
    /// Percent that he pays.
    pays: u32,
}

impl Reader<'_> {
    pub(crate) fn of(variant: &Variant) -> Reader<'_> {
        Reader {
            language: variant.get("language").unwrap_or("en"),
            pays: match variant.get("group") {
                Some("member") => 90,
                Some("trade") => 70,
                _ => 100,
            },
        }
    }

    pub(crate) fn say<'a>(&self, english: &'a str, german: &'a str) -> &'a str {
        match self.language {
            "de" => german,
            _ => english,
        }
    }

    fn price(&self, cents: u32) -> String {
        let price = price(cents);
        match self.language {
            "de" => format!("{} €", price.replace('.', ",")),
            _ => format!("€{price}"),
        }
    }

    /// The price for all, and his own.
    fn prices(&self, cents: u32) -> String {
        let all = format!("<data value=\"{cents}\">{}</data>", self.price(cents));
        match self.pays {
            100 => all,
            part => {
                let own = u64::from(cents) * u64::from(part) / 100;
                format!("<del>{all}</del> {}", self.price(own as u32))
            }
        }
    }
}

/// A page that is cached: what is the visitor's own in it are parts.
pub(crate) fn page(reader: &Reader<'_>, title: &str, content: &str) -> String {
    let style = format!("<style nonce=\"{}\">{STYLE}</style>\n", nonce());
    let name = format!(" <b>{}</b>", cookie(NAME));
    frame(reader, title, &style, &name, content)
}

/// A page that is not: parts are filled in cached pages alone.
pub(crate) fn own_page(reader: &Reader<'_>, title: &str, content: &str) -> String {
    frame(reader, title, "", "", content)
}

fn frame(reader: &Reader<'_>, title: &str, style: &str, name: &str, content: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <link rel=\"alternate\" type=\"application/atom+xml\" href=\"/feed.xml\">\n\
         {style}<nav><a href=\"/\">{}</a> {} <a href=\"/desk\">Desk</a>{name}</nav>\n\
         <h1>{title}</h1>\n{content}</html>\n",
        reader.language,
        reader.say("All products", "Alle Artikel"),
        link_to_basket(reader),
    )
}

pub(crate) fn link_to_basket(reader: &Reader<'_>) -> String {
    let basket = reader.say("Basket", "Warenkorb");
    format!("<a href=\"/basket\">{basket}</a>")
}

/// How much is in a visitor's basket.
pub(crate) fn badge(reader: &Reader<'_>, count: usize) -> String {
    let (link, holds) = (link_to_basket(reader), reader.say("holds", "enthält"));
    format!("<p>{link} {holds} {count}</p>")
}

/// A list, and where it goes on.
pub(crate) fn list(reader: &Reader<'_>, listed: &Listed, path: &str, number: u32) -> String {
    let mut html = "<ul>\n".to_owned();
    for product in &listed.products {
        let id = product.id;
        let _ = writeln!(
            html,
            "<li data-id=\"{id}\"><a href=\"/products/{id}\">{}</a> \
             <a href=\"/categories/{}\">{1}</a> {}</li>",
            escaped(&product.name),
            escaped(&product.category),
            reader.prices(product.cents)
        );
    }
    html += "</ul>\n";
    if listed.has_more {
        let (next, more) = (number + 1, reader.say("More", "Mehr"));
        let _ = writeln!(
            html,
            "<a rel=\"next\" href=\"{path}?page={next}\">{more}</a>"
        );
    }
    html
}

/// A product by itself: a list of one, and what puts it into the basket.
pub(crate) fn product(reader: &Reader<'_>, product: Product) -> String {
    let form = put(reader, product.id, &cookie(TOKEN).to_string());
    let one = Listed {
        products: vec![product],
        has_more: false,
    };
    list(reader, &one, "", 1) + &form
}

/// Puts a product into the basket.
pub(crate) fn put(reader: &Reader<'_>, id: i64, token: &str) -> String {
    let put = reader.say("Put into the basket", "In den Warenkorb");
    format!(
        "<form method=\"post\" action=\"/basket\">{}\
         <button name=\"id\" value=\"{id}\">{put}</button></form>\n",
        hidden(token)
    )
}

/// Makes a visitor a member.
pub(crate) fn join(reader: &Reader<'_>, token: &str) -> String {
    let groups = GROUPS.map(|group| format!("<option>{group}"));
    format!(
        "<form method=\"post\" action=\"/join\">{}\n\
         <label>Name <input name=\"name\" required pattern=\"[A-Za-z0-9]{{1,30}}\"></label>\n\
         <select name=\"group\">{}</select>\n<button>{}</button></form>\n",
        hidden(token),
        groups.concat(),
        reader.say("Become a member", "Mitglied werden"),
    )
}

/// No part has a letter that is escaped.
fn hidden(token: &str) -> String {
    let token = escaped(token);
    format!("<input type=\"hidden\" name=\"csrf\" value=\"{token}\">")
}

/// What an owner changes a product with, or adds one.
pub(crate) fn form(action: &str, product: Option<&Product>) -> String {
    let (name, category, cents) = product.map_or(("", "", 0), |product| {
        (&*product.name, &*product.category, product.cents)
    });
    let remove = match product {
        Some(_) => format!(
            "<form method=\"post\" action=\"{action}/remove\"><button>Remove</button></form>\n"
        ),
        None => String::new(),
    };
    format!(
        "<form method=\"post\" action=\"{action}\">\n\
         <label>Name <input name=\"name\" required value=\"{}\"></label>\n\
         <label>Category <input name=\"category\" required pattern=\"[a-z]{{1,20}}\" value=\"{}\"></label>\n\
         <label>Cents <input name=\"cents\" type=\"number\" min=\"0\" required value=\"{cents}\"></label>\n\
         <button>Save</button>\n</form>\n{remove}",
        escaped(name),
        escaped(category)
    )
}

/// A feed of the newest products (RFC 4287).
pub(crate) fn feed(products: &[Product]) -> String {
    let mut feed = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Shop</title><id>urn:shop</id>\
         <updated>2026-01-01T00:00:00Z</updated><author><name>Shop</name></author>\n"
        .to_owned();
    for product in products {
        let _ = writeln!(
            feed,
            "<entry><id>urn:shop:{}</id><title>{}</title><updated>2026-01-01T00:00:00Z</updated>\
             <category term=\"{}\"/><summary>{}</summary></entry>",
            product.id,
            escaped(&product.name),
            escaped(&product.category),
            price(product.cents)
        );
    }
    feed + "</feed>\n"
}

fn price(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(character),
        }
    }
    safe
}
