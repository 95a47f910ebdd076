//! What every visitor sees: all of it is cached.
//!
//! A list has the tag of each product on it, so that a new price takes it away, and one of
//! its own, for products that come and go.

use std::time::Duration;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, error, get, web};
use djanginxed::parts::include;
use djanginxed::{CachedPage, Variant, cache_page};
use serde::Deserialize;

use super::html::{self, Reader};
use super::store::{Product, Store, ask};
use super::visitor::BASKET;

/// In seconds. Changes purge; this is for what nobody has thought of.
pub(crate) const LIFE: u32 = 15 * 60;

/// For so many seconds more the application answers with the old page while it renders a new one.
const STALE: u32 = 60;

pub(crate) const FEED: &str = "application/atom+xml";

/// For how long a product's page lives; no longer than [`LIFE`].
pub(crate) struct Life(pub(crate) Duration);

#[derive(Deserialize)]
struct Which {
    #[serde(default = "first")]
    page: u32,
}

fn first() -> u32 {
    1
}

/// `?page=2` is another page, and `?x=1` none: it is rendered, and not stored.
#[get("/")]
#[cache_page(LIFE, stale = STALE, tags = ["lists"], query = ["page"])]
async fn all_page(
    store: web::Data<Store>,
    which: web::Query<Which>,
    variant: Variant,
    page: CachedPage,
) -> actix_web::Result<HttpResponse> {
    let (number, reader) = (which.page, Reader::of(&variant));
    let listed = ask(&store, move |store| store.list(None, number)).await?;
    tag(&page, &listed.products);
    let title = reader.say("Shop", "Laden");
    let list = html::list(&reader, &listed, "/", number);
    Ok(answer(html::page(&reader, title, &list)))
}

/// The basket's badge is another one for each visitor: it costs the application a request
/// for each with a basket that nginx answers, and so it is here alone.
#[get("/categories/{name}")]
#[cache_page(LIFE, stale = STALE, tags = ["category:{name}"], query = ["page"])]
async fn category_page(
    store: web::Data<Store>,
    name: web::Path<String>,
    which: web::Query<Which>,
    variant: Variant,
    page: CachedPage,
) -> actix_web::Result<HttpResponse> {
    let (name, number) = (name.into_inner(), which.page);
    let reader = Reader::of(&variant);
    let path = format!("/categories/{name}");
    let asked = name.clone();
    let listed = ask(&store, move |store| store.list(Some(&asked), number)).await?;
    tag(&page, &listed.products);
    // The link stands there for all without a basket, and while the application is down.
    let badge = include("/basket/badge")
        .only_with_cookie(BASKET)
        .or(html::link_to_basket(&reader));
    let list = html::list(&reader, &listed, &path, number);
    Ok(answer(html::page(
        &reader,
        &name,
        &format!("{badge}\n{list}"),
    )))
}

/// Its form has the visitor's token, which nginx writes into it.
#[get("/products/{id}")]
#[cache_page(LIFE, stale = STALE, tags = ["product:{id}"], query = [])]
async fn product_page(
    store: web::Data<Store>,
    life: web::Data<Life>,
    id: web::Path<i64>,
    variant: Variant,
    page: CachedPage,
) -> actix_web::Result<HttpResponse> {
    page.max_age(life.0);
    let product = found(&store, *id).await?;
    let (title, reader) = (product.name.clone(), Reader::of(&variant));
    Ok(answer(html::page(
        &reader,
        &title,
        &html::product(&reader, product),
    )))
}

#[get("/api/products/{id}")]
#[cache_page(LIFE, content_type = "application/json", stale = STALE, tags = ["product:{id}"], query = [])]
async fn product_json(
    store: web::Data<Store>,
    id: web::Path<i64>,
) -> actix_web::Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(found(&store, *id).await?))
}

#[get("/feed.xml")]
#[cache_page(LIFE, content_type = FEED, stale = STALE, tags = ["lists"], query = [])]
async fn feed_page(store: web::Data<Store>, page: CachedPage) -> actix_web::Result<HttpResponse> {
    let newest = ask(&store, Store::newest).await?;
    tag(&page, &newest);
    Ok(HttpResponse::Ok()
        .content_type(FEED)
        .body(html::feed(&newest)))
}

/// Where products stood in the shop before this one.
#[get("/old/{id}")]
#[cache_page(LIFE, query = [])]
async fn old_page(id: web::Path<i64>) -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header((LOCATION, format!("/products/{id}")))
        .finish()
}

fn tag(page: &CachedPage, products: &[Product]) {
    for product in products {
        page.tag(format!("product:{}", product.id));
    }
}

/// A 404 has the product's tag, too: who adds it purges what said that there is none.
async fn found(store: &web::Data<Store>, id: i64) -> actix_web::Result<Product> {
    let product = ask(store, move |store| store.product(id)).await?;
    product.ok_or_else(|| error::ErrorNotFound("there is no such product"))
}

fn answer(page: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(page)
}

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(all_page)
        .service(category_page)
        .service(product_page)
        .service(product_json)
        .service(feed_page)
        .service(old_page);
}
