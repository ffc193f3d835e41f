//! Attempts to connect where nothing is answered. Time is told, not waited for.

use std::io::Write;

use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::*;
use crate::queue::connection::config::tests::local;
use crate::queue::connection::peer::{PATIENCE, Peer, WELCOME};
use crate::queue::writer::connecting::Event;

#[test]
fn an_attempt_that_is_not_answered_gets_company_within_a_second_and_the_first_to_be_answered_counts() {
    let mut peer = Peer::start(b"");
    let (_sender, inbox) = unbounded_channel();
    let mut state = State::new(local(peer.port), Arc::default(), inbox, 0);
    let client = state.backlog.join(0);
    state.backlog.add(client, ready(1, PATIENCE));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now() + Duration::from_millis(1);
    let mut links = Vec::new();
    for second in 0..3 {
        let now = start + Duration::from_secs(second);
        state.connect(now);
        let next = state.alarm(now).unwrap();
        assert!(now < next && next <= now + Duration::from_secs(1));
        let made;
        (peer, made) = runtime.block_on(async {
            let made = spawn_blocking(move || {
                let link = peer.link();
                (peer, link)
            });
            tokio::select! {
                made = made => made.unwrap(),
                _ = state.connection.turn() => panic!("nobody has answered"),
            }
        });
        links.push(made);
    }
    // The one in the middle.
    links[1].write_all(WELCOME).unwrap();
    let turn = runtime.block_on(async { timeout(PATIENCE, state.connection.turn()).await });
    assert!(matches!(turn, Ok(Event::Connected(Ok(_)))));
}
