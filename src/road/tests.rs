//! Roads in each condition, between customers and a shop of a few lines.

use super::traffic::{BUFFER_BYTES, CONNECTIONS_MAX, write};
use super::*;
use proptest::prelude::*;
use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

/// No test waits that long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);
const PIECES: usize = 4;

/// A scale unit of a few lines: it answers each line `x` with `<x>` in four pieces, and tells which lines reached it.
struct Shop {
    address: SocketAddr,
    heard: Receiver<String>,
}

impl Shop {
    fn open() -> Shop {
        let (shop, permits) = Shop::patient();
        // As many answers as any test asks for may be given at once.
        (0..100_000).for_each(|_| permits.send(()).unwrap());
        shop
    }

    /// A shop that answers only as often as it is permitted to.
    fn patient() -> (Shop, Sender<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (told, heard) = mpsc::channel();
        let (permit, permits) = mpsc::channel();
        let permits = Arc::new(Mutex::new(permits));
        thread::spawn(move || {
            for customer in listener.incoming() {
                let (told, permits) = (told.clone(), Arc::clone(&permits));
                thread::spawn(move || serve(&customer.unwrap(), &told, &permits));
            }
        });
        (Shop { address, heard }, permit)
    }

    fn hears(&self) -> String {
        self.heard.recv_timeout(PATIENCE).expect("a request reaches the shop")
    }
}

fn serve(customer: &TcpStream, told: &Sender<String>, permits: &Mutex<Receiver<()>>) {
    customer.set_nodelay(true).unwrap();
    for line in BufReader::new(customer).lines() {
        let Ok(line) = line else { return };
        let _ = told.send(line.clone());
        if permits.lock().unwrap().recv().is_err() {
            return;
        }
        let answer = answer_to(&line);
        for piece in answer.as_bytes().chunks(answer.len().div_ceil(PIECES)) {
            if write(customer, piece).is_err() {
                return;
            }
        }
    }
}

fn answer_to(line: &str) -> String {
    format!("<{line}>\n")
}

fn customer(road: &Road) -> TcpStream {
    let stream = TcpStream::connect(road.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(stream: &TcpStream, line: &str) -> io::Result<String> {
    write(stream, format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.ends_with('\n') { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Everything that still comes before the connection is closed. Waits for the end, so nothing can come later.
fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => {
            panic!("the connection stays open: {error}")
        }
        Ok(_) | Err(_) => bytes,
    }
}

#[allow(clippy::disallowed_methods, reason = "how long a slow road takes is what its tests are about")]
fn time_of(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[test]
fn up_carries_many_requests_of_any_size_over_one_connection() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    let customer = customer(&road);
    for size in [1, 100, BUFFER_BYTES, 1_000_000] {
        let line = "x".repeat(size);
        assert_eq!(ask(&customer, &line).unwrap(), answer_to(&line));
    }
}

#[test]
fn a_half_closed_connection_still_gets_its_answer() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    let customer = customer(&road);
    write(&customer, b"last\n").unwrap();
    customer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&customer), b"<last>\n");
}

#[test]
fn down_refuses_connects_and_cuts_what_stood_and_up_serves_the_same_address_again() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    for round in 0..50 {
        let customer = customer(&road);
        assert_eq!(ask(&customer, "a").unwrap(), "<a>\n", "round {round}");
        road.set(Condition::Down).unwrap();
        assert_eq!(rest(&customer), b"");
        for _ in 0..5 {
            let refusal = TcpStream::connect(road.address()).expect_err("refused");
            assert_eq!(refusal.kind(), io::ErrorKind::ConnectionRefused);
        }
        road.set(Condition::Up).unwrap();
    }
}

#[test]
fn a_closed_scale_unit_closes_the_connection() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let road = Road::open(gone, 1).unwrap();
    assert_eq!(rest(&customer(&road)), b"");
}

#[test]
fn hang_holds_back_for_good_the_answer_that_was_on_its_way() {
    let (shop, permits) = Shop::patient();
    let road = Road::open(shop.address, 1).unwrap();
    let customer = customer(&road);
    write(&customer, b"sale\n").unwrap();
    assert_eq!(shop.hears(), "sale");
    road.set(Condition::Hang).unwrap();
    permits.send(()).unwrap();
    customer.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silence = (&customer).read(&mut [0; 1]).expect_err("silence");
    assert!([io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&silence.kind()), "{silence}");
    road.set(Condition::Up).unwrap();
    customer.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(rest(&customer), b"");
}

