use djanginxed::purges;

#[purges("articles")]
struct Article;

fn main() {
    let _ = Article;
}
