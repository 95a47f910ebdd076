use super::*;

fn key(number: u32) -> PageKey {
    PageKey::new("site1", &format!("/{number}"))
}

#[test]
fn a_render_stores_while_its_key_is_not_deleted() {
    let deletes = Deletes::default();
    let stamp = deletes.stamp();
    for _ in 0..2 {
        assert_eq!(
            deletes.unless_deleted(&key(1), &[], stamp, || "stored"),
            Some("stored")
        );
    }
}

#[test]
fn a_render_that_began_before_a_delete_does_not_store() {
    let deletes = Deletes::default();
    let stamp = deletes.stamp();
    assert_eq!(deletes.delete(&key(1), || "removed"), "removed");
    let stored = deletes.unless_deleted(&key(1), &[], stamp, || panic!("stored after a delete"));
    assert!(stored.is_none());
}

#[test]
fn a_render_that_began_after_a_delete_stores() {
    let deletes = Deletes::default();
    deletes.delete(&key(1), || ());
    let stamp = deletes.stamp();
    assert!(deletes.unless_deleted(&key(1), &[], stamp, || ()).is_some());
}

#[test]
fn every_delete_counts_and_not_only_the_first() {
    let deletes = Deletes::default();
    let mut stamps = Vec::new();
    for _ in 0..10 {
        stamps.push(deletes.stamp());
        deletes.delete(&key(1), || ());
    }
    for stamp in stamps {
        assert!(deletes.unless_deleted(&key(1), &[], stamp, || ()).is_none());
    }
}

#[test]
fn a_delete_leaves_all_other_keys_alone() {
    let deletes = Deletes::default();
    let stamp = deletes.stamp();
    deletes.delete(&key(5000), || ());
    for number in 0..5000 {
        let stored = deletes.unless_deleted(&key(number), &[], stamp, || ());
        assert!(stored.is_some(), "{number}");
    }
}

#[test]
fn deletes_are_forgotten_in_bounds_and_then_every_older_render_is_outdated() {
    let deletes = Deletes::default();
    let before = deletes.stamp();
    deletes.delete(&key(0), || ());
    let behind = deletes.stamp();
    let noted = |number: usize| key(number as u32);
    // A page that is deleted again is the last to be forgotten.
    (1..MAX_NOTED).for_each(|number| deletes.delete(&noted(number), || ()));
    (1..MAX_NOTED).for_each(|number| deletes.delete(&noted(number), || ()));
    let other = key(u32::MAX);
    let is_kept = |stamp| {
        let stored = deletes.unless_deleted(&other, &[], stamp, || ());
        assert_eq!(stored.is_none(), deletes.is_deleted(&other, stamp));
        stored.is_some()
    };
    assert!(is_kept(before));
    deletes.delete(&noted(MAX_NOTED), || ());
    assert!(!is_kept(before));
    assert!(is_kept(behind));
    assert_eq!(deletes.noted().pages.values.len(), MAX_NOTED);
}

/// Nobody stores while `remove` runs what it is given, nor is anything removed during a store.
#[track_caller]
fn never_overlaps_with_a_store(remove: impl FnOnce(&Deletes, &dyn Fn() -> bool) -> bool) {
    let deletes = Deletes::default();
    let stamp = deletes.stamp();
    let can_write = || deletes.noted.try_write().is_ok();
    let during = deletes.unless_deleted(&key(1), &[], stamp, can_write);
    assert_eq!(during, Some(false));
    assert!(!remove(&deletes, &|| deletes.noted.try_read().is_ok()));
    assert!(can_write());
}

#[test]
fn a_store_and_a_delete_never_overlap() {
    never_overlaps_with_a_store(|deletes, can_read| deletes.delete(&key(1), can_read));
}

#[test]
fn a_panic_inside_leaves_all_usable() {
    let deletes = Deletes::default();
    let stamp = deletes.stamp();
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
    let deletes = Deletes::default();
    let tags = [tag("a"), tag("b")];
    let before = deletes.stamp();
    deletes.purge(&[tag("c")], || ());
    assert!(stores(&deletes, &tags, before));
    deletes.purge(&[tag("c"), tag("b")], || ());
    assert!(!stores(&deletes, &tags, before));
    assert!(stores(&deletes, &tags, deletes.stamp()));
    assert!(stores(&deletes, &[tag("a")], before));
}

#[test]
fn purges_are_forgotten_in_bounds_and_then_every_older_render_is_purged() {
    let deletes = Deletes::default();
    let before = deletes.stamp();
    let numbered = |number: usize| tag(&format!("tag:{number}"));
    deletes.purge(&[numbered(0)], || ());
    let behind = deletes.stamp();
    for number in 1..MAX_NOTED {
        deletes.purge(&[numbered(number)], || ());
    }
    assert!(stores(&deletes, &[tag("other")], before));
    deletes.purge(&[tag("one more")], || ());
    assert!(!stores(&deletes, &[tag("other")], before));
    assert!(stores(&deletes, &[tag("other")], behind));
    assert_eq!(deletes.noted().tags.values.len(), MAX_NOTED);
}

#[test]
fn a_store_and_a_purge_never_overlap() {
    never_overlaps_with_a_store(|deletes, can_read| deletes.purge(&[tag("a")], can_read));
}