#[test]
fn hang_accepts_and_swallows_and_leaving_it_closes_what_hung() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    let standing = customer(&road);
    assert_eq!(ask(&standing, "before").unwrap(), "<before>\n");
    assert_eq!(shop.hears(), "before");
    road.set(Condition::Hang).unwrap();
    let new = customer(&road);
    for stream in [&standing, &new] {
        write(stream, b"meanwhile\n").unwrap();
    }
    // More than the sockets' buffers hold: somebody must be swallowing it.
    write(&new, &vec![b'x'; 20_000_000]).unwrap();
    road.set(Condition::Slow(Duration::ZERO)).unwrap();
    for stream in [&standing, &new] {
        assert_eq!(rest(stream), b"");
    }
    assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
    assert_eq!(shop.hears(), "after");
}

#[test]
fn hang_hides_that_the_scale_unit_has_gone() {
    let (shop, permits) = Shop::patient();
    let road = Road::open(shop.address, 1).unwrap();
    let customer = customer(&road);
    write(&customer, b"sale\n").unwrap();
    assert_eq!(shop.hears(), "sale");
    road.set(Condition::Hang).unwrap();
    drop(permits);
    customer.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!((&customer).read(&mut [0; 1]).is_err());
}

#[test]
fn slow_delays_each_answer_once_however_many_pieces_it_has() {
    let delay = Duration::from_millis(150);
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    let customer = customer(&road);
    ask(&customer, "quick").unwrap();
    road.set(Condition::Slow(delay)).unwrap();
    let took = time_of(|| {
        for line in ["one answer", "another answer"] {
            assert_eq!(ask(&customer, line).unwrap(), answer_to(line));
        }
    });
    assert!((2 * delay..2 * delay * u32::try_from(PIECES).unwrap()).contains(&took), "{took:?}");
}

#[test]
fn leaving_slow_releases_the_waiting_answer_or_loses_it_as_the_new_condition_says() {
    for (condition, expected) in [(Condition::Up, &b"<sale>\n"[..]), (Condition::Half, b"<sa"), (Condition::Down, b"")] {
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        road.set(Condition::Slow(Duration::MAX)).unwrap();
        let customer = customer(&road);
        write(&customer, b"sale\n").unwrap();
        assert_eq!(shop.hears(), "sale");
        road.set(condition).unwrap();
        customer.shutdown(Shutdown::Write).ok();
        assert_eq!(rest(&customer), expected, "{condition:?}");
    }
}

/// For each of 60 requests: did it reach the shop, was it answered?
fn fates_under(percent: u8, seed: u64) -> Vec<(bool, bool)> {
    let shop = Shop::open();
    let road = Road::open(shop.address, seed).unwrap();
    road.set(Condition::Drop { percent }).unwrap();
    let mut stream = customer(&road);
    let fate = |request: usize| {
        let answered = ask(&stream, &request.to_string()).is_ok();
        if !answered {
            stream = customer(&road);
        }
        answered
    };
    let answered: Vec<bool> = (0..60).map(fate).collect();
    // A last request that passes comes after all that the shop has heard.
    road.set(Condition::Up).unwrap();
    ask(&customer(&road), "end").unwrap();
    let heard: Vec<String> = std::iter::from_fn(|| Some(shop.hears())).take_while(|line| line != "end").collect();
    answered.into_iter().enumerate().map(|(request, answered)| (heard.contains(&request.to_string()), answered)).collect()
}

#[test]
fn drop_loses_requests_before_the_scale_unit_and_answers_behind_it() {
    assert_eq!(fates_under(0, 7), vec![(true, true); 60]);
    let certain = fates_under(100, 7);
    assert!(certain.iter().all(|(_, answered)| !answered), "{certain:?}");
    assert!(certain.iter().any(|(heard, _)| *heard) && certain.iter().any(|(heard, _)| !*heard), "{certain:?}");
    let some = fates_under(30, 7);
    for fate in [(true, true), (true, false), (false, false)] {
        assert!(some.contains(&fate), "{fate:?} in {some:?}");
    }
}

#[test]
fn drop_hits_the_same_requests_with_the_same_seed() {
    assert_eq!(fates_under(30, 11), fates_under(30, 11));
    assert_ne!(fates_under(30, 11), fates_under(30, 12));
}

