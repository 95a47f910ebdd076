//! Where the owner logs in and changes products: none of it is cached.

use actix_session::Session;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, error, get, post, web};
use djanginxed::{PageCache, Purge, Variant, purges};
use serde::Deserialize;

use super::html::{self, Reader};
use super::store::{Changed, Product, Store, ask};

/// What the owner logs in with.
pub(crate) struct Password(pub(crate) String);

#[derive(Deserialize)]
struct Login {
    password: String,
}

#[get("/desk")]
async fn desk(session: Session, variant: Variant) -> actix_web::Result<HttpResponse> {
    let content = match is_owner(&session)? {
        true => html::form("/desk/products", None),
        false => "<form method=\"post\" action=\"/desk/login\">\n\
                  <label>Password <input name=\"password\" type=\"password\" required></label>\n\
                  <button>Log in</button>\n</form>\n"
            .to_owned(),
    };
    Ok(answer(&Reader::of(&variant), "Desk", &content))
}

#[post("/desk/login")]
async fn login(
    session: Session,
    password: web::Data<Password>,
    form: web::Form<Login>,
) -> actix_web::Result<HttpResponse> {
    if form.password != password.0 {
        return Err(error::ErrorForbidden("that is not the password"));
    }
    session.renew();
    session.insert("owner", true)?;
    Ok(see("/desk"))
}

#[get("/desk/products/{id}")]
async fn edit(
    session: Session,
    store: web::Data<Store>,
    id: web::Path<i64>,
    variant: Variant,
) -> actix_web::Result<HttpResponse> {
    owner(&session)?;
    let id = *id;
    let product = ask(&store, move |store| store.product(id)).await?;
    let product = product.ok_or_else(none)?;
    let form = html::form(&format!("/desk/products/{id}"), Some(&product));
    Ok(answer(&Reader::of(&variant), &product.name, &form))
}

#[post("/desk/products")]
#[purges("lists")]
async fn add(
    session: Session,
    store: web::Data<Store>,
    pages: web::Data<PageCache>,
    form: web::Form<Changed>,
) -> actix_web::Result<HttpResponse> {
    owner(&session)?;
    let new = checked(form)?;
    let category = format!("category:{}", new.category);
    let id = ask(&store, move |store| store.add(&new)).await?;
    // Somebody may have asked for it before it was there.
    purge(&pages, [category, format!("product:{id}")]).await;
    Ok(see(&format!("/desk/products/{id}")))
}

/// Every page that shows the product has its tag: its own, and the lists.
#[post("/desk/products/{id}")]
#[purges("product:{id}")]
async fn save(
    session: Session,
    store: web::Data<Store>,
    pages: web::Data<PageCache>,
    id: web::Path<i64>,
    form: web::Form<Changed>,
) -> actix_web::Result<HttpResponse> {
    owner(&session)?;
    let (id, new) = (*id, checked(form)?);
    let category = format!("category:{}", new.category);
    let before = ask(&store, move |store| store.change(id, &new)).await?;
    let left = format!("category:{}", before.ok_or_else(none)?.category);
    // The list that it comes into does not show it yet.
    if left != category {
        purge(&pages, [left, category]).await;
    }
    Ok(see(&format!("/desk/products/{id}")))
}

/// What comes after it moves up in the lists, also on pages that did not show it.
#[post("/desk/products/{id}/remove")]
#[purges("lists", "product:{id}")]
async fn remove(
    session: Session,
    store: web::Data<Store>,
    pages: web::Data<PageCache>,
    id: web::Path<i64>,
) -> actix_web::Result<HttpResponse> {
    owner(&session)?;
    let id = *id;
    let before: Option<Product> = ask(&store, move |store| store.remove(id)).await?;
    let category = before.ok_or_else(none)?.category;
    purge(&pages, [format!("category:{category}")]).await;
    Ok(see("/desk"))
}

/// What `#[purges]` cannot name, since no segment of the route says it.
async fn purge(pages: &PageCache, tags: impl IntoIterator<Item = String>) {
    match pages.purge(Purge::tags(tags)).await {
        Ok(purged) if purged.is_complete() => {}
        // The change stands; the pages end with their time, or with the next purge.
        Ok(purged) => tracing::error!(?purged, "pages are not purged everywhere"),
        Err(error) => tracing::error!(%error, "pages are not purged"),
    }
}

fn checked(form: web::Form<Changed>) -> actix_web::Result<Changed> {
    match form.problem() {
        None => Ok(form.into_inner()),
        Some(problem) => Err(error::ErrorBadRequest(problem)),
    }
}

fn is_owner(session: &Session) -> actix_web::Result<bool> {
    Ok(session.get::<bool>("owner")?.unwrap_or_default())
}

fn owner(session: &Session) -> actix_web::Result<()> {
    match is_owner(session)? {
        true => Ok(()),
        false => Err(error::ErrorUnauthorized("log in at /desk")),
    }
}

fn none() -> actix_web::Error {
    error::ErrorNotFound("there is no such product")
}

pub(crate) fn see(target: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, target))
        .finish()
}

/// For its visitor alone.
pub(crate) fn answer(reader: &Reader<'_>, title: &str, content: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .body(html::own_page(reader, title, content))
}

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(desk)
        .service(login)
        .service(edit)
        .service(add)
        .service(save)
        .service(remove);
}
