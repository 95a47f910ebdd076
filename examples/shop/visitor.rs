//! What is each visitor's own: his basket, and whether he is a member. None of it is cached.

use std::time::Duration;

use actix_web::cookie::{Cookie, Key, SameSite};
use actix_web::{HttpRequest, HttpResponse, error, get, post, web};
use djanginxed::{PageCache, Variant};
use serde::Deserialize;

use super::desk::{self, see};
use super::hex;
use super::html::{self, Reader};
use super::settings::GROUPS;
use super::store::{Listed, Store, ask};

/// The ids of what is in the basket, with a dot after each.
pub(crate) const BASKET: &str = "basket";

/// More would not fit into a cookie.
const MOST: usize = 50;

/// Against forms of other sites, which do not know it.
pub(crate) const TOKEN: &str = "csrf";

/// The member's name, which cached pages show.
pub(crate) const NAME: &str = "name";

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Deserialize)]
struct Put {
    id: i64,
    csrf: String,
}

#[derive(Deserialize)]
struct Join {
    name: String,
    group: String,
    csrf: String,
}

/// The part of cached pages that nginx asks for, for each visitor with a basket.
#[get("/basket/badge")]
async fn badge(request: HttpRequest, variant: Variant) -> HttpResponse {
    let count = ids(&request).len();
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(html::badge(&Reader::of(&variant), count))
}

#[get("/basket")]
async fn basket(
    request: HttpRequest,
    store: web::Data<Store>,
    variant: Variant,
) -> actix_web::Result<HttpResponse> {
    let ids = ids(&request);
    let products = ask(&store, move |store| {
        let all = ids.iter().map(|id| store.product(*id));
        all.filter_map(Result::transpose).collect()
    });
    let listed = Listed {
        products: products.await?,
        has_more: false,
    };
    let reader = Reader::of(&variant);
    let list = html::list(&reader, &listed, "", 1);
    let token = value(&request, TOKEN).unwrap_or_default();
    let content = list + &html::join(&reader, &token);
    let title = reader.say("Basket", "Warenkorb");
    Ok(desk::answer(&reader, title, &content))
}

#[post("/basket")]
async fn put(
    request: HttpRequest,
    variant: Variant,
    form: web::Form<Put>,
) -> actix_web::Result<HttpResponse> {
    let Put { id, csrf } = form.into_inner();
    if !knows_token(&request, &csrf) {
        // His first time: what is cached cannot give him a token. He is asked once more.
        let token = hex(&Key::generate().signing()[..16]);
        let reader = Reader::of(&variant);
        let form = html::put(&reader, id, &token);
        let mut answer = desk::answer(&reader, reader.say("Sure?", "Sicher?"), &form);
        answer.add_cookie(&own(TOKEN, token))?;
        return Ok(answer);
    }
    let mut ids = ids(&request);
    ids.push(id);
    let ids: String = ids.iter().take(MOST).map(|id| format!("{id}.")).collect();
    let mut answer = see("/basket");
    answer.add_cookie(&own(BASKET, ids))?;
    Ok(answer)
}

/// Who has a group's cookie sees its prices on cached pages; nginx reads it by itself. A shop
/// that is none would ask more than a name.
#[post("/join")]
async fn join(
    request: HttpRequest,
    pages: PageCache,
    form: web::Form<Join>,
) -> actix_web::Result<HttpResponse> {
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_name(&form.name) || !(1..=30).contains(&form.name.len()) {
        return Err(error::ErrorBadRequest("name: write 1 to 30 letters"));
    }
    if !GROUPS.contains(&&*form.group) {
        return Err(error::ErrorBadRequest("group: there is none of that name"));
    }
    if !knows_token(&request, &form.csrf) {
        return Err(error::ErrorForbidden("put something into the basket first"));
    }
    let mut answer = see("/");
    answer.add_cookie(&own(NAME, form.name.clone()))?;
    answer.add_cookie(&pages.group_cookie("group", &form.group, MONTH))?;
    Ok(answer)
}

fn knows_token(request: &HttpRequest, said: &str) -> bool {
    value(request, TOKEN).is_some_and(|token| !token.is_empty() && token == said)
}

fn value(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned())
}

/// What is in the visitor's basket, as far as it can be read.
fn ids(request: &HttpRequest) -> Vec<i64> {
    let cookie = value(request, BASKET).unwrap_or_default();
    let ids = cookie.split('.').filter_map(|id| id.parse().ok());
    ids.take(MOST).collect()
}

fn own(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
}

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(badge)
        .service(basket)
        .service(put)
        .service(join);
}
