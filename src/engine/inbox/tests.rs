use super::*;
use crate::engine::context::Identity;
use crate::engine::observer::Nobody;
use crate::engine::threads::ThreadPool;

struct Item(usize);
impl Weight for Item {
    fn weight_bytes(&self) -> usize {
        self.0
    }
}

fn context(budget: u64) -> Arc<JobContext> {
    let (interrupt, counters) = (crate::av::Interrupt::new(), Arc::default());
    JobContext::new(
        interrupt,
        counters,
        Arc::new(Nobody),
        ThreadPool::new(),
        Identity { link_budget_bytes: budget, ..Identity::default() },
    )
}

fn two_queues(context: &Arc<JobContext>) -> Arc<Inbox<Item>> {
    Inbox::new(context, vec![("video".into(), 2), ("audio".into(), 2)])
}

#[test]
fn a_full_queue_grows_while_the_consumer_starves_for_another() {
    let context = context(1 << 20);
    let inbox = two_queues(&context);
    let producer = {
        let inbox = Arc::clone(&inbox);
        std::thread::spawn(move || {
            // Far more video than fits, before the first audio: bounded links alone would wait for ever.
            (0..100).for_each(|_| assert!(inbox.send(0, Item(10)).is_ok()));
            assert!(inbox.send(1, Item(1)).is_ok());
        })
    };
    let (queue, item) = inbox.receive(Some(1)).expect("audio comes");
    assert_eq!((queue, item.0), (1, 1));
    producer.join().unwrap();
    assert_eq!((0..100).filter(|_| inbox.receive(None).is_some_and(|(q, _)| q == 0)).count(), 100);
    assert_eq!(context.counters.link_bytes.load(Relaxed), 0);
    assert!(context.counters.link_bytes_peak.load(Relaxed) >= 1000);
}

#[test]
fn nobody_is_left_waiting_for_room_whatever_the_length_and_the_order() {
    for limit in 1..=5 {
        let inbox = Inbox::new(&context(1 << 20), vec![("video".into(), limit), ("audio".into(), limit)]);
        let producers = [0, 1].map(|queue| {
            let inbox = Arc::clone(&inbox);
            std::thread::spawn(move || assert!((0..300).all(|_| inbox.send(queue, Item(1)).is_ok())))
        });
        // Two of one, one of the other, one of any; and what is left.
        for wanted in [Some(0), Some(0), Some(1), None].iter().cycle().take(400) {
            assert!(inbox.receive(*wanted).is_some());
        }
        (400..600).for_each(|_| assert!(inbox.receive(None).is_some()));
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert!(inbox.is_empty());
    }
}

#[test]
fn a_consumer_sleeps_until_it_has_much_to_do_or_its_producer_has_not() {
    let inbox = Inbox::new(&context(1 << 20), vec![("audio".into(), 8)]);
    let hour = Duration::from_secs(3600);
    let (soon, late) = (Instant::now().checked_add(hour), Instant::now().checked_sub(hour));
    let send_soon = |age: Option<Instant>| {
        let mut state = inbox.state.lock();
        state.held_since = state.held_since.and(age);
        state.last_sent_soon = soon;
        drop(state);
        assert!(inbox.send_soon(0, Item(1)).is_ok());
        inbox.state.lock().is_asleep
    };
    let sleep = || {
        while !inbox.is_empty() {
            inbox.receive(None);
        }
        inbox.state.lock().is_asleep = true;
    };
    // Three of eight do not wake it, four do,
    sleep();
    assert_eq!([soon; 4].map(send_soon), [true, true, true, false]);
    // nor does one, unless it is the first one in a while; another one does when that has waited for long,
    sleep();
    assert_eq!([soon, late].map(send_soon), [true, false]);
    // and a producer that has nothing more to do.
    sleep();
    assert!(send_soon(soon));
    inbox.hurry();
    assert!(!inbox.state.lock().is_asleep);
    sleep();
    inbox.state.lock().last_sent_soon = late;
    assert!(inbox.send_soon(0, Item(1)).is_ok());
    assert!(!inbox.state.lock().is_asleep);
}

#[test]
fn what_is_sent_soon_goes_through_a_chain_without_another_item() {
    let context = context(1 << 20);
    let [first, second, third] = ["packets", "frames", "end"].map(|name| Inbox::new(&context, vec![(name.into(), 8)]));
    let stage = |from: &Arc<Inbox<Item>>, to: &Arc<Inbox<Item>>| {
        let (from, to) = (Arc::clone(from), Arc::clone(to));
        std::thread::spawn(move || {
            while let Some((_, item)) = from.receive_patiently(None, &[], || to.hurry()) {
                assert!(to.send_soon(0, item).is_ok());
            }
        })
    };
    let stages = [stage(&first, &second), stage(&second, &third)];
    let (out, arrived) = std::sync::mpsc::channel();
    let last =
        std::thread::spawn(move || while third.receive(None).is_some_and(|(_, item)| out.send(item.0).is_ok()) {});
    for size in 0..200 {
        assert!(first.send(0, Item(size)).is_ok());
        assert_eq!(arrived.recv_timeout(Duration::from_secs(60)), Ok(size));
    }
    context.cancel();
    stages.into_iter().chain([last]).for_each(|stage| stage.join().unwrap());
}

#[test]
fn past_the_budget_it_fails_and_names_both_streams() {
    let context = context(100);
    let inbox = two_queues(&context);
    let consumer = {
        let inbox = Arc::clone(&inbox);
        std::thread::spawn(move || inbox.receive(Some(1)).is_none())
    };
    let error = loop {
        match inbox.send(0, Item(30)) {
            Ok(()) => {}
            Err(Refused::Error(error)) => break error,
            Err(Refused::Closed) => panic!("closed"),
        }
    };
    assert_eq!(error.code(), Code::LIMIT);
    assert!(error.message().contains("'video'") && error.message().contains("'audio'"), "{error}");
    context.cancel();
    assert!(consumer.join().unwrap(), "a cancel wakes the consumer");
}

#[test]
fn a_full_queue_pushes_back_and_a_close_or_cancel_frees_the_producer() {
    for cancel in [false, true] {
        let context = context(1 << 20);
        let inbox = two_queues(&context);
        let producer = {
            let inbox = Arc::clone(&inbox);
            std::thread::spawn(move || (0..3).map(|_| inbox.send(0, Item(5)).is_ok()).collect::<Vec<_>>())
        };
        std::thread::sleep(Duration::from_millis(20));
        if cancel {
            context.cancel()
        } else {
            inbox.close()
        }
        let sent = producer.join().unwrap();
        assert!(!sent[2], "the third did not fit and was refused");
        inbox.close();
        assert_eq!(context.counters.link_bytes.load(Relaxed), 0);
    }
}
