//! What handlers do: borrow over an await, return early, coerce.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::rc::Rc;

use actix_web::body::BoxBody;
use actix_web::rt::task::yield_now;
use actix_web::{HttpRequest, HttpResponse, Responder, get, web};
use djanginxed::cache_page;

use crate::app::body;

#[get("/borrow/{name}")]
#[cache_page(60)]
async fn borrows_over_an_await(name: web::Path<String>, request: HttpRequest) -> String {
    let borrowed: &str = &name;
    let path = request.path();
    yield_now().await;
    format!("{borrowed} {path}")
}

#[get("/rc")]
#[cache_page(60)]
async fn is_not_send() -> String {
    let shared = Rc::new(RefCell::new(vec![1]));
    let other = Rc::clone(&shared);
    yield_now().await;
    other.borrow_mut().push(2);
    format!("{:?}", shared.borrow())
}

#[get("/loop")]
#[cache_page(60)]
async fn returns_from_a_loop() -> HttpResponse {
    'outer: for number in 0.. {
        for below in 0..5 {
            if number == below {
                continue 'outer;
            }
        }
        return HttpResponse::Ok().body(number.to_string());
    }
    HttpResponse::NotFound().finish()
}

#[get("/slice")]
#[cache_page(60)]
async fn coerces_slices() -> Result<&'static [u8], Box<dyn Error>> {
    let short = true;
    if short {
        return Ok(b"short");
    }
    Ok(b"longer")
}

trait Named {
    fn name(&self) -> String;
}

struct One;
struct Two;

impl Named for One {
    fn name(&self) -> String {
        "one".into()
    }
}

impl Named for Two {
    fn name(&self) -> String {
        "two".into()
    }
}

struct Shown(Box<dyn Named>, &'static [u8]);

impl Responder for Box<Shown> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        let text = format!("{} {}", self.0.name(), self.1.len());
        HttpResponse::Ok().body(text)
    }
}

#[get("/objects/{one}")]
#[cache_page(60)]
async fn coerces_objects(one: web::Path<bool>) -> Box<Shown> {
    let named: Box<dyn Named> = if *one { Box::new(One) } else { Box::new(Two) };
    Box::new(Shown(named, &[1, 2]))
}

#[get("/infers")]
#[cache_page(60)]
async fn infers_from_the_return_type() -> Result<String, Box<dyn Error>> {
    let sum = ["1", "2"]
        .iter()
        .map(|n| n.parse::<u8>())
        .sum::<Result<u8, _>>()?;
    let text = [sum].iter().map(ToString::to_string).collect();
    Ok(text)
}

#[get("/default")]
#[cache_page(60)]
async fn defaults() -> String {
    #[allow(clippy::default_trait_access)]
    Default::default()
}

#[get("/closures")]
#[cache_page(60)]
async fn closures(name: web::Data<String>) -> String {
    let inner = async |n: u8| format!("{} {n}", name.as_str());
    let parse = |text: &str| -> Result<u8, Box<dyn Error>> { Ok(text.parse()?) };
    let block: Result<u8, std::num::ParseIntError> = async { "x".parse::<u8>() }.await;
    format!(
        "{} {:?} {}",
        inner(1).await,
        parse("2").ok(),
        block.is_err()
    )
}

#[get("/items")]
#[cache_page(60)]
async fn has_items() -> String {
    #![allow(clippy::items_after_statements)]
    use std::fmt::Write as _;
    const GREETING: &str = "hello";
    static COUNT: u8 = 2;
    fn twice(text: impl Display) -> String {
        format!("{text}{text}")
    }
    let mut text = twice(GREETING);
    write!(text, " {COUNT}").unwrap();
    text
}

#[get("/starts-with-parentheses")]
#[cache_page(60)]
async fn starts_with_parentheses() -> String {
    (1..=3).map(|n| n.to_string()).collect()
}

#[get("/starts-with-a-block")]
#[cache_page(60)]
async fn starts_with_a_block() -> &'static str {
    {
        let text = "block";
        yield_now().await;
        text
    }
}

#[get("/starts-with-a-reference")]
#[cache_page(60)]
async fn starts_with_a_reference() -> &'static [u8] {
    &[97, 98]
}

#[get("/match/{number}")]
#[cache_page(60)]
async fn is_one_match(number: web::Path<u8>) -> impl Responder {
    match *number {
        0 => HttpResponse::NotFound().finish(),
        n => HttpResponse::Ok().body(n.to_string()),
    }
}

#[get("/return")]
#[cache_page(60)]
#[allow(clippy::needless_return)]
async fn ends_with_return() -> impl Responder {
    return "returned";
}

#[get("/moved")]
#[cache_page(60)]
async fn moves_an_argument(name: web::Data<String>) -> String {
    let task = actix_web::rt::spawn(async move { name.to_uppercase() });
    task.await.unwrap()
}

#[actix_web::test]
async fn bodies_mean_what_they_meant() {
    assert_eq!(
        body(borrows_over_an_await, "/borrow/x").await,
        "x /borrow/x"
    );
    assert_eq!(body(is_not_send, "/rc").await, "[1, 2]");
    assert_eq!(body(returns_from_a_loop, "/loop").await, "5");
    assert_eq!(body(closures, "/closures").await, "shared 1 Some(2) true");
    assert_eq!(body(has_items, "/items").await, "hellohello 2");
    assert_eq!(body(is_one_match, "/match/4").await, "4");
    assert_eq!(body(ends_with_return, "/return").await, "returned");
    assert_eq!(body(moves_an_argument, "/moved").await, "SHARED");
}

#[actix_web::test]
async fn values_are_coerced_and_inferred_from_the_return_type() {
    assert_eq!(body(coerces_slices, "/slice").await, "short");
    assert_eq!(body(coerces_objects, "/objects/true").await, "one 2");
    assert_eq!(body(coerces_objects, "/objects/false").await, "two 2");
    assert_eq!(body(infers_from_the_return_type, "/infers").await, "3");
    assert_eq!(body(defaults, "/default").await, "");
}

#[actix_web::test]
async fn the_first_expression_of_a_body_stands_alone() {
    let target = "/starts-with-parentheses";
    assert_eq!(body(starts_with_parentheses, target).await, "123");
    assert_eq!(
        body(starts_with_a_block, "/starts-with-a-block").await,
        "block"
    );
    let target = "/starts-with-a-reference";
    assert_eq!(body(starts_with_a_reference, target).await, "ab");
}
