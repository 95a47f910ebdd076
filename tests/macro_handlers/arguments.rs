//! Arguments: patterns, attributes, names and number.

use std::collections::HashMap;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{HttpRequest, HttpResponse, Responder, get, post, web};
use djanginxed::cache_page;

use crate::app::{Number, answer, body};

#[derive(serde::Deserialize)]
struct Pattern {
    a: u32,
    b: String,
}

#[get("/pattern")]
#[cache_page(60)]
async fn patterns(web::Query(Pattern { a, mut b }): web::Query<Pattern>) -> impl Responder {
    b.push_str(" and ");
    b += &a.to_string();
    b
}

#[get("/mutable")]
#[cache_page(60)]
async fn mutable(mut query: web::Query<HashMap<String, u32>>, mut method: Method) -> String {
    query.insert("b".into(), 2);
    let get = std::mem::take(&mut method);
    format!("{get} {}", query.values().sum::<u32>())
}

#[get("/unused")]
#[cache_page(60)]
async fn unused(_: web::Data<String>, _path: HttpRequest) -> &'static str {
    "unused"
}

#[get("/cfg")]
#[cache_page(60)]
async fn conditional(
    #[cfg(any())] absent: Missing,
    #[cfg(not(any()))] present: web::Data<String>,
    #[allow(unused_variables)] ignored: Method,
    #[cfg(not(any()))]
    #[cfg_attr(any(), absent)]
    number: Number,
) -> String {
    #[cfg(any())]
    drop(absent);
    format!("{} {number}", present.as_str())
}

#[get("/raw")]
#[cache_page(60)]
async fn r#fn(r#type: HttpRequest, r#match: Number) -> String {
    format!("{} {match}", r#type.path(), r#match = r#match)
}

#[get("/request")]
#[cache_page(60)]
async fn takes_request(request: HttpRequest, req: HttpRequest) -> String {
    let __request = 1;
    format!("{} {} {__request}", request.path(), req.method())
}

#[get("/our-names")]
#[cache_page(60)]
async fn takes_our_name(__request: Number) -> String {
    __request.to_string()
}

#[post("/payload")]
#[cache_page(60)]
async fn payload(payload: web::Payload) -> Result<String, actix_web::Error> {
    let bytes = payload.to_bytes().await?;
    Ok(format!("{} bytes", bytes.len()))
}

#[post("/json")]
#[cache_page(60)]
async fn json(web::Json(names): web::Json<Vec<String>>) -> String {
    names.join(" ")
}

#[get("/seven")]
#[cache_page(60)]
#[allow(clippy::many_single_char_names)]
async fn seven(
    a: Number,
    b: Number,
    c: Number,
    d: Number,
    e: Number,
    f: Number,
    g: Number,
) -> String {
    [a, b, c, d, e, f, g]
        .iter()
        .map(|n| n.0)
        .sum::<u32>()
        .to_string()
}

#[get("/twelve")]
#[cache_page(60)]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
async fn twelve(
    a: Number,
    b: Number,
    c: Number,
    d: Number,
    e: Number,
    f: Number,
    g: Number,
    h: Number,
    i: Number,
    j: Number,
    k: Number,
    l: Number,
) -> String {
    let all = [a, b, c, d, e, f, g, h, i, j, k, l];
    all.iter().map(|n| n.0).sum::<u32>().to_string()
}

#[get("/fifteen")]
#[cache_page(60)]
#[expect(clippy::too_many_arguments, clippy::many_single_char_names)]
async fn fifteen(
    a: Number,
    b: Number,
    c: Number,
    d: Number,
    e: Number,
    f: Number,
    g: Number,
    h: Number,
    i: Number,
    j: Number,
    k: Number,
    l: Number,
    m: Number,
    n: Number,
    o: Number,
) -> String {
    let all = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o];
    all.iter().map(|n| n.0).sum::<u32>().to_string()
}

#[cache_page(60)]
#[get("/sixteen")]
#[expect(clippy::too_many_arguments, clippy::many_single_char_names)]
async fn sixteen(
    #[cfg(not(any()))] request: HttpRequest,
    #[allow(unused_variables)] mut a: Number,
    b: Number,
    c: Number,
    d: Number,
    e: Number,
    f: Number,
    g: Number,
    h: Number,
    i: Number,
    j: Number,
    k: Number,
    l: Number,
    m: Number,
    n: Number,
    (o, _): (Number, Method),
) -> String {
    a.0 += 1;
    let all = [b, c, d, e, f, g, h, i, j, k, l, m, n, o];
    let sum = all.iter().map(|n| n.0).sum::<u32>();
    format!("{} {a} {sum}", request.path())
}

#[get("/seventeen")]
#[cache_page(60)]
#[expect(clippy::too_many_arguments)]
async fn sixteen_and_an_absent_one(
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    #[cfg(any())] absent: Missing,
    method: Method,
) -> String {
    method.to_string()
}

#[cache_page(60)]
async fn none() -> HttpResponse {
    HttpResponse::Ok().body("none")
}

#[actix_web::test]
async fn patterns_and_attributes_of_arguments_are_kept() {
    assert_eq!(body(patterns, "/pattern?a=1&b=x").await, "x and 1");
    assert_eq!(body(mutable, "/mutable?a=1").await, "GET 3");
    assert_eq!(body(unused, "/unused").await, "unused");
    assert_eq!(body(conditional, "/cfg").await, "shared 7");
}

#[actix_web::test]
async fn names_of_arguments_are_free() {
    assert_eq!(body(r#fn, "/raw").await, "/raw 7");
    assert_eq!(body(takes_request, "/request").await, "/request GET 1");
    assert_eq!(body(takes_our_name, "/our-names").await, "7");
}

#[actix_web::test]
async fn a_handler_may_read_the_payload() {
    let request = TestRequest::post().uri("/payload").set_payload("12345");
    assert_eq!(answer(payload, request).await.1, "5 bytes");
    let request = TestRequest::post().uri("/json").set_json(["a", "b"]);
    assert_eq!(answer(json, request).await.1, "a b");
}

#[actix_web::test]
async fn up_to_sixteen_extractors_are_served() {
    assert_eq!(body(web::resource("/").to(none), "/").await, "none");
    assert_eq!(body(seven, "/seven").await, "49");
    assert_eq!(body(twelve, "/twelve").await, "84");
    assert_eq!(body(fifteen, "/fifteen").await, "105");
    assert_eq!(body(sixteen, "/sixteen").await, "/sixteen 8 98");
    assert_eq!(body(sixteen_and_an_absent_one, "/seventeen").await, "GET");
}
