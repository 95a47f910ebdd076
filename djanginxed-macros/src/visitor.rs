//! Extractors of what is each visitor's own.

use quote::ToTokens;
use syn::{FnArg, Signature};

use crate::generics::names;

/// The names under which actix-session and actix-identity have them.
const EXTRACTORS: [&str; 2] = ["Session", "Identity"];

/// One of them that the handler takes, alone or within another type, as in
/// `Option<Identity>`. A macro sees names alone: one that was given another is not found.
pub(crate) fn extractor(sig: &Signature) -> Option<&'static str> {
    let takes = |extractor: &str| {
        sig.inputs.iter().any(|input| match input {
            FnArg::Typed(argument) => {
                names(argument.ty.to_token_stream(), &|word| word == extractor)
            }
            FnArg::Receiver(_) => false,
        })
    };
    EXTRACTORS.into_iter().find(|extractor| takes(extractor))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_session_is_found_by_its_name_wherever_it_stands() {
        let of = |sig: Signature| extractor(&sig);
        let session = Some("Session");
        assert_eq!(
            of(parse_quote!(async fn a(id: Path<u32>, Session(s): Session))),
            session
        );
        assert_eq!(
            of(parse_quote!(async fn a(s: actix_session::Session))),
            session
        );
        assert_eq!(
            of(parse_quote!(async fn a((who, id): (Option<Identity>, Path<u32>)))),
            Some("Identity")
        );
        assert_eq!(
            of(parse_quote!(async fn a(id: Path<SessionId>, who: User))),
            None
        );
    }
}
