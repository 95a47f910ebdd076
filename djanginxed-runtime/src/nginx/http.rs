//! What stands in nginx's `http` block beside the servers.

use super::plan::Plan;
use super::site::Md5;
use super::text::{Text, quoted};

pub(super) fn write(plan: &Plan) -> String {
    let mut text = Text::default();
    memcached(&mut text, plan);
    text.blank();
    application(&mut text, plan);
    text.blank();
    bypass(&mut text, plan);
    if plan.md5 == Md5::Njs {
        text.blank();
        njs(&mut text, plan);
    }
    text.finish()
}

fn memcached(text: &mut Text, plan: &Plan) {
    text.why("The application's Memcached servers: same addresses, order and weights as there.");
    text.block(format_args!("upstream {}_memcached", plan.name), |text| {
        if !plan.single_memcached {
            text.why("Decides which server has a page; the application computes the same.");
        }
        for line in &plan.memcached {
            text.line(line);
        }
        if plan.single_memcached {
            text.why("Never asked. nginx does not count failures of an only server, and with a");
            text.why("hung Memcached every visitor would wait for the time-outs below.");
            text.line("server 127.0.0.1:1 down");
        }
        text.why("Keeps connections open: more than twice the hits per second.");
        text.line("keepalive 64");
        text.line("keepalive_requests 100000");
    });
}

fn application(text: &mut Text, plan: &Plan) {
    text.block(format_args!("upstream {}_app", plan.name), |text| {
        for address in &plan.applications {
            text.line(format_args!("server {address}"));
        }
        text.line("keepalive 32");
        text.why("actix closes an idle connection after 5 s; nginx lets go of it first, so");
        text.why("that no POST, which cannot be repeated, meets a closed one.");
        text.line("keepalive_timeout 4s");
    });
}

fn bypass(text: &mut Text, plan: &Plan) {
    let name = &plan.name;
    text.why("WebSocket, and no other protocol, may take over a connection.");
    text.block(format_args!("map $http_upgrade ${name}_upgrade"), |text| {
        text.line("default \"\"");
        text.line("~*^websocket$ upgrade");
    });
    text.why("memcached_pass drops the body of a GET; the application must see it.");
    text.block(
        format_args!("map $http_content_length ${name}_body"),
        |text| {
            text.line("default 1");
            text.line("\"\" \"\"");
            text.line("0 \"\"");
        },
    );
    cookies(text, plan);
    hosts(text, plan);
    text.why("nginx answers hits before the application sees them: who must not get a");
    text.why("stored page is known here, by the application's own bypass rules.");
    let head = format!("map \"{}\" ${name}_bypass", bypass_variables(plan));
    text.block(head, |text| {
        text.line("default 1");
        text.line("\"\" \"\"");
    });
}

fn bypass_variables(plan: &Plan) -> String {
    let name = &plan.name;
    let mut variables =
        format!("$http_authorization$http_transfer_encoding${name}_body${name}_upgrade");
    for header in &plan.bypass_headers {
        variables.push_str(header);
    }
    if !plan.bypass_cookies.is_empty() {
        variables.push_str(&format!("${name}_cookie"));
    }
    if !plan.hosts.is_empty() {
        variables.push_str(&format!("${name}_foreign"));
    }
    variables
}

fn cookies(text: &mut Text, plan: &Plan) {
    if plan.bypass_cookies.is_empty() {
        return;
    }
    let names = plan.bypass_cookies.join("|");
    text.block(
        format_args!("map $http_cookie ${}_cookie", plan.name),
        |text| {
            text.line("default \"\"");
            text.line(format_args!("\"~*(^|[;, ])({names}) *=\" 1"));
        },
    );
}

fn hosts(text: &mut Text, plan: &Plan) {
    if plan.hosts.is_empty() {
        return;
    }
    text.why("Pages of other hosts are neither stored nor served.");
    text.block(format_args!("map $host ${}_foreign", plan.name), |text| {
        text.line("default 1");
        for host in &plan.hosts {
            // A regular expression, since long names do not fit into nginx's hash.
            text.line(format_args!("~^{}$ \"\"", host.replace('.', "\\.")));
        }
    });
}

fn njs(text: &mut Text, plan: &Plan) {
    let (name, path) = (&plan.name, quoted(&plan.script_path));
    text.why("The md5 of key prefix and request target, in JavaScript.");
    text.line(format_args!("js_import {name} from {path}"));
    text.line(format_args!("js_set ${name}_key {name}.key"));
}
