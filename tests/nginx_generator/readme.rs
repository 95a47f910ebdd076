//! The README shows what the generator writes, word for word but for the long list of
//! fields that nobody believes.

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
    let section = format!("```nginx\n{}```\n", shortened(&files.site()));
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

/// Fields of the list that are shown.
const SHOWN: usize = 3;

/// The list of cleared fields, which has hundreds, by its first ones.
fn shortened(site: &str) -> String {
    let is_cleared = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        matches!(words[..], ["proxy_set_header", _, "\"\";"])
    };
    let lines: Vec<_> = site.split_inclusive('\n').collect();
    let runs = lines.chunk_by(|one, next| is_cleared(one) && is_cleared(next));
    let run = |run: &[&str]| match run.len().checked_sub(SHOWN) {
        Some(more) if more > 100 => {
            let shown = run[..SHOWN].concat();
            format!("{shown}        # … and {more} more.\n")
        }
        _ => run.concat(),
    };
    runs.map(run).collect()
}
