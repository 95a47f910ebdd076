//! Random words: what proves that a form came from a page of this process, or a request
//! from it, and the nonce of an answer.

use subtle::ConstantTimeEq;

use crate::hex;

/// The random token of a process, compared in constant time.
#[derive(Debug)]
pub(crate) struct Token {
    /// None where the system has no randomness: then nothing is accepted.
    digits: Option<String>,
}

impl Token {
    pub(crate) fn random() -> Token {
        let mut bytes = [0; 16];
        let filled = getrandom::fill(&mut bytes).ok();
        let digits = filled.map(|()| hex::sixteen(&bytes).map(char::from).iter().collect());
        Token { digits }
    }

    /// As forms carry it.
    pub(crate) fn digits(&self) -> &str {
        self.digits.as_deref().unwrap_or_default()
    }

    pub(crate) fn is(&self, given: &str) -> bool {
        let equals = |digits: &String| digits.as_bytes().ct_eq(given.as_bytes()).into();
        self.digits.as_ref().is_some_and(equals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_digits_are_accepted() {
        let (token, other) = (Token::random(), Token::random());
        assert_eq!(token.digits().len(), 32);
        assert!(token.is(token.digits()));
        for wrong in ["", other.digits(), &token.digits()[1..], &"0".repeat(32)] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn without_randomness_nothing_is_accepted() {
        let none = Token { digits: None };
        assert!(!none.is("") && !none.is(none.digits()));
    }
}
