use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use actix_web::web::Bytes;

use super::*;
use crate::deletes::Deletes;
use crate::entry::OVERHEAD;
use crate::life::Life;
use crate::purged::Spare;
use crate::writer::purging::{Outcome, Purging};

const ROOMY: Limits = Limits {
    entries: 100,
    bytes: 1 << 20,
};

/// What a page of `length` bytes counts.
const fn counted(length: usize) -> usize {
    length + OVERHEAD
}

fn key(number: usize) -> PageKey {
    PageKey::new("site1", &format!("/{number}"))
}

fn life(seconds: u64) -> Life {
    Life {
        fresh: Duration::from_secs(seconds),
        stale: Duration::ZERO,
        error: Duration::ZERO,
    }
}

fn job(number: usize, length: usize) -> Job {
    Job {
        key: key(number),
        entry: Entry::new(None, Bytes::from(vec![b'a'; length])),
        started: Instant::now(),
        life: life(900),
        tags: crate::tag::tags_of("", []),
        note: None,
        stamp: Deletes::default().stamp(),
    }
}

fn delete(number: usize) -> (Delete, oneshot::Receiver<Result<bool, StoreError>>) {
    let (sender, answer) = oneshot::channel();
    let key = key(number);
    let effort = Effort::Once;
    (
        Delete {
            key,
            effort,
            sender,
        },
        answer,
    )
}

/// Asks lane 0 to purge a tag.
fn purge(
    queue: &Queue,
    tag: &str,
    effort: Effort,
) -> oneshot::Receiver<Result<Outcome, StoreError>> {
    let (teller, answer) = oneshot::channel();
    let asked = Asked {
        tags: [TagKey::new("site1", tag)].into(),
        spare: Spare::Nothing,
        effort,
    };
    queue.push_purge(asked, teller, 0);
    answer
}

fn taken_purge(queue: &Queue) -> Purge {
    match queue.next(0, 1, 1) {
        Work::Purge(purge) => purge,
        _ => panic!("no purge"),
    }
}

fn queue(limits: Limits) -> Queue {
    Queue::new(limits, 1)
}

fn filled(numbers: impl IntoIterator<Item = usize>) -> Queue {
    let queue = queue(ROOMY);
    for number in numbers {
        queue.push(job(number, 10), 0).unwrap();
    }
    queue
}

fn pages(work: Work) -> Vec<Sending> {
    match work {
        Work::Pages(pages) => pages,
        Work::Deletes(_) => panic!("deletes"),
        Work::Purge(_) => panic!("a purge"),
        Work::Nothing => panic!("nothing"),
        Work::Over => panic!("over"),
    }
}

/// All that lane 0 has to send.
fn all(queue: &Queue) -> Vec<Sending> {
    pages(queue.next(0, usize::MAX, usize::MAX))
}

fn keys(pages: &[Sending]) -> Vec<PageKey> {
    pages.iter().map(|page| page.job.key).collect()
}

fn length_pending(queue: &Queue, number: usize) -> Option<usize> {
    queue
        .pending(&key(number))
        .map(|(found, _)| found.entry.len())
}

fn is_ready(future: &mut std::pin::Pin<Box<impl Future>>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.as_mut().poll(&mut context).is_ready()
}

#[test]
fn pages_are_sent_in_the_order_they_came() {
    let queue = filled(0..5);
    assert_eq!(keys(&all(&queue)), [0, 1, 2, 3, 4].map(key));
    assert!(matches!(queue.next(0, 1, 1), Work::Nothing));
}

#[test]
fn no_more_pages_wait_than_the_limit() {
    let limits = Limits {
        entries: 2,
        ..ROOMY
    };
    let queue = queue(limits);
    assert_eq!(queue.push(job(1, 1), 0), Ok(()));
    assert_eq!(queue.push(job(2, 1), 0), Ok(()));
    assert_eq!(queue.push(job(3, 1), 0), Err(Dropped::QueueFull));
    assert_eq!(queue.push(job(2, 9), 0), Ok(()), "takes no further place");
    assert_eq!(queue.len(), 2);
}

