use super::*;

const FILE: &str = "
    upstream pages { hash $memcached_key consistent; server 10.0.0.1:1 weight=2 max_fails=2;
        server 10.0.0.2:1; server 127.0.0.1:1 down; keepalive 64; }
    upstream inner { server 127.0.0.1:11280; }
    server { listen 127.0.0.1:11280; location = /0 { default_type text/html; memcached_pass pages; } }
    server { listen 80; server_name www.example.com *.example.org;
        location / { error_page 404 502 504 = @app; set_md5 $memcached_key site1$request_uri;
            proxy_pass http://inner/0?$memcached_key; }
        location ~ ^/own/ { return 200; }
        location = /exact { set $djanginxed_prefix \"site2\"; memcached_pass 10.0.0.9:1; } }";

fn site(url: &str) -> Option<Site> {
    Conf::parse(FILE).unwrap().site(&Url::parse(url).unwrap())
}

#[test]
fn a_location_and_its_servers_are_found_also_behind_an_inner_server() {
    let found = site("http://www.example.com/a?b").unwrap();
    assert_eq!(found.key.as_deref(), Some("site1$request_uri"));
    assert_eq!(found.content_type.as_deref(), Some("text/html"));
    let upstream = found.upstream.unwrap();
    let servers = [("10.0.0.1:1".to_owned(), 2), ("10.0.0.2:1".to_owned(), 1)];
    assert_eq!(
        (upstream.servers.as_slice(), upstream.consistent),
        (&servers[..], true)
    );
    let page = found.error_page.unwrap();
    assert!(page.equals && page.codes == ["404", "502", "504"]);
}

#[test]
fn nginx_chooses_the_location() {
    assert_eq!(
        site("http://a.example.org/own/x").unwrap().location,
        "~ ^/own/"
    );
    let exact = site("http://a.example.org/exact").unwrap();
    assert_eq!(exact.key.as_deref(), Some("site2$request_uri"));
    assert_eq!(
        exact.upstream.unwrap().servers,
        [("10.0.0.9:1".to_owned(), 1)]
    );
}

#[test]
fn a_variant_is_that_of_a_request_which_says_nothing() {
    let maps = "map $http_user_agent $a_vary1_in { default desktop; ~Mobi mobile; }
        map $http_x $a_vary1 { default $a_vary1_in; ~1 mobile; }
        map $a_vary0_in $a_vary0 { default en; ~de de; }";
    let file = FILE.replace(
        "site1$request_uri",
        "site1~$a_vary0~$a_vary1=a/b$request_uri",
    );
    let conf = Conf::parse(&format!("{maps} {file}")).unwrap();
    let url = Url::parse("http://www.example.com/a?b").unwrap();
    let key = conf.site(&url).unwrap().key.unwrap();
    assert_eq!(key, "site1~en~desktop=a/b$request_uri");
}

#[test]
fn a_target_without_ignored_parameters_is_the_target() {
    let file = FILE.replace("site1$request_uri", "site1$a_target");
    let key = |map: &str| {
        let conf = Conf::parse(&format!("{map} {file}")).unwrap();
        let url = Url::parse("http://www.example.com/a?b").unwrap();
        conf.site(&url).unwrap().key.unwrap()
    };
    let map = "map $a_kept $a_target { default $request_uri; \"~^(?<a>.*)&$\" $a; }";
    assert_eq!(key(map), "site1$request_uri");
    assert_eq!(key(&map.replace("$request_uri", "$uri")), "site1$a_target");
    assert_eq!(key(""), "site1$a_target");
}

#[test]
fn how_long_a_copy_is_kept_is_known() {
    let lag = |location: &str, server: &str| {
        let file = FILE.replace("error_page", &format!("{location} error_page"));
        let file = file.replace("listen 127", &format!("{server} listen 127"));
        let url = Url::parse("http://www.example.com/a").unwrap();
        Conf::parse(&file).unwrap().site(&url).unwrap().lag
    };
    let of = |text: &str| Some(text.to_owned());
    assert_eq!(lag("", ""), None);
    assert_eq!(lag("proxy_cache off;", ""), None);
    let second = "add_header X-Accel-Expires @$second;";
    assert_eq!(lag("proxy_cache z;", second), of("for up to 1 s"));
    let four = "add_header X-Accel-Expires 4;";
    assert_eq!(lag("proxy_cache z;", four), of("for up to 5 s"));
    let unknown = of("for as long as proxy_cache z keeps its copy");
    assert_eq!(lag("proxy_cache z;", ""), unknown);
}

#[test]
fn the_prefixes_of_the_file_are_known() {
    assert_eq!(Conf::parse(FILE).unwrap().prefixes(), ["site1", "site2"]);
}
