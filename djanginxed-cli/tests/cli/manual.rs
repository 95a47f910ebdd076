use crate::tool::run;

#[test]
fn the_manual_names_environment_examples_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("man1");
    let done = run(["man", "--output", path.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{done:?}");
    let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    for name in ["djanginxed.1", "djanginxed-check.1", "djanginxed-nginx.1"] {
        let page = read(name);
        for section in [".SH ENVIRONMENT", ".SH \"EXIT STATUS\"", ".SH EXAMPLES"] {
            assert!(page.contains(section), "{section} is not in {name}");
        }
        assert!(page.contains("DJANGINXED_SERVERS") && page.contains("\\fB130\\fR"));
    }
    assert!(read("djanginxed-nginx.1").contains("DJANGINXED_GZIP"));
    assert!(read("djanginxed-purge.1").contains("djanginxed purge \\-\\-servers"));
    assert!(read("djanginxed-warm.1").contains("djanginxed warm \\-\\-sitemap"));
    assert_eq!(run(["man"]).out, read("djanginxed.1"));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("man1");
    for bad in [&file, &below] {
        let done = run(["man", "-o", bad.to_str().unwrap()]);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
        let told = format!("djanginxed: --output {}: ", bad.display());
        assert!(done.err.starts_with(&told), "{}", done.err);
    }
    // There is a folder where the page is to be.
    let page = folder.path().join("djanginxed.1");
    std::fs::create_dir(&page).unwrap();
    let done = run(["man", "-o", folder.path().to_str().unwrap()]);
    assert_eq!(done.code, 1, "{done:?}");
    let told = format!("djanginxed: --output {}: ", page.display());
    assert!(done.err.starts_with(&told), "{}", done.err);
}

#[test]
fn fish_reads_whole_descriptions() {
    let script = run(["completions", "fish"]).out;
    assert!(script.contains("hash \\$memcached_key consistent;"));
    assert!(!script.contains("hash $memcached_key"));
}