/// Nothing comes.
fn is_silent(stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silence = { stream }.read(&mut [0; 1]).expect_err("silence");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&silence.kind())
}

fn answer(stream: &TcpStream) -> String {
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn a_stalled_road_moves_nothing_and_what_stood_on_it_goes_on_afterwards() {
    let (shop, permits) = Shop::patient();
    let road = Road::open(shop.address, 1).unwrap();
    let (waiting, standing) = (customer(&road), customer(&road));
    write(&waiting, b"answer\n").unwrap();
    assert_eq!(shop.hears(), "answer");
    road.set(Condition::Stall).unwrap();
    (0..3).for_each(|_| permits.send(()).unwrap());
    let new = customer(&road);
    for stream in [&standing, &new] {
        write(stream, b"meanwhile\n").unwrap();
    }
    for stream in [&waiting, &standing, &new] {
        assert!(is_silent(stream));
    }
    assert!(shop.heard.try_recv().is_err(), "nothing has arrived");
    road.set(Condition::Up).unwrap();
    assert_eq!([&waiting, &standing, &new].map(answer), ["<answer>\n", "<meanwhile>\n", "<meanwhile>\n"]);
}

#[test]
fn a_stalled_road_takes_no_more_than_its_sockets_hold() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Stall).unwrap();
    let customer = customer(&road);
    customer.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let refused = write(&customer, &vec![b'x'; 50_000_000]).expect_err("nobody reads");
    assert!([io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&refused.kind()), "{refused}");
}

#[test]
fn a_lost_answer_is_a_reset_behind_the_scale_unit_and_is_counted() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Lost).unwrap();
    for request in 0..20 {
        let customer = customer(&road);
        write(&customer, format!("{request}\n").as_bytes()).unwrap();
        let end = (&customer).read(&mut [0; 1]).expect_err("no answer, and no end");
        assert_eq!((end.kind(), shop.hears()), (io::ErrorKind::ConnectionReset, request.to_string()));
    }
    assert_eq!(road.answers_lost(), 20);
    road.set(Condition::Up).unwrap();
    assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
    assert_eq!(road.answers_lost(), 20);
}

#[test]
fn twice_sends_each_request_again_before_its_answer_comes() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Twice).unwrap();
    let customer = customer(&road);
    for line in ["sale", "another sale"] {
        assert_eq!(ask(&customer, line).unwrap(), answer_to(line));
        assert_eq!([shop.hears(), shop.hears()], [line, line]);
    }
    let long = "x".repeat(BUFFER_BYTES);
    assert_eq!(ask(&customer, &long).unwrap(), answer_to(&long));
    road.set(Condition::Up).unwrap();
    assert_eq!(ask(&customer, "after").unwrap(), "<after>\n");
    assert!([shop.hears(), shop.hears()] == [long.as_str(), "after"], "what is too long to be kept arrives once");
}

#[test]
fn reorder_brings_a_request_behind_a_later_one() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Reorder).unwrap();
    for round in 0..3 {
        let first = customer(&road);
        write(&first, b"first\n").unwrap();
        assert_eq!(rest(&first), b"", "round {round}");
        assert_eq!(ask(&customer(&road), "second").unwrap(), "<second>\n");
        assert_eq!([shop.hears(), shop.hears()], ["second", "first"]);
    }
}

#[test]
fn reorder_loses_what_is_too_long_to_be_kept() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Reorder).unwrap();
    let long = customer(&road);
    // The connection may be cut before all of it is written.
    let _ = write(&long, "x".repeat(BUFFER_BYTES + 1).as_bytes());
    assert_eq!(rest(&long), b"");
    road.set(Condition::Up).unwrap();
    assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
    assert_eq!(shop.hears(), "after");
}

#[test]
fn drip_takes_its_time_for_every_byte() {
    let pause = Duration::from_millis(10);
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Drip(pause)).unwrap();
    let customer = customer(&road);
    let took = time_of(|| assert_eq!(ask(&customer, "sale").unwrap(), "<sale>\n"));
    assert!(took >= pause * 6, "{took:?} for seven bytes");
}

#[test]
fn leaving_drip_brings_the_rest_at_once() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Drip(Duration::MAX)).unwrap();
    let customer = customer(&road);
    write(&customer, b"sale\n").unwrap();
    let mut first = [0; 10];
    assert_eq!((&customer).read(&mut first).unwrap(), 1);
    assert!(is_silent(&customer));
    road.set(Condition::Up).unwrap();
    assert_eq!(answer(&customer), "sale>\n");
}