#[test]
fn no_more_bytes_wait_than_the_limit() {
    let bytes = counted(100) + counted(50);
    let queue = queue(Limits { bytes, ..ROOMY });
    assert_eq!(queue.push(job(1, 100), 0), Ok(()));
    assert_eq!(queue.push(job(2, 51), 0), Err(Dropped::QueueFull));
    assert_eq!(queue.push(job(2, 50), 0), Ok(()));
    assert_eq!(queue.push(job(1, 101), 0), Err(Dropped::QueueFull));
    assert_eq!(length_pending(&queue, 1), Some(100), "the older one stays");
    assert_eq!(queue.push(job(1, 99), 0), Ok(()));
    assert_eq!(
        queue.push(job(2, 51), 0),
        Ok(()),
        "a smaller page makes room"
    );
}

#[test]
fn a_page_counts_until_it_is_done() {
    let queue = queue(Limits {
        entries: 1,
        ..ROOMY
    });
    queue.push(job(1, 1), 0).unwrap();
    let sent = all(&queue);
    assert_eq!(queue.push(job(2, 1), 0), Err(Dropped::QueueFull));
    queue.done([&sent[0]]);
    assert_eq!(queue.push(job(2, 1), 0), Ok(()));
}

#[test]
fn bytes_come_back_when_pages_are_done_or_forgotten() {
    let queue = queue(Limits {
        bytes: counted(10),
        ..ROOMY
    });
    for round in 0..10 {
        queue.push(job(round, 10), 0).unwrap();
        if round % 2 == 0 {
            queue.done([&all(&queue)[0]]);
        } else {
            queue.forget(&key(round));
        }
    }
    assert_eq!((queue.len(), queue.state().bytes), (0, 0));
}

#[test]
fn the_newest_page_of_a_key_is_the_one_that_is_sent() {
    let queue = filled([1, 2]);
    queue.push(job(1, 99), 0).unwrap();
    let sent = all(&queue);
    assert_eq!(keys(&sent), [2, 1].map(key));
    assert_eq!(sent[1].job.entry.len(), 99);
}

