use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn tag(number: usize) -> Debt {
    Debt::Tag(TagKey::new("site1", &number.to_string()))
}

fn page(number: usize) -> Debt {
    Debt::Page(PageKey::new("site1", &format!("/{number}")))
}

fn everything() -> Debt {
    Debt::Tag(TagKey::everything("site1"))
}

fn owed() -> Owed {
    Owed::new(TagKey::everything("site1"))
}

/// What is asked for at some moment.
fn asked(owed: &mut Owed, now: Instant) -> Vec<Debt> {
    match owed.is_due(now) {
        true => owed.take(),
        false => Vec::new(),
    }
}

#[test]
fn equal_debts_are_kept_once_and_asked_for_in_their_order() {
    let (mut owed, now) = (owed(), Instant::now());
    assert!(owed.is_empty());
    assert_eq!(owed.add([tag(1), page(1)], now), Added::First);
    assert_eq!(owed.add([page(1)], now), Added::More);
    assert_eq!(owed.len(), 2);
    assert_eq!(asked(&mut owed, now + SECOND), [tag(1), page(1)]);
}

#[test]
fn more_than_there_is_room_for_is_everything() {
    let (mut owed, now) = (owed(), Instant::now());
    assert_eq!(owed.add((0..MAX_DEBTS).map(tag), now), Added::First);
    assert_eq!(owed.add((0..MAX_DEBTS).map(tag), now), Added::More);
    assert_eq!(owed.len(), MAX_DEBTS);
    assert_eq!(owed.add([page(1)], now), Added::Full);
    assert_eq!(owed.len(), 1);
    assert_eq!(owed.add([page(2)], now), Added::More, "it is told once");
    assert_eq!(asked(&mut owed, now + SECOND), [everything()]);
    owed.done([everything()]);
    assert!(owed.is_empty());
}

#[test]
fn what_is_being_asked_for_counts_and_comes_back_into_everything() {
    let (mut owed, now) = (owed(), Instant::now());
    owed.add((0..MAX_DEBTS).map(tag), now);
    let taken = asked(&mut owed, now + SECOND);
    assert_eq!(taken.len(), BATCH);
    assert_eq!(owed.len(), MAX_DEBTS);
    assert_eq!(owed.add([page(1)], now), Added::Full);
    assert_eq!(owed.len(), BATCH + 1);
    owed.failed(taken, now);
    assert_eq!(owed.len(), 1);
}

#[test]
fn everything_that_fails_takes_in_what_came_meanwhile() {
    let (mut owed, now) = (owed(), Instant::now());
    owed.add((0..=MAX_DEBTS).map(tag), now);
    assert_eq!(asked(&mut owed, now + SECOND), [everything()]);
    owed.add([tag(1)], now);
    assert_eq!(owed.len(), 2);
    owed.failed([everything()], now);
    assert_eq!(owed.len(), 1);
}

/// The first may have been on its way when the second change was made.
#[test]
fn what_fails_once_more_while_it_is_asked_for_is_another_debt() {
    let (mut owed, now) = (owed(), Instant::now());
    owed.add([tag(1)], now);
    assert_eq!(asked(&mut owed, now + SECOND), [tag(1)]);
    owed.add([tag(1)], now);
    owed.done([tag(1)]);
    assert_eq!(asked(&mut owed, now), [tag(1)]);
}

#[test]
fn a_server_is_asked_for_one_batch_at_a_time_and_at_once_when_it_answers() {
    let (mut owed, now) = (owed(), Instant::now());
    owed.add((0..BATCH + 1).map(page), now);
    assert_eq!(asked(&mut owed, now), [], "it has just failed");
    let first = asked(&mut owed, now + SECOND);
    assert_eq!(first.len(), BATCH);
    assert_eq!(asked(&mut owed, now + SECOND * 60), []);
    owed.done(first);
    assert_eq!(asked(&mut owed, now + SECOND), [page(BATCH)]);
}

#[test]
fn pauses_grow_to_a_bound_while_a_server_fails() {
    let (mut owed, mut now) = (owed(), Instant::now());
    owed.add([tag(1), tag(2)], now);
    for seconds in [1, 2, 4, 8, 15, 15, 15] {
        let early = now + SECOND * seconds - SECOND / 10;
        assert_eq!(asked(&mut owed, early), []);
        now += SECOND * seconds;
        let taken = asked(&mut owed, now);
        assert_eq!(taken.len(), 2, "{seconds}");
        owed.failed([taken[0]], now);
        owed.failed([taken[1]], now);
    }
    assert!(pause(u32::MAX) == PAUSES.1);
}

#[test]
fn a_server_that_was_skipped_is_asked_at_once_when_it_is_back() {
    let (mut owed, now) = (owed(), Instant::now());
    owed.add([tag(1)], now);
    for _ in 0..5 {
        owed.put_off(now);
    }
    assert!(!owed.is_due(now + SECOND));
    owed.without_pause();
    assert!(owed.is_due(now));
}
