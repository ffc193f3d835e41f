//! A client that goes over to another writer while its jobs are on their way.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::queue::connection::config::tests::local;
use crate::queue::connection::peer::{PATIENCE, Peer, WELCOME, read_call, read_to_end};
use crate::queue::{Destination, Sink};

/// A client with one job on its way, which has another writer by now, and none else has the first.
struct Moved {
    /// The server's end of the link that the job is on, and what it would answer.
    server: TcpStream,
    answer: String,
    elsewhere: Peer,
    outcomes: Receiver<(u32, Settled)>,
    share: Share,
}

impl Moved {
    fn new() -> Moved {
        let [first, elsewhere] = [1, 2].map(|_| Peer::start(b""));
        let start = |peer: &Peer| Arc::new(Writer::start(local(peer.port)).unwrap());
        let (settled, outcomes) = channel();
        let sink = move || -> Sink {
            let settled = settled.clone();
            Box::new(move |jobs| jobs.drain(..).for_each(|job| settled.send(job).unwrap()))
        };
        let mut share = Share::join(start(&first), Destination::sample("bull"), sink());
        assert!(share.push(vec![ready(7, 2 * PATIENCE)]).is_ok());
        let (server, answer) = first.call();
        share.move_to(start(&elsewhere), Destination::sample("bull"), sink());
        Moved { server, answer, elsewhere, outcomes, share }
    }

    fn outcome(&self) -> (u32, Settled) {
        self.outcomes.recv_timeout(PATIENCE).expect("an outcome")
    }
}

fn is_added((slot, settled): (u32, Settled), of: u32) -> bool {
    slot == of && matches!(settled, Settled::Added)
}

#[test]
fn a_job_on_its_way_is_answered_where_it_went_and_is_sent_nowhere_else() {
    let mut it = Moved::new();
    assert!(it.share.push(vec![ready(8, PATIENCE)]).is_ok());
    let (mut there, answer) = it.elsewhere.call();
    it.server.write_all(it.answer.as_bytes()).unwrap();
    assert!(is_added(it.outcome(), 7));
    there.write_all(answer.as_bytes()).unwrap();
    assert!(is_added(it.outcome(), 8));
    // Batches are numbered: no other has gone there.
    assert!(it.share.push(vec![ready(9, PATIENCE)]).is_ok());
    assert_eq!((answer.as_str(), read_call(&mut there).as_deref()), ("*1\r\n:1\r\n", Some("*1\r\n:2\r\n")));
    // Nobody has the first writer any more.
    read_to_end(&mut it.server);
}

#[test]
fn a_late_moved_of_the_link_that_was_left_sends_the_job_to_where_its_client_is_by_now() {
    let mut it = Moved::new();
    let named = Peer::start(WELCOME);
    write!(it.server, "-MOVED 1 127.0.0.1:{}\r\n", named.port).unwrap();
    read_to_end(&mut it.server);
    // The first link that the client has there breaks too: even then the next one leads where it was told to go.
    drop(it.elsewhere.call());
    let (mut there, answer) = it.elsewhere.call();
    assert!(it.outcomes.try_recv().is_err());
    there.write_all(answer.as_bytes()).unwrap();
    assert!(is_added(it.outcome(), 7));
    assert!(!named.has_link());
}