#[test]
fn a_page_that_comes_while_an_older_one_is_sent_is_sent_too() {
    let queue = filled([1]);
    let older = all(&queue);
    queue.push(job(1, 99), 0).unwrap();
    queue.done([&older[0]]);
    assert_eq!(length_pending(&queue, 1), Some(99));
    let newer = all(&queue);
    assert_eq!(newer[0].job.entry.len(), 99);
    queue.done([&newer[0]]);
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_page_is_readable_until_it_is_done() {
    let queue = filled([1]);
    assert_eq!(length_pending(&queue, 1), Some(10));
    assert_eq!(length_pending(&queue, 2), None);
    let sent = all(&queue);
    assert_eq!(length_pending(&queue, 1), Some(10));
    queue.done([&sent[0]]);
    assert_eq!(length_pending(&queue, 1), None);
}

#[test]
fn a_page_whose_life_has_ended_is_not_readable() {
    let queue = queue(ROOMY);
    let mut over = job(1, 10);
    over.life = life(0);
    queue.push(over, 0).unwrap();
    assert_eq!(length_pending(&queue, 1), None);
}

#[test]
fn a_forgotten_page_is_neither_readable_nor_sent() {
    let queue = filled([1, 2]);
    queue.forget(&key(1));
    queue.forget(&key(9));
    assert_eq!(length_pending(&queue, 1), None);
    assert_eq!(keys(&all(&queue)), [key(2)]);
}

#[test]
fn a_page_that_was_forgotten_while_sent_leaves_its_successor_alone() {
    let queue = filled([1]);
    let sent = all(&queue);
    queue.forget(&key(1));
    queue.push(job(1, 99), 0).unwrap();
    queue.done([&sent[0]]);
    assert_eq!(length_pending(&queue, 1), Some(99));
    assert_eq!(all(&queue).len(), 1);
}

#[test]
fn a_batch_has_no_more_pages_than_asked_for() {
    let queue = filled(0..5);
    let batch = |queue: &Queue| keys(&pages(queue.next(0, usize::MAX, 2)));
    assert_eq!(batch(&queue), [0, 1].map(key));
    assert_eq!(batch(&queue), [2, 3].map(key));
    assert_eq!(batch(&queue), [key(4)]);
}

#[test]
fn a_batch_has_no_more_bytes_than_asked_for_but_one_page_at_least() {
    let queue = filled(0..3);
    let two = 2 * counted(10);
    assert_eq!(keys(&pages(queue.next(0, two, 100))), [0, 1].map(key));
    let queue = filled(0..3);
    assert_eq!(keys(&pages(queue.next(0, two - 1, 100))), [key(0)]);
    assert_eq!(keys(&pages(queue.next(0, 0, 0))), [key(1)]);
    assert_eq!(keys(&all(&queue)), [key(2)]);
}

#[test]
fn replaced_pages_take_no_room_in_a_batch() {
    let queue = filled([1, 1, 1, 2]);
    assert_eq!(keys(&pages(queue.next(0, usize::MAX, 2))), [1, 2].map(key));
}

#[test]
fn deletes_go_before_pages() {
    let queue = filled([1]);
    queue.push_delete(delete(2).0, 0);
    queue.push_delete(delete(3).0, 0);
    let Work::Deletes(deletes) = queue.next(0, 1, 1) else {
        panic!("no deletes");
    };
    let order: Vec<_> = deletes.iter().map(|delete| delete.key).collect();
    assert_eq!(order, [2, 3].map(key));
    assert_eq!(keys(&all(&queue)), [key(1)]);
}

#[test]
fn many_deletes_keep_neither_purges_nor_pages_waiting() {
    let queue = filled([1]);
    let mut deletes = 3 * MAX_DELETES;
    for _ in 0..deletes {
        queue.push_delete(delete(2).0, 0);
    }
    let take = |deletes: &mut usize| match queue.next(0, 1, 1) {
        Work::Deletes(taken) => *deletes -= taken.len(),
        _ => panic!("no deletes"),
    };
    take(&mut deletes);
    assert_eq!(deletes, 2 * MAX_DELETES);
    assert_eq!(keys(&pages(queue.next(0, 1, 1))), [key(1)]);
    drop(purge(&queue, "news", Effort::Once));
    assert!(matches!(queue.next(0, 1, 1), Work::Purge(_)));
    take(&mut deletes);
    take(&mut deletes);
    assert_eq!(deletes, 0);
    assert!(matches!(queue.next(0, 1, 1), Work::Nothing));
}

#[test]
fn many_purges_keep_neither_deletes_nor_pages_waiting() {
    let queue = filled([1]);
    queue.push_delete(delete(2).0, 0);
    for number in 0..4 {
        drop(purge(&queue, &number.to_string(), Effort::Once));
    }
    taken_purge(&queue);
    assert!(matches!(queue.next(0, 1, 1), Work::Deletes(_)));
    taken_purge(&queue);
    assert_eq!(keys(&pages(queue.next(0, 1, 1))), [key(1)]);
    taken_purge(&queue);
    taken_purge(&queue);
    assert!(matches!(queue.next(0, 1, 1), Work::Nothing));
}

#[test]
fn who_asks_for_what_waits_already_waits_with_it() {
    let queue = queue(ROOMY);
    let asked = [
        ("a", Effort::Once),
        ("b", Effort::Once),
        ("a", Effort::UntilDone),
        ("a", Effort::Once),
    ];
    let mut answers = asked.map(|(tag, effort)| purge(&queue, tag, effort));
    let first = taken_purge(&queue);
    assert_eq!(first.tellers.len(), 2);
    // It has begun.
    let late = purge(&queue, "a", Effort::Once);
    let others = [(); 3].map(|()| taken_purge(&queue).tellers.len());
    assert_eq!(others, [1; 3]);
    assert!(matches!(queue.next(0, 1, 1), Work::Nothing));
    Purging::new(first).end(Some(StoreError::NoWriter));
    let is_told = |answer: &mut oneshot::Receiver<_>| {
        matches!(answer.try_recv(), Ok(Err(StoreError::NoWriter)))
    };
    let told = answers.each_mut().map(is_told);
    assert_eq!(told, [true, false, false, true]);
    drop(late);
}

#[test]
fn there_is_no_room_for_more_different_purges_than_the_bound() {
    let queue = queue(ROOMY);
    for number in 0..MAX_WAITING {
        assert!(!queue.is_overrun_by_purges(0));
        drop(purge(&queue, &number.to_string(), Effort::UntilDone));
    }
    assert!(queue.is_overrun_by_purges(0));
}

#[test]
fn a_lane_that_has_enough_purges_takes_other_work() {
    let queue = filled([1]);
    drop(purge(&queue, "a", Effort::Once));
    assert_eq!(keys(&pages(queue.next_others(0, 1, 1))), [key(1)]);
    assert!(matches!(queue.next_others(0, 1, 1), Work::Nothing));
    taken_purge(&queue);
}

#[test]
fn a_lane_gets_only_its_own_work() {
    let queue = Queue::new(ROOMY, 2);
    queue.push(job(1, 1), 1).unwrap();
    queue.push_delete(delete(2).0, 1);
    assert!(matches!(queue.next(0, 1, 1), Work::Nothing));
    assert!(matches!(queue.next(1, 1, 1), Work::Deletes(_)));
    assert_eq!(keys(&pages(queue.next(1, 1, 1))), [key(1)]);
}

#[test]
fn a_lane_is_woken_by_pages_deletes_and_the_end() {
    let queue = Queue::new(ROOMY, 2);
    let (mut first, mut second) = (Box::pin(queue.work(0)), Box::pin(queue.work(1)));
    assert!(!is_ready(&mut first) && !is_ready(&mut second));
    queue.push(job(1, 1), 0).unwrap();
    assert!(is_ready(&mut first) && !is_ready(&mut second));
    queue.push_delete(delete(1).0, 1);
    assert!(is_ready(&mut second));
    let (mut first, mut second) = (Box::pin(queue.work(0)), Box::pin(queue.work(1)));
    assert!(!is_ready(&mut first) && !is_ready(&mut second));
    queue.close();
    assert!(is_ready(&mut first) && is_ready(&mut second));
}

#[test]
fn a_lane_is_hurried_by_whoever_waits() {
    let queue = Queue::new(ROOMY, 1);
    let hurried = || is_ready(&mut Box::pin(queue.hurry(0)));
    queue.push(job(1, 1), 0).unwrap();
    assert!(!hurried());
    queue.push_delete(delete(1).0, 0);
    assert!(hurried() && !hurried());
    assert!(!is_ready(&mut Box::pin(queue.flushed())));
    assert!(hurried() && !hurried());
    queue.close();
    assert!(hurried());
}

#[test]
fn a_lane_is_hurried_when_there_is_enough_for_a_batch() {
    let queue = queue(ROOMY);
    let hurried = || is_ready(&mut Box::pin(queue.hurry(0)));
    for number in 1..ENOUGH {
        queue.push(job(number, 1), 0).unwrap();
        assert!(!hurried());
    }
    queue.push(job(ENOUGH, 1), 0).unwrap();
    assert!(hurried());
}

#[test]
fn a_lane_is_hurried_when_more_than_half_of_its_room_is_taken() {
    let queue = queue(Limits {
        entries: 4,
        ..ROOMY
    });
    let hurried = || is_ready(&mut Box::pin(queue.hurry(0)));
    for number in 1..=2 {
        queue.push(job(number, 1), 0).unwrap();
        assert!(!hurried());
    }
    queue.push(job(3, 1), 0).unwrap();
    assert!(hurried());
}

#[test]
fn work_that_came_before_the_lane_waited_wakes_it() {
    let queue = filled([1]);
    assert!(is_ready(&mut Box::pin(queue.work(0))));
}

#[test]
fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
    let queue = filled([1]);
    queue.push_delete(delete(2).0, 0);
    queue.close();
    assert_eq!(queue.push(job(3, 1), 0), Err(Dropped::NoWriter));
    assert!(matches!(queue.next(0, 1, 1), Work::Deletes(_)));
    assert_eq!(keys(&all(&queue)), [key(1)]);
    assert!(matches!(queue.next(0, 1, 1), Work::Over));
}

