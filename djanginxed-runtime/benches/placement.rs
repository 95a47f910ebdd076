//! What it costs to find a page's server: `cargo bench --bench placement`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use djanginxed_runtime::tool::{Ring, Server};
use djanginxed_runtime::{PageKey, Placement};

fn one_placement(criterion: &mut Criterion) {
    // Many keys, so that neither the ring nor the branches are already warm.
    let keys: Vec<_> = (0..4_096)
        .map(|n| PageKey::new("site1", &format!("/articles/{n}")))
        .collect();
    let entries = (1..=16).map(|n| format!("10.0.0.{n}:11211"));
    let servers = Server::parse_list(entries).expect("sixteen different servers");
    for placement in [Placement::Consistent, Placement::Modulo] {
        let ring = Ring::new(&servers, placement);
        let mut keys = keys.iter().cycle();
        criterion.bench_function(&format!("{placement:?}, 16 servers"), |bencher| {
            bencher.iter(|| keys.next().map(|key| ring.server_of(black_box(key))));
        });
    }
}

criterion_group!(benches, one_placement);
criterion_main!(benches);
