//! What a link that stands is asked, when it is doubted, and what its answers come to. Time is told, not waited for.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::queue::Destination;
use crate::queue::connection::config::tests::local;
use crate::queue::connection::peer::{PATIENCE, Peer, WELCOME};
use crate::queue::connection::place;
use crate::queue::scripts::REPLICA;
use crate::queue::writer::connecting::Event;

const MILLISECOND: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A writer whose thread is the test's, with a link that stands.
struct Standing {
    runtime: Runtime,
    state: State,
    share: Share,
    /// The server's end.
    server: TcpStream,
    outcomes: Receiver<(u32, Settled)>,
}

impl Standing {
    fn new(replicated: bool) -> Standing {
        let peer = Peer::start(WELCOME);
        let config = Config { replicated, ..local(peer.port) };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime
            .block_on(place::connect(&config, 0, None, Instant::now() + PATIENCE))
            .unwrap_or_else(|error| panic!("{error}"));
        let (sender, inbox) = unbounded_channel();
        let health = Arc::<Health>::default();
        let mut state = State::new(config, Arc::clone(&health), inbox, 0);
        state.on_event(Event::Connected(Ok(Box::new(server))));
        let (settled, outcomes) = channel();
        let sink =
            Box::new(move |jobs: &mut Vec<_>| jobs.drain(..).for_each(|job| settled.send(job).unwrap()));
        let share = Share::join(Arc::new(Writer { sender, health }), Destination::sample("bull"), sink);
        Standing { runtime, state, share, server: peer.link(), outcomes }
    }

    /// Jobs arrive at `now`, which are sent if they may be. Says whether they were.
    fn sends(&mut self, jobs: u32, now: Instant) -> bool {
        assert!(self.share.push((0..jobs).map(|slot| ready(slot, 60 * MINUTE)).collect()).is_ok());
        while let Ok(message) = self.state.inbox.try_recv() {
            self.state.clients.take(message, &mut self.state.backlog);
        }
        self.state.dispatch(now);
        !self.state.backlog.is_waiting()
    }

    /// The server says this.
    fn hears(&mut self, said: &str) {
        self.server.write_all(said.as_bytes()).unwrap();
        let received = self.runtime.block_on(self.state.connection.turn());
        self.state.on_event(received);
        self.state.report();
    }

    fn heard(&self) -> Instant {
        let Connection::Up(standing) = &self.state.connection else { panic!("the link is gone") };
        standing.link.heard()
    }
}

#[test]
fn a_link_is_doubted_when_it_was_silent_since_jobs_went_out_however_long_it_was_idle_before() {
    for (replicated, patience) in [(false, SILENCE[0]), (true, SILENCE[0] + REPLICA)] {
        let mut it = Standing::new(replicated);
        assert_eq!(it.state.doubtful_at(), None);
        let sent = Instant::now() + MINUTE;
        assert!(it.sends(1, sent));
        assert_eq!(it.state.doubtful_at(), Some(sent + patience));
    }
}

#[test]
fn a_link_is_doubted_when_it_was_silent_since_it_was_heard_however_long_jobs_were_on_their_way_before() {
    let mut it = Standing::new(false);
    let sent = Instant::now();
    assert!(it.sends(1, sent) && it.sends(1, sent));
    it.hears("*1\r\n:1\r\n");
    assert!(it.heard() > sent);
    assert_eq!(it.state.doubtful_at(), Some(it.heard() + SILENCE[0]));
    it.hears("*1\r\n:2\r\n");
    assert_eq!(it.state.doubtful_at(), None);
}

#[test]
fn nothing_more_is_sent_on_a_link_that_has_jobs_and_is_quiet_and_more_is_when_it_was_idle_or_just_heard() {
    let mut it = Standing::new(false);
    let sent = Instant::now() + MINUTE;
    assert!(it.sends(1, sent) && it.sends(1, sent + QUIET - MILLISECOND));
    let mut it = Standing::new(false);
    assert!(it.sends(1, sent) && !it.sends(1, sent + QUIET));
    let mut it = Standing::new(false);
    let sent = Instant::now();
    assert!(it.sends(1, sent) && it.sends(1, sent));
    it.hears("*1\r\n:1\r\n");
    // The other has been on its way for so long, and the link was heard since.
    assert!(it.sends(1, sent + QUIET));
}

#[test]
fn a_server_that_says_not_now_is_asked_again_after_a_pause_and_not_before() {
    for said in
        ["-BUSY Redis is busy running a script.\r\n", "-ASK 1 127.0.0.1:1\r\n", "-TRYAGAIN Multiple keys\r\n"]
    {
        let mut it = Standing::new(false);
        let asked = Instant::now();
        assert!(it.sends(3, asked));
        it.hears(said);
        it.state.dispatch(asked + 40 * MILLISECOND);
        assert!(it.state.backlog.is_waiting() && !it.state.backlog.is_sent(), "{said}");
        assert_eq!(it.state.alarm(asked), Some(it.state.not_before));
        it.state.dispatch(it.state.not_before);
        assert!(it.state.backlog.is_sent());
        it.hears("*1\r\n:2\r\n");
        assert_eq!(
            it.outcomes.try_iter().filter(|(_, settled)| matches!(settled, Settled::Added)).count(),
            3
        );
    }
}

#[test]
fn with_replicas_asked_for_nothing_but_the_word_of_one_makes_a_job_queued() {
    for (said, queued) in [
        (":1\r\n", true),
        (":2\r\n", true),
        (":0\r\n", false),
        ("-NOPERM this user has no permissions to run the 'wait' command\r\n", false),
        ("-ERR WAIT cannot be used with replica instances.\r\n", false),
    ] {
        let mut it = Standing::new(true);
        assert!(it.sends(1, Instant::now()));
        it.hears("*1\r\n:1\r\n");
        assert!(it.outcomes.try_recv().is_err());
        it.hears(said);
        match it.outcomes.try_recv().unwrap().1 {
            Settled::Added => assert!(queued, "{said}"),
            Settled::Failed(error) => {
                assert_eq!((queued, error.outcome()), (false, Outcome::Unknown), "{said}")
            }
            other => panic!("{said} {other:?}"),
        }
    }
}
