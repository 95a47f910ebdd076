//! Requests that are more than a GET of a page.

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use crate::commands::check::answer::{By, by, is_bypass, is_nginx_error_page, said, seen};
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, Method, Rule, STRANGER, Trial};
use crate::http::Response;

const NO_ROUTE: &str = "The application has no HEAD route; write \
    #[route(\"…\", method = \"GET\", method = \"HEAD\")] to answer it on a miss too";

fn method<'a>(facts: &'a Facts, name: &str) -> Option<&'a Method> {
    facts.methods.iter().find(|method| method.name == name)
}

pub(super) fn passes(facts: &Facts, name: &'static str) -> Verdict {
    let Some(method) = method(facts, name) else {
        return Unchecked("it was not sent".to_owned());
    };
    let answer = match &method.answer {
        Ok(answer) => answer,
        Err(problem) => return Bad(Cause::MethodByNginx(name), problem.to_string()),
    };
    if is_nginx_error_page(answer) || by(answer) == By::Nginx {
        let seen = format!("nginx answers {name} itself: {}", seen(answer));
        return Bad(Cause::MethodByNginx(name), seen);
    }
    if let Some(Ok(direct)) = &method.direct {
        return compare(name, answer, direct);
    }
    // The handler ran, so the status is nginx's.
    if matches!(answer.status, 405 | 418) && by(answer) != By::Unknown {
        let seen = format!(
            "{name} reaches the page and is answered with status {}",
            answer.status
        );
        return Bad(Cause::MethodDiffers(name), seen);
    }
    Good(format!(
        "the application answers {name}: status {}",
        answer.status
    ))
}

pub(super) fn head(facts: &Facts) -> Verdict {
    let (Some(method), Some(trial)) = (method(facts, "HEAD"), facts.trial()) else {
        return Unchecked("it was not sent".to_owned());
    };
    let answer = match &method.answer {
        Ok(answer) => answer,
        Err(problem) => return Bad(Cause::MethodDiffers("HEAD"), problem.to_string()),
    };
    let status = trial.second.as_ref().map_or(0, |second| second.status);
    if let Some(Ok(direct)) = &method.direct {
        // A hit knows no routes.
        if has_no_head(direct) && answer.status == status {
            return Good(format!("nginx answers it on a hit. {NO_ROUTE}"));
        }
        return compare("HEAD", answer, direct);
    }
    if answer.status != status {
        let seen = format!("HEAD has status {}, GET {status}", answer.status);
        return Bad(Cause::MethodDiffers("HEAD"), seen);
    }
    Good(format!("HEAD answers as GET: status {status}"))
}

/// actix's `#[get]` leaves HEAD to the default service, usually 404.
pub(super) fn has_no_head(response: &Response) -> bool {
    matches!(response.status, 404 | 405)
}

fn compare(name: &'static str, answer: &Response, direct: &Response) -> Verdict {
    if answer.status == direct.status {
        return Good(format!(
            "as the application itself: status {}",
            direct.status
        ));
    }
    let seen = format!(
        "status {}, and the application's own is {}",
        answer.status, direct.status
    );
    // An answer without Cache-Status never reached the handler.
    if by(answer) == By::Unknown && by(direct) != By::Unknown {
        return Bad(Cause::MethodByNginx(name), seen);
    }
    Bad(Cause::MethodDiffers(name), seen)
}

/// Who used the cache for a request that must not get a stored page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Used {
    Nginx,
    /// Both: the application does, too, when it is asked directly.
    Both,
    Application,
    /// The application, which does not when it is asked directly.
    FieldLost,
    Nobody,
}

fn used(rule: &Rule) -> Used {
    let Ok(answer) = &rule.answer else {
        return Used::Nobody;
    };
    let direct = rule.direct.as_ref().and_then(|direct| direct.as_ref().ok());
    let by_nginx = match direct.map(by) {
        Some(By::Application | By::Stored | By::Streamed) => Used::Both,
        _ => Used::Nginx,
    };
    match by(answer) {
        By::Nginx => by_nginx,
        // nginx serves ranges of what is stored, also where it says nothing.
        By::Unknown if answer.header("accept-ranges").is_some() => by_nginx,
        By::Application | By::Stored | By::Streamed => match direct {
            Some(direct) if is_bypass(direct) => Used::FieldLost,
            _ => Used::Application,
        },
        _ => Used::Nobody,
    }
}

pub(super) fn rules(facts: &Facts, fact: &'static str) -> Verdict {
    let mut mine = facts
        .rules
        .iter()
        .filter(|rule| rule.fact == fact)
        .peekable();
    if mine.peek().is_none() {
        return Unchecked(format!("give --{fact} where there are some"));
    }
    if facts.trial().is_some_and(Trial::is_silent) {
        return Unchecked("without Cache-Status nothing tells who answers".to_owned());
    }
    let Some(broken) = mine.clone().find(|rule| used(rule) != Used::Nobody) else {
        return Good(mine.filter_map(kept).collect::<Vec<_>>().join("; "));
    };
    let by_whom = used(broken);
    let all = facts.rules.iter().filter(|rule| used(rule) == by_whom);
    let names: Vec<String> = all.map(Rule::words).collect();
    let cause = match by_whom {
        Used::Nginx => Cause::NginxRules(names),
        Used::Both => Cause::BypassOption(names),
        Used::FieldLost => Cause::RuleFieldLost(broken.field().to_owned()),
        Used::Application | Used::Nobody => Cause::ApplicationRules(names),
    };
    let seen = format!(
        "{}: {} does not bypass the cache: {}",
        broken.field(),
        broken.value,
        said(&broken.answer)
    );
    Bad(cause, seen)
}

fn kept(rule: &Rule) -> Option<String> {
    let answer = rule.answer.as_ref().ok()?;
    Some(format!(
        "{} is not answered from the cache: {}",
        rule.words(),
        seen(answer)
    ))
}

impl Rule {
    fn field(&self) -> &str {
        match self.fact {
            "bypass-cookie" => "Cookie",
            _ => &self.name,
        }
    }

    /// `Cookie: NAME`, or the field's name.
    fn words(&self) -> String {
        match self.fact {
            "bypass-cookie" => format!("Cookie: {}", self.name),
            _ => self.name.clone(),
        }
    }
}

pub(super) fn foreign_host(facts: &Facts) -> Verdict {
    let Some(strangers) = &facts.strangers else {
        return Unchecked("it was not sent".to_owned());
    };
    let Ok(answer) = &strangers.host else {
        return Good("is not answered".to_owned());
    };
    if shows(answer) || strangers.after.as_ref().is_ok_and(shows) {
        let seen = format!(
            "a page for the host {STRANGER} shows that name: {}",
            seen(answer)
        );
        return Bad(Cause::ForeignHost, seen);
    }
    Good(format!("does not show up in the page: {}", seen(answer)))
}

fn shows(response: &Response) -> bool {
    String::from_utf8_lossy(&response.body).contains(STRANGER)
}

pub(super) fn forwarded(facts: &Facts) -> Verdict {
    let Some(strangers) = &facts.strangers else {
        return Unchecked("it was not sent".to_owned());
    };
    if strangers.believed.is_empty() {
        return Good(format!(
            "none of {} forwarding fields of a visitor shows up in the page",
            strangers.sent
        ));
    }
    let fields = strangers.believed.clone();
    let seen = format!(
        "a visitor's {} shows up in the page, which is stored",
        fields.join(", ")
    );
    Bad(Cause::Forwarded(fields), seen)
}
