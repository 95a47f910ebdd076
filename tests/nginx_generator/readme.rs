//! The README shows what the generator writes, word for word.

use djanginxed::PageCache;
use djanginxed::nginx::Site;

const BEGIN: &str = "<!-- nginx:begin -->\n";
const END: &str = "<!-- nginx:end -->";

#[test]
fn the_readme_shows_the_generated_file() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .key_prefix("site1")
        .bypass_cookie("sessionid")
        .build()
        .unwrap();
    let files = Site::new(&pages)
        .server_name("www.example.com")
        .app("127.0.0.1:8080")
        .generate()
        .unwrap();
    let section = format!("```nginx\n{}```\n", files.site());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{section}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            shown, section,
            "run this test with UPDATE_README=1 to write what the generator writes now"
        );
    }
}