#[test]
fn whoever_asks_a_closed_queue_for_a_delete_is_told() {
    let queue = queue(ROOMY);
    queue.close();
    let (delete, mut answer) = delete(1);
    queue.push_delete(delete, 0);
    assert_eq!(
        answer.try_recv().unwrap_err(),
        oneshot::error::TryRecvError::Closed
    );
    assert!(matches!(queue.next(0, 1, 1), Work::Over));
}

#[test]
fn an_abandoned_queue_keeps_nobody_waiting() {
    let queue = filled([1, 2]);
    let (delete, mut answer) = delete(1);
    queue.push_delete(delete, 0);
    let mut flushed = Box::pin(queue.flushed());
    assert!(!is_ready(&mut flushed));
    queue.abandon();
    assert!(is_ready(&mut flushed));
    assert!(answer.try_recv().is_err());
    assert_eq!((queue.len(), queue.state().bytes), (0, 0));
    assert_eq!(queue.push(job(3, 1), 0), Err(Dropped::NoWriter));
    assert!(queue.wait_until_empty(Duration::ZERO));
}

#[test]
fn a_flush_waits_for_every_page_before_it_and_none_after() {
    let queue = filled([1, 2]);
    let mut flushed = Box::pin(queue.flushed());
    assert!(!is_ready(&mut flushed));
    let sent = all(&queue);
    queue.push(job(3, 1), 0).unwrap();
    queue.done([&sent[0]]);
    assert!(!is_ready(&mut flushed));
    queue.done([&sent[1]]);
    assert!(is_ready(&mut flushed));
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_flush_of_an_empty_queue_is_done_at_once() {
    let queue = filled([1]);
    queue.forget(&key(1));
    assert!(is_ready(&mut Box::pin(queue.flushed())));
}

#[test]
fn a_flush_is_done_when_its_last_page_is_forgotten() {
    let queue = filled([1, 2]);
    let mut flushed = Box::pin(queue.flushed());
    assert!(!is_ready(&mut flushed));
    queue.forget(&key(1));
    assert!(!is_ready(&mut flushed));
    queue.forget(&key(2));
    assert!(is_ready(&mut flushed));
}

#[test]
fn a_flush_does_not_wait_for_pages_that_replace_those_before_it() {
    let queue = filled([1, 2]);
    let mut flushed = Box::pin(queue.flushed());
    assert!(!is_ready(&mut flushed));
    queue.push(job(2, 99), 0).unwrap();
    queue.done([&all(&queue)[0]]);
    assert_eq!(length_pending(&queue, 2), Some(99));
    assert!(is_ready(&mut flushed));
}

#[test]
fn flushes_are_woken_when_pages_are_done() {
    let queue = filled([1]);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut flushed = Box::pin(queue.flushed());
    let mut context = Context::from_waker(&waker);
    assert_eq!(flushed.as_mut().poll(&mut context), Poll::Pending);
    queue.done([&all(&queue)[0]]);
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn waiting_for_an_empty_queue_ends_with_the_limit() {
    assert!(queue(ROOMY).wait_until_empty(Duration::ZERO));
    assert!(!filled([1]).wait_until_empty(Duration::from_millis(5)));
}

#[test]
fn waiting_for_an_empty_queue_ends_when_it_is_empty() {
    let queue = filled([1, 2]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.wait_until_empty(Duration::from_secs(60)));
        let sent = all(&queue);
        queue.done([&sent[0]]);
        assert_eq!(queue.len(), 1);
        queue.done([&sent[1]]);
        assert!(waiting.join().unwrap());
    });
}

