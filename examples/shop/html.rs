//! The shop's pages as HTML. Whatever a product says is text.

use std::fmt::Write;

use super::store::{Listed, Product};

/// A page around `content`.
pub(crate) fn page(title: &str, content: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <link rel=\"alternate\" type=\"application/atom+xml\" href=\"/feed.xml\">\n\
         <nav><a href=\"/\">All products</a> <a href=\"/desk\">Desk</a></nav>\n\
         <h1>{title}</h1>\n{content}</html>\n"
    )
}

/// A list, and where it goes on.
pub(crate) fn list(listed: &Listed, path: &str, number: u32) -> String {
    let mut html = "<ul>\n".to_owned();
    for product in &listed.products {
        let id = product.id;
        let _ = writeln!(
            html,
            "<li data-id=\"{id}\"><a href=\"/products/{id}\">{}</a> \
             <a href=\"/categories/{}\">{1}</a> <data value=\"{}\">{}</data></li>",
            escaped(&product.name),
            escaped(&product.category),
            product.cents,
            price(product.cents)
        );
    }
    html += "</ul>\n";
    if listed.has_more {
        let next = number + 1;
        let _ = writeln!(html, "<a rel=\"next\" href=\"{path}?page={next}\">More</a>");
    }
    html
}

/// A product by itself: a list of one.
pub(crate) fn product(product: Product) -> String {
    let one = Listed {
        products: vec![product],
        has_more: false,
    };
    list(&one, "", 1)
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
