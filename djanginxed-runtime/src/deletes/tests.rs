use super::*;

fn key(number: u32) -> PageKey {
    PageKey::new("site1", &format!("/{number}"))
}

#[test]
fn a_render_stores_while_its_key_is_not_deleted() {
    let deletes = Deletes::new();
    let stamp = deletes.stamp(&key(1));
    for _ in 0..2 {
        assert_eq!(
            deletes.unless_deleted(&key(1), &[], stamp, || "stored"),
            Some("stored")
        );
    }
}

#[test]
fn a_render_that_began_before_a_delete_does_not_store() {
    let deletes = Deletes::new();
    let stamp = deletes.stamp(&key(1));
    assert_eq!(deletes.delete(&key(1), || "removed"), "removed");
    let stored = deletes.unless_deleted(&key(1), &[], stamp, || panic!("stored after a delete"));
    assert!(stored.is_none());
}

#[test]
fn a_render_that_began_after_a_delete_stores() {
    let deletes = Deletes::new();
    deletes.delete(&key(1), || ());
    let stamp = deletes.stamp(&key(1));
    assert!(deletes.unless_deleted(&key(1), &[], stamp, || ()).is_some());
}

#[test]
fn every_delete_counts_and_not_only_the_first() {
    let deletes = Deletes::new();
    let mut stamps = Vec::new();
    for _ in 0..10 {
        stamps.push(deletes.stamp(&key(1)));
        deletes.delete(&key(1), || ());
    }
    for stamp in stamps {
        assert!(deletes.unless_deleted(&key(1), &[], stamp, || ()).is_none());
    }
}

#[test]
fn a_delete_leaves_nearly_all_other_keys_alone() {
    let deletes = Deletes::new();
    let stamps: Vec<_> = (0..1000).map(|n| deletes.stamp(&key(n))).collect();
    deletes.delete(&key(5000), || ());
    let stores = |(n, &stamp): (usize, _)| {
        deletes
            .unless_deleted(&key(n as u32), &[], stamp, || ())
            .is_some()
    };
    let stored = stamps
        .iter()
        .enumerate()
        .filter(|&found| stores(found))
        .count();
    // One counter in 1,024 is expected; fifty would be no accident.
    assert!(stored > 950, "{stored}");
}

#[test]
fn a_store_and_a_delete_of_one_key_never_overlap() {
    let deletes = Deletes::new();
    let locked = || {
        let is_locked = |counter: &&Mutex<u64>| counter.try_lock().is_err();
        deletes.counters.iter().filter(is_locked).count()
    };
    let stamp = deletes.stamp(&key(1));
    assert_eq!(deletes.unless_deleted(&key(1), &[], stamp, locked), Some(1));
    assert_eq!(deletes.delete(&key(1), locked), 1);
    assert_eq!(locked(), 0);
}

#[test]
fn a_panic_inside_leaves_the_counters_usable() {
    let deletes = Deletes::new();
    let stamp = deletes.stamp(&key(1));
    let panicked = std::panic::catch_unwind(|| deletes.delete(&key(1), || panic!("on purpose")));
    assert!(panicked.is_err());
    assert!(deletes.unless_deleted(&key(1), &[], stamp, || ()).is_none());
    deletes.delete(&key(1), || ());
}

fn tag(name: &str) -> TagKey {
    TagKey::new("site1", name)
}

fn stores(deletes: &Deletes, tags: &[TagKey], stamp: Stamp) -> bool {
    deletes
        .unless_deleted(&key(1), tags, stamp, || ())
        .is_some()
}

#[test]
fn a_render_that_began_before_a_purge_of_one_of_its_tags_does_not_store() {
    let deletes = Deletes::new();
    let tags = [tag("a"), tag("b")];
    let before = deletes.stamp(&key(1));
    deletes.purge(&[tag("c")], || ());
    assert!(stores(&deletes, &tags, before));
    deletes.purge(&[tag("c"), tag("b")], || ());
    assert!(!stores(&deletes, &tags, before));
    assert!(stores(&deletes, &tags, deletes.stamp(&key(1))));
    assert!(stores(&deletes, &[tag("a")], before));
}

#[test]
fn purges_are_forgotten_in_bounds_and_then_every_older_render_is_purged() {
    let deletes = Deletes::new();
    let before = deletes.stamp(&key(1));
    let numbered = |number: usize| tag(&format!("tag:{number}"));
    deletes.purge(&[numbered(0)], || ());
    let behind = deletes.stamp(&key(1));
    for number in 1..MAX_TAGS {
        deletes.purge(&[numbered(number)], || ());
    }
    assert!(stores(&deletes, &[tag("other")], before));
    deletes.purge(&[tag("one more")], || ());
    assert!(!stores(&deletes, &[tag("other")], before));
    assert!(stores(&deletes, &[tag("other")], behind));
    assert_eq!(deletes.purges().tags.values.len(), MAX_TAGS);
}

#[test]
fn a_store_and_a_purge_never_overlap() {
    let deletes = Deletes::new();
    let stamp = deletes.stamp(&key(1));
    let can_write = || deletes.purges.try_write().is_ok();
    let during = deletes.unless_deleted(&key(1), &[], stamp, can_write);
    assert_eq!(during, Some(false));
    assert!(!deletes.purge(&[tag("a")], || deletes.purges.try_read().is_ok()));
    assert!(can_write());
}
