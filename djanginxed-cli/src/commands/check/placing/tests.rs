use super::*;

fn list(entries: &[&str]) -> Vec<Server> {
    Server::parse_list(entries).unwrap()
}

const GIVEN: [&str; 3] = [
    "127.0.0.1:1001",
    "127.0.0.1:1002",
    "127.0.0.1:1003 weight=2",
];

fn keys() -> impl Iterator<Item = (String, PageKey)> {
    (0..).map(|number| {
        let target = format!("/?{number}");
        let key = PageKey::new("site1", &target);
        (target, key)
    })
}

/// What `explain` says to the placing of `other`, seen on telling keys only.
fn explained(placement: Placement, other: &[&str], as_other: Placement) -> Option<Difference> {
    let given = Placing::new(list(&GIVEN), placement);
    let addresses: Vec<String> = list(&GIVEN).iter().map(Server::address).collect();
    let other = Placing::new(list(other), as_other);
    let placed: Vec<(PageKey, usize)> = (given.telling(keys()).iter())
        .map(|target| {
            let key = PageKey::new("site1", target);
            let at = other
                .address(other.server_of(&key))
                .replace("localhost", "127.0.0.1");
            let index = addresses.iter().position(|address| *address == at);
            (key, index.unwrap())
        })
        .collect();
    given.explain(&placed)
}

#[test]
fn the_given_list_needs_no_explanation() {
    for placement in [Placement::Consistent, Placement::Modulo] {
        assert_eq!(explained(placement, &GIVEN, placement), None);
    }
}

#[test]
fn each_difference_is_told_by_the_chosen_keys() {
    let (consistent, modulo) = (Placement::Consistent, Placement::Modulo);
    let [first, second, third] = GIVEN;
    assert_eq!(
        explained(consistent, &GIVEN, modulo),
        Some(Difference::Placement(modulo))
    );
    assert_eq!(
        explained(modulo, &GIVEN, consistent),
        Some(Difference::Placement(consistent))
    );
    assert_eq!(
        explained(modulo, &[second, first, third], modulo),
        Some(Difference::Order)
    );
    for placement in [consistent, modulo] {
        let missing = Some(Difference::Missing("127.0.0.1:1002".into()));
        assert_eq!(explained(placement, &[first, third], placement), missing);
        let weight = Some(Difference::Weight("127.0.0.1:1003".into()));
        let other = [first, second, "127.0.0.1:1003 weight=3"];
        assert_eq!(explained(placement, &other, placement), weight);
    }
    let spelling = Some(Difference::Spelling("127.0.0.1:1001".into()));
    let other = ["localhost:1001", second, third];
    assert_eq!(explained(consistent, &other, consistent), spelling);
}

#[test]
fn each_server_gets_a_key() {
    let given = Placing::new(list(&GIVEN), Placement::Consistent);
    let mut servers: Vec<usize> = (given.telling(keys()).iter())
        .map(|target| given.server_of(&PageKey::new("site1", target)))
        .collect();
    servers.sort_unstable();
    servers.dedup();
    assert_eq!(servers, [0, 1, 2]);
}
