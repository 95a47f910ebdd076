//! The shop of examples/shop, with its requests counted.

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    visitors::counted::serve().await
}
