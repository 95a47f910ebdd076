//! Type parameters, lifetimes, `impl` blocks and traits.

use std::fmt::{Debug, Display};

use actix_web::body::BoxBody;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use djanginxed::cache_page;

use crate::app::{Number, body, status};

trait Render: Default + 'static {
    const TTL: u32 = 30;
    fn render(&self) -> String;
}

#[derive(Default)]
struct Front;

impl Render for Front {
    fn render(&self) -> String {
        "front".into()
    }
}

impl Responder for Front {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().body(self.render())
    }
}

#[cache_page(60)]
async fn rendered<T: Render>() -> impl Responder {
    T::default().render()
}

#[cache_page(60)]
async fn bare<T: Render>() -> T {
    T::default()
}

#[cache_page(60)]
async fn listed<T>() -> web::Json<Vec<T>>
where
    T: Default,
{
    web::Json(vec![T::default()])
}

#[cache_page(60)]
async fn either<T: Render, E: Display>() -> Result<T, E> {
    Ok(T::default())
}

#[cache_page(T::TTL)]
async fn timed<T: Render>() -> String {
    T::default().render()
}

#[cache_page(N * 60)]
async fn repeated<const N: u32, A>(_: A) -> String
where
    A: FromRequest + Debug,
{
    "x".repeat(N as usize)
}

#[cache_page(60)]
async fn borrowed<'a>() -> &'a str {
    "borrowed"
}

#[cache_page(60)]
async fn bounded<'a, T>(number: T) -> impl Responder + use<'a, T>
where
    T: FromRequest + Display + 'a,
{
    number.to_string()
}

struct Site;

impl Site {
    const TTL: u32 = 60;
    const PREFIX: &'static str = "site1";

    fn title() -> &'static str {
        "site"
    }

    /// The front page.
    #[cache_page(Self::TTL, key_prefix = Self::PREFIX)]
    async fn page(number: Number) -> String {
        format!("{} {number}", Self::title())
    }

    #[cache_page(Site::TTL)]
    async fn itself() -> Self {
        let Self = Self;
        Self
    }

    #[cache_page(60)]
    async fn fallible() -> Result<Self, Box<dyn std::error::Error>> {
        let _: u8 = "x".parse()?;
        Ok(Self)
    }
}

impl Responder for Site {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().body("itself")
    }
}

struct Section<T>(T);

impl<T: Render> Section<T> {
    #[cache_page(T::TTL)]
    async fn page() -> impl Responder {
        Section(T::default()).0.render()
    }

    #[cache_page(60, key_prefix = "section")]
    async fn itself() -> Self {
        Section(T::default())
    }
}

impl<T: Render> Responder for Section<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().body(self.0.render())
    }
}

trait Pages: Sized + 'static {
    const NAME: &'static str;

    #[allow(async_fn_in_trait)]
    #[cache_page(60)]
    async fn name() -> &'static str {
        Self::NAME
    }
}

impl Pages for Site {
    const NAME: &'static str = "pages";
}

#[actix_web::test]
async fn generic_handlers_are_served() {
    let page = |route| web::resource("/").route(route);
    assert_eq!(
        body(page(web::get().to(rendered::<Front>)), "/").await,
        "front"
    );
    assert_eq!(body(page(web::get().to(bare::<Front>)), "/").await, "front");
    assert_eq!(body(page(web::get().to(listed::<u8>)), "/").await, "[0]");
    let route = web::get().to(either::<Front, actix_web::Error>);
    assert_eq!(body(page(route), "/").await, "front");
    assert_eq!(
        body(page(web::get().to(timed::<Front>)), "/").await,
        "front"
    );
    let route = web::get().to(repeated::<3, HttpRequest>);
    assert_eq!(body(page(route), "/").await, "xxx");
    assert_eq!(body(page(web::get().to(borrowed)), "/").await, "borrowed");
    assert_eq!(body(page(web::get().to(bounded::<Number>)), "/").await, "7");
}

#[actix_web::test]
async fn handlers_in_impl_blocks_are_served() {
    let page = |route| web::resource("/").route(route);
    assert_eq!(body(page(web::get().to(Site::page)), "/").await, "site 7");
    assert_eq!(body(page(web::get().to(Site::itself)), "/").await, "itself");
    assert_eq!(status(page(web::get().to(Site::fallible)), "/").await, 500);
    let route = web::get().to(Section::<Front>::page);
    assert_eq!(body(page(route), "/").await, "front");
    let route = web::get().to(Section::<Front>::itself);
    assert_eq!(body(page(route), "/").await, "front");
    let route = web::get().to(<Site as Pages>::name);
    assert_eq!(body(page(route), "/").await, "pages");
}