#[test]
fn an_endless_answer_ends_with_the_condition_or_the_road() {
    const LONG: u64 = 10_000_000;
    let shop = Shop::open();
    let road = Road::open(shop.address, 1).unwrap();
    road.set(Condition::Endless).unwrap();
    let flooded = || {
        let customer = customer(&road);
        write(&customer, b"sale\n").unwrap();
        assert_eq!(io::copy(&mut (&customer).take(LONG), &mut io::sink()).unwrap(), LONG);
        customer
    };
    let first = flooded();
    road.set(Condition::Up).unwrap();
    rest(&first);
    road.set(Condition::Endless).unwrap();
    let second = flooded();
    drop(road);
    rest(&second);
}

#[test]
fn garbage_is_as_long_as_the_answer_and_another() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 3).unwrap();
    let customer = customer(&road);
    ask(&customer, "before").unwrap();
    road.set(Condition::Garbage).unwrap();
    let line = "x".repeat(5_000);
    write(&customer, format!("{line}\n").as_bytes()).unwrap();
    let garbage = rest(&customer);
    assert_eq!(garbage.len(), answer_to(&line).len());
    assert!(!garbage.windows(4).any(|bytes| bytes == b"xxxx"));
}

#[test]
fn half_gives_the_first_half_of_the_whole_answer() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 3).unwrap();
    road.set(Condition::Half).unwrap();
    let customer = customer(&road);
    write(&customer, b"0123456789abc\n").unwrap();
    assert_eq!(rest(&customer), b"<0123456");
}

#[test]
fn connections_above_the_limit_are_closed_at_once_and_places_become_free_again() {
    let shop = Shop::open();
    let road = Road::open(shop.address, 3).unwrap();
    // On a hung road no connection needs a second socket, which keeps the test below the usual limit of file handles.
    road.set(Condition::Hang).unwrap();
    let customers: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| customer(&road)).collect();
    assert_eq!(rest(&customer(&road)), b"");
    road.set(Condition::Up).unwrap();
    for stream in &customers {
        assert_eq!(rest(stream), b"");
    }
    drop(customers);
    assert!((0..1_000).any(|_| ask(&customer(&road), "a").is_ok()));
}

#[test]
fn dropping_the_road_closes_everything_and_ends_its_threads() {
    for condition in [Condition::Up, Condition::Hang, Condition::Stall, Condition::Slow(Duration::MAX), Condition::Lost, Condition::Down] {
        let shop = Shop::open();
        let road = Road::open(shop.address, 3).unwrap();
        let (standing, address) = (customer(&road), road.address());
        ask(&standing, "before").unwrap();
        road.set(condition).unwrap();
        // On a road that is down the write fails; on the others the request may be anywhere when the road is dropped.
        let _ = write(&standing, b"sale\n");
        let traffic = Arc::downgrade(&road.traffic);
        drop(road);
        let answer = rest(&standing);
        assert!(condition == Condition::Up || answer.is_empty(), "{condition:?}");
        assert!(TcpStream::connect(address).is_err());
        assert!(condition == Condition::Down || traffic.upgrade().is_none(), "{condition:?}: a thread still holds the traffic");
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Up),
        Just(Condition::Down),
        Just(Condition::Hang),
        Just(Condition::Stall),
        Just(Condition::Lost),
        Just(Condition::Twice),
        Just(Condition::Reorder),
        Just(Condition::Drip(Duration::from_millis(1))),
        Just(Condition::Endless),
        (0_u64..5).prop_map(|delay| Condition::Slow(Duration::from_millis(delay))),
        any::<u8>().prop_map(|percent| Condition::Drop { percent }),
        Just(Condition::Garbage),
        Just(Condition::Half),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_happened_before_a_road_that_is_up_serves(
        conditions in prop::collection::vec(any_condition(), 0..12),
        seed: u64,
    ) {
        let shop = Shop::open();
        let road = Road::open(shop.address, seed).unwrap();
        for condition in conditions {
            road.set(condition).unwrap();
            prop_assert_eq!(road.condition(), condition);
            if let Ok(stream) = TcpStream::connect(road.address()) {
                prop_assert!(condition != Condition::Down);
                write(&stream, b"meanwhile\n").ok();
            }
        }
        road.set(Condition::Up).unwrap();
        prop_assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
    }
}
