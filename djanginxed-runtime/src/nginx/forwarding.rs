//! Request headers in which proxies tell an application what it cannot see.

/// Fields that nginx's file clears on the way to the application, beside the
/// ones that it sets itself.
///
/// An application, or a middleware in it, that believes one of these writes what
/// it says into links and redirects, answers for another path, or takes a GET
/// for another method; and what it answers to a visitor who made the field up
/// would then be stored for everyone. None of them is in the key. A proxy before
/// nginx that says something true there is for nginx's realip module, or for a
/// `proxy_set_header` of one's own.
///
/// No standard says which there are: these are what web frameworks, CDNs and
/// other proxies read and write.
pub const FORWARDING_HEADERS: &[&str] = &[
    // Who asked: RFC 7239's field, and its forerunners.
    "Forwarded",
    "X-Forwarded",
    "Forwarded-For",
    "X-Forwarded-By",
    "X-Forwarded-Client-IP",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-Originating-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "CF-Visitor",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    // Which host and port.
    "X-Forwarded-Server",
    "X-Forwarded-Port",
    "X-Host",
    "X-Original-Host",
    "X-HTTP-Host-Override",
    // Which scheme.
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-SSL",
    "X-Scheme",
    "X-Url-Scheme",
    "X-Https",
    "Front-End-Https",
    // Which path.
    "X-Forwarded-Prefix",
    "X-Forwarded-Path",
    "X-Forwarded-Uri",
    "X-Script-Name",
    "X-Original-URL",
    "X-Original-URI",
    "X-Rewrite-URL",
    "X-Request-URI",
    // Which method.
    "X-Forwarded-Method",
    "X-Original-Method",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
];
