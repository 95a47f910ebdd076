//! The servers, and a whole nginx.conf around them.

use super::http::host_pattern;
use super::md5::Md5;
use super::plan::{Plan, Reader};
use super::text::{Text, quoted};

pub(super) fn write(plan: &Plan, locations: &str) -> String {
    let mut text = Text::default();
    text.why("Hosts that are not this site's: a page must not be stored with a host name");
    text.why("in it that a stranger made up.");
    text.block("server", |text| default_server(text, plan));
    text.blank();
    text.block("server", |text| {
        listen(text, plan, "");
        let names: Vec<_> = (plan.server_names.iter())
            .map(|name| host_pattern(name))
            .collect();
        text.line(format_args!("server_name {}", names.join(" ")));
        tls(text, plan);
        merge_slashes(text);
        text.line(format_args!(
            "client_max_body_size {}",
            plan.client_max_body_size
        ));
        text.blank();
        text.paste(locations);
    });
    text.finish()
}

fn default_server(text: &mut Text, plan: &Plan) {
    // One default server is all that nginx takes for a port. Where there are
    // several sites, the first server that listens there is it: this one, or
    // another site's, and never one that has pages.
    let default = if plan.is_named { "" } else { " default_server" };
    listen(text, plan, default);
    text.line(format_args!("server_name {}", catch_all(plan)));
    if plan.tls.is_some() {
        text.line("ssl_reject_handshake on");
        text.line("ssl_protocols TLSv1.2 TLSv1.3");
    }
    // nginx reads it before it knows the host, so it counts here.
    merge_slashes(text);
    text.line("return 444");
}

/// No host's name; another one in each file, or nginx warns.
fn catch_all(plan: &Plan) -> String {
    match plan.is_named {
        true => format!("_{}", plan.name),
        false => "_".to_owned(),
    }
}

fn merge_slashes(text: &mut Text) {
    text.why("The application tells //a from /a; nginx chooses the location likewise.");
    text.line("merge_slashes off");
}

fn listen(text: &mut Text, plan: &Plan, default: &str) {
    let ssl = if plan.tls.is_some() { " ssl" } else { "" };
    for listen in &plan.listens {
        text.line(format_args!("listen {}{ssl}{default}", listen.address));
    }
}

fn tls(text: &mut Text, plan: &Plan) {
    let Some((certificate, key)) = &plan.tls else {
        return;
    };
    text.line(format_args!("ssl_certificate {}", quoted(certificate)));
    text.line(format_args!("ssl_certificate_key {}", quoted(key)));
    text.line("ssl_protocols TLSv1.2 TLSv1.3");
    text.line(format_args!(
        "ssl_session_cache shared:{}_tls:10m",
        plan.name
    ));
}

/// The whole nginx.conf; every path in it is below the folder of `nginx -p`.
pub(super) fn full(plan: &Plan, site: &str) -> String {
    let mut text = Text::default();
    if let Some(folder) = &plan.modules {
        for module in modules(plan) {
            text.line(format_args!(
                "load_module {}",
                quoted(&format!("{folder}/{module}"))
            ));
        }
    }
    text.line("worker_processes auto");
    text.why("Relative paths are below the folder given to nginx -p.");
    text.line("pid nginx.pid");
    text.line("error_log error.log");
    text.why("What stands in cookies is found several times as fast.");
    text.line("pcre_jit on");
    text.block("events", |text| text.line("worker_connections 1024"));
    text.block("http", |text| {
        text.line("access_log access.log combined buffer=64k flush=1s");
        text.why("With the variables that follow there are more than nginx has room for at first.");
        text.line("variables_hash_max_size 2048");
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            text.line(format_args!("{kind}_temp_path temp_{kind}"));
        }
        text.blank();
        text.paste(site);
    });
    text.finish()
}

fn modules(plan: &Plan) -> Vec<&'static str> {
    let mut modules = match plan.md5 {
        Md5::SetMisc => vec!["ndk_http_module.so", "ngx_http_set_misc_module.so"],
        Md5::Njs => vec!["ngx_http_js_module.so"],
    };
    if plan.reader() == Reader::Srcache {
        modules.push("ngx_http_srcache_filter_module.so");
    }
    modules
}
