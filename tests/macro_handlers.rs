//! Handlers of every form that actix-web accepts, annotated, compiled without
//! a warning and served.
#![deny(warnings, missing_docs, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]
// What the pages themselves are: small examples, some of them odd on purpose.
#![allow(clippy::unused_async, clippy::unwrap_used)]

#[path = "macro_handlers/app.rs"]
mod app;
#[path = "macro_handlers/arguments.rs"]
mod arguments;
#[path = "macro_handlers/bodies.rs"]
mod bodies;
#[path = "macro_handlers/generics.rs"]
mod generics;
#[path = "macro_handlers/hygiene.rs"]
mod hygiene;
#[path = "macro_handlers/lints.rs"]
mod lints;
#[path = "macro_handlers/macro_rules.rs"]
mod macro_rules;
#[path = "macro_handlers/returns.rs"]
mod returns;
#[path = "macro_handlers/routes.rs"]
mod routes;
#[path = "macro_handlers/settings.rs"]
mod settings;
