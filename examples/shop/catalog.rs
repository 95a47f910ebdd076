//! What every visitor sees: all of it is cached.
//!
//! A list has the tag of each product on it, so that a new price takes it away, and one of
//! its own, for products that come and go.

use actix_web::{HttpResponse, error, get, web};
use djanginxed::{CachedPage, cache_page};
use serde::Deserialize;

use super::html;
use super::store::{Listed, Product, Store, ask};

/// In seconds. Changes purge; this is for what nobody has thought of.
const LIFE: u32 = 15 * 60;

/// For so many seconds more the application answers with the old page while it renders a new one.
const STALE: u32 = 60;

pub(crate) const FEED: &str = "application/atom+xml";

#[derive(Deserialize)]
struct Which {
    #[serde(default = "first")]
    page: u32,
}

fn first() -> u32 {
    1
}

#[get("/")]
#[cache_page(LIFE, stale = STALE, tags = ["lists"])]
async fn all_page(
    store: web::Data<Store>,
    which: web::Query<Which>,
    page: CachedPage,
) -> actix_web::Result<HttpResponse> {
    let number = which.page;
    let listed = ask(&store, move |store| store.list(None, number)).await?;
    Ok(list("Shop", "/", number, &listed, &page))
}

#[get("/categories/{name}")]
#[cache_page(LIFE, stale = STALE, tags = ["category:{name}"])]
async fn category_page(
    store: web::Data<Store>,
    name: web::Path<String>,
    which: web::Query<Which>,
    page: CachedPage,
) -> actix_web::Result<HttpResponse> {
    let (name, number) = (name.into_inner(), which.page);
    let path = format!("/categories/{name}");
    let asked = name.clone();
    let listed = ask(&store, move |store| store.list(Some(&asked), number)).await?;
    Ok(list(&name, &path, number, &listed, &page))
}

fn list(title: &str, path: &str, number: u32, listed: &Listed, page: &CachedPage) -> HttpResponse {
    tag(page, &listed.products);
    answer(html::page(title, &html::list(listed, path, number)))
}

#[get("/products/{id}")]
#[cache_page(LIFE, stale = STALE, tags = ["product:{id}"])]
async fn product_page(
    store: web::Data<Store>,
    id: web::Path<i64>,
) -> actix_web::Result<HttpResponse> {
    let product = found(&store, *id).await?;
    let title = product.name.clone();
    Ok(answer(html::page(&title, &html::product(product))))
}

#[get("/api/products/{id}")]
#[cache_page(LIFE, content_type = "application/json", stale = STALE, tags = ["product:{id}"])]
async fn product_json(
    store: web::Data<Store>,
    id: web::Path<i64>,
) -> actix_web::Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(found(&store, *id).await?))
}

#[get("/feed.xml")]
#[cache_page(LIFE, content_type = FEED, stale = STALE, tags = ["lists"])]
async fn feed_page(store: web::Data<Store>, page: CachedPage) -> actix_web::Result<HttpResponse> {
    let newest = ask(&store, Store::newest).await?;
    tag(&page, &newest);
    Ok(HttpResponse::Ok()
        .content_type(FEED)
        .body(html::feed(&newest)))
}

fn tag(page: &CachedPage, products: &[Product]) {
    for product in products {
        page.tag(format!("product:{}", product.id));
    }
}

/// A 404 is not stored: its product may come.
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
        .service(feed_page);
}
