use proptest::prelude::*;

use super::*;

const LARGE: usize = 1_000_000;

fn read(bytes: &[u8], flags: u32) -> Option<Entry> {
    Entry::read(Bytes::copy_from_slice(bytes), flags, Layout::Body)
}

fn zeros(length: usize) -> Bytes {
    vec![0; length].into()
}

#[test]
fn a_plain_body_is_its_own_entry_with_flags_0() {
    let entry = Entry::new(None, Bytes::from_static(b"<p>page</p>"));
    assert_eq!(entry.body(), "<p>page</p>");
    assert_eq!(
        (entry.coding(), entry.stored(true).flags),
        (Coding::Identity, 0)
    );
    assert_eq!(entry.unpacked(LARGE).unwrap(), "<p>page</p>");
}

#[test]
fn a_body_that_gzip_makes_smaller_is_packed_with_flags_2() {
    let entry = Entry::new(None, zeros(10_000)).packed();
    assert_eq!(
        (entry.coding(), entry.stored(true).flags),
        (Coding::Gzip, 2)
    );
    assert!(entry.body().len() < 200);
    assert_eq!(entry.unpacked(LARGE).unwrap(), zeros(10_000));
}

#[test]
fn a_body_that_gzip_makes_larger_stays_as_it_is() {
    let entry = Entry::new(None, Bytes::from_static(b"short"));
    assert_eq!(entry.clone().packed(), entry);
}

#[test]
fn what_is_packed_is_not_packed_again() {
    let packed = Entry::new(None, zeros(1_000_000)).packed();
    assert_eq!(packed.clone().packed(), packed);
}

#[test]
fn an_empty_item_is_no_page() {
    assert_eq!(read(b"", 0), None);
    assert_eq!(read(b"", 2), None);
}

#[test]
fn flags_of_others_are_no_page() {
    let packed = Entry::new(None, zeros(100)).packed();
    assert_eq!(read(b"page", 4), None, "a whole response's");
    for flags in [1, 3, 5, 6, 8, 16, 0x1_0002, u32::MAX] {
        assert_eq!(read(b"page", flags), None, "{flags}");
        assert_eq!(read(packed.body(), flags), None, "{flags}");
    }
}

#[test]
fn gzip_flags_without_gzip_bytes_are_no_page() {
    for bytes in [
        &b"page"[..],
        b"\x1f",
        b"\x1f\x8b",
        b"\x1f\x8b\x07",
        b"\x1f\x8c\x08",
    ] {
        assert_eq!(read(bytes, 2), None, "{bytes:?}");
    }
}

#[test]
fn gzip_bytes_without_gzip_flags_are_a_body_like_any_other() {
    let packed = Entry::new(None, zeros(100)).packed();
    let entry = read(packed.body(), 0).unwrap();
    assert_eq!(entry.coding(), Coding::Identity);
    assert_eq!(entry.unpacked(LARGE).unwrap(), packed.body());
}

#[test]
fn cut_or_changed_gzip_does_not_unpack() {
    let body: Bytes = (0..5_000_u32).flat_map(u32::to_le_bytes).collect();
    let packed = Entry::new(None, body.clone()).packed();
    let whole = packed.body();
    for length in [3, 10, whole.len() / 2, whole.len() - 1] {
        let cut = read(&whole[..length], 2).unwrap();
        assert_eq!(cut.unpacked(LARGE), None, "{length}");
    }
    // The last eight bytes are checksum and length.
    for at in [whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        let mut changed = whole.to_vec();
        changed[at] ^= 0x55;
        assert_eq!(read(&changed, 2).unwrap().unpacked(LARGE), None, "{at}");
    }
    let mut longer = whole.to_vec();
    longer.extend_from_slice(b"more");
    assert_eq!(read(&longer, 2).unwrap().unpacked(LARGE), None);
}

#[test]
fn several_gzip_members_are_one_body_as_for_nginx_and_browsers() {
    let mut members = gzip::pack(b"one, ").unwrap();
    members.extend(gzip::pack(b"two").unwrap());
    assert_eq!(
        read(&members, 2).unwrap().unpacked(LARGE).unwrap(),
        "one, two"
    );
}

#[test]
fn gzip_of_nothing_is_no_page() {
    let packed = gzip::pack(b"").unwrap();
    assert_eq!(read(&packed, 2).unwrap().unpacked(LARGE), None);
}

#[test]
fn a_bomb_is_unpacked_to_the_bound_and_no_further() {
    let fits = Entry::new(None, zeros(8_000)).packed();
    assert_eq!(fits.unpacked(1_000).unwrap().len(), 8_000);
    let bomb = Entry::new(None, zeros(8_001)).packed();
    assert_eq!(bomb.unpacked(1_000), None);
    let larger = Entry::new(None, zeros(50_000_000)).packed();
    assert_eq!(larger.unpacked(1_000), None);
}

#[test]
fn a_plain_entry_is_read_whatever_its_size() {
    let entry = read(&zeros(5_000), 0).unwrap();
    assert_eq!(entry.unpacked(1_000).unwrap().len(), 5_000);
}

#[test]
fn only_what_may_be_packed_may_be_larger_than_an_entry() {
    assert_eq!(max_body(1_000, false), 1_000);
    assert_eq!(max_body(1_000, true), 8_000);
    assert_eq!(max_body(usize::MAX, true), usize::MAX);
}

#[test]
fn a_bound_that_cannot_be_counted_is_no_bound() {
    let packed = Entry::new(None, zeros(10_000)).packed();
    assert_eq!(packed.unpacked(usize::MAX).unwrap().len(), 10_000);
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let repeated = (prop::collection::vec(any::<u8>(), 1..20), 1..200_usize);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..2_000),
        repeated.prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

proptest! {
    #[test]
    fn a_body_comes_back_as_it_was_packed_or_not(body in body()) {
        let plain = Entry::new(None, body.clone().into());
        let packed = plain.clone().packed();
        prop_assert!(packed.body().len() <= body.len());
        for entry in [plain, packed] {
            let read = read(entry.body(), entry.stored(true).flags).unwrap();
            prop_assert_eq!(&read, &entry);
            prop_assert_eq!(read.unpacked(LARGE).unwrap(), &body);
        }
    }

    #[test]
    fn no_stored_bytes_make_it_panic_or_grow_beyond_the_bound(
        tail in prop::collection::vec(any::<u8>(), 0..300),
        flags in prop_oneof![Just(0), Just(2), any::<u32>()],
        looks_packed: bool,
    ) {
        let mut bytes = if looks_packed { vec![0x1f, 0x8b, 8, 0] } else { Vec::new() };
        bytes.extend(tail);
        if let Some(entry) = read(&bytes, flags) {
            prop_assert!(flags == 0 || flags == 2);
            let packed = entry.coding() == Coding::Gzip;
            if let Some(body) = entry.unpacked(50) {
                prop_assert!(!body.is_empty());
                prop_assert!(!packed || body.len() <= 400);
            }
        }
    }

    #[test]
    fn one_changed_byte_never_gives_another_body(
        body in body(),
        at: prop::sample::Index,
        change in 1_u8..,
    ) {
        let packed = gzip::pack(&body).unwrap();
        let at = at.index(packed.len());
        let mut changed = packed;
        changed[at] ^= change;
        // Some bytes of the head mean nothing: time, system.
        if let Some(found) = read(&changed, 2).and_then(|entry| entry.unpacked(LARGE)) {
            prop_assert_eq!(found, body);
        }
    }
}