mod model {
    //! Any history of a queue of three keys, against a list.

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push { number: usize, length: usize },
        Forget { number: usize },
        Next { max_bytes: usize, max_pages: usize },
        Done { at: prop::sample::Index },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..3_usize, 0..200_usize).prop_map(|(number, length)| Step::Push { number, length }),
            1 => (0..3_usize).prop_map(|number| Step::Forget { number }),
            2 => (0..2_000_usize, 1..3_usize)
                .prop_map(|(max_bytes, max_pages)| Step::Next { max_bytes, max_pages }),
            2 => any::<prop::sample::Index>().prop_map(|at| Step::Done { at }),
        ]
    }

    proptest! {
        #[test]
        fn every_page_is_sent_once_unless_replaced_or_forgotten(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let limits = Limits { entries: 2, bytes: 2 * OVERHEAD + 300 };
            let queue = queue(limits);
            // Who is to be readable, with the number of its push.
            let mut held: Vec<(usize, usize, usize)> = Vec::new();
            let mut to_send: Vec<usize> = Vec::new();
            let mut sending: Vec<(usize, Sending)> = Vec::new();
            for (push, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push { number, length } => {
                        let mut after = held.clone();
                        after.retain(|one| one.0 != number);
                        after.push((number, length, push));
                        let bytes: usize = after.iter().map(|one| counted(one.1)).sum();
                        let fits = after.len() <= limits.entries && bytes <= limits.bytes;
                        prop_assert_eq!(queue.push(job(number, length), 0).is_ok(), fits);
                        if fits {
                            held = after;
                            to_send.push(push);
                        }
                    }
                    Step::Forget { number } => {
                        queue.forget(&key(number));
                        held.retain(|one| one.0 != number);
                    }
                    Step::Next { max_bytes, max_pages } => {
                        to_send.retain(|push| held.iter().any(|one| one.2 == *push));
                        let found = match queue.next(0, max_bytes, max_pages) {
                            Work::Pages(pages) => pages,
                            _ => Vec::new(),
                        };
                        prop_assert_eq!(found.is_empty(), to_send.is_empty());
                        prop_assert!(found.len() <= max_pages);
                        let bytes: usize = found.iter().map(|one| size(&one.job)).sum();
                        prop_assert!(found.len() <= 1 || bytes <= max_bytes);
                        for page in found {
                            let push = to_send.remove(0);
                            let sent = held.iter().find(|one| one.2 == push).unwrap();
                            prop_assert_eq!(page.job.key, key(sent.0));
                            prop_assert_eq!(page.job.entry.len(), sent.1);
                            sending.push((push, page));
                        }
                    }
                    Step::Done { at } if !sending.is_empty() => {
                        let (push, page) = sending.swap_remove(at.index(sending.len()));
                        queue.done([&page]);
                        held.retain(|one| one.2 != push);
                    }
                    Step::Done { .. } => {}
                }
                prop_assert_eq!(queue.len(), held.len());
                for number in 0..3 {
                    let length = held.iter().find(|one| one.0 == number).map(|one| one.1);
                    prop_assert_eq!(length_pending(&queue, number), length);
                }
            }
        }
    }
}

#[test]
fn a_page_that_is_replaced_again_and_again_takes_bounded_room() {
    let queue = queue(Limits {
        entries: 4,
        ..ROOMY
    });
    for _ in 0..1000 {
        queue.push(job(1, 10), 0).unwrap();
        assert!(queue.state().lanes[0].order.len() <= 8);
    }
    assert_eq!(keys(&all(&queue)), [key(1)]);
}
