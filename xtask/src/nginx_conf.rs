//! nginx's side of the demo.

/// Where the demo's parts listen on 127.0.0.1.
pub(crate) struct Ports {
    pub(crate) nginx: u16,
    pub(crate) memcached: u16,
    pub(crate) site: u16,
}

/// What stands inside `http { … }`, for pages stored under `key_prefix`.
pub(crate) fn nginx_conf(ports: &Ports, key_prefix: &str) -> String {
    let Ports {
        nginx,
        memcached,
        site,
    } = ports;
    format!(
        r#"
charset utf-8;

upstream pages {{
    server 127.0.0.1:{memcached} max_fails=2 fail_timeout=5s;
    # nginx never skips an only server: with one that refuses at once beside
    # it, a hung Memcached is left alone for fail_timeout.
    server 127.0.0.1:1 backup;
    keepalive 64;
}}
upstream site {{
    server 127.0.0.1:{site};
    keepalive 16;
}}
server {{
    listen 127.0.0.1:{nginx};

    # With the "=" the application's own status goes out, not the error's.
    error_page 404 405 418 500 502 504 = @site;

    set_md5 $memcached_key {key_prefix}$request_uri;
    memcached_connect_timeout 100ms;
    memcached_send_timeout 200ms;
    memcached_read_timeout 200ms;
    memcached_buffer_size 64k;

    location / {{
        # What the application does not look up, nginx must not either.
        if ($http_authorization) {{ return 418; }}
        default_type text/html;
        memcached_pass pages;
        add_header Cache-Status "nginx; hit";
    }}
    location = /style.css {{
        if ($http_authorization) {{ return 418; }}
        default_type text/css;
        memcached_pass pages;
        add_header Cache-Status "nginx; hit";
    }}
    location @site {{
        proxy_pass http://site;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header Forwarded "";
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"#
    )
}
