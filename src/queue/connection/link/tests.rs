//! What a link says of its bytes, and of the secrets that went over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;

/// Takes so many bytes a write, and fails when it has taken as many as it may.
struct Narrow {
    step: usize,
    left: usize,
}

impl Socket for Narrow {
    fn taken(&self) -> u64 {
        0
    }
}

impl AsyncRead for Narrow {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(self.step).min(self.left);
        self.left -= taken;
        Poll::Ready(if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How many of a thousand bytes may have gone when the socket failed after 300.
fn gone(secure: bool) -> u64 {
    let narrow = Narrow { step: 100, left: 300 };
    let mut link = Link::over(Box::new(narrow), Endpoint::Tcp("a".into(), 1), secure);
    link.out().extend_from_slice(&[0; 1000]);
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(link.poll_send(&mut context).is_err());
    assert_eq!(link.appended(), 1000);
    link.gone()
}

#[test]
fn a_write_of_tls_that_fails_may_have_sent_all_that_it_was_given_and_one_of_tcp_sent_nothing() {
    assert_eq!(gone(false), 300);
    assert_eq!(gone(true), 1000);
}

/// A kernel with so much room. TLS takes all at once, and is rid of it when it is flushed.
struct Room {
    room: Arc<AtomicU64>,
    taken: u64,
    held: Option<u64>,
}

impl Room {
    fn take(&mut self, most: u64) -> u64 {
        let count = most.min(self.room.load(Relaxed));
        self.room.fetch_sub(count, Relaxed);
        self.taken += count;
        count
    }
}

impl Socket for Room {
    fn taken(&self) -> u64 {
        self.taken
    }
}

impl AsyncRead for Room {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Room {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(held) = &mut self.held {
            *held += bytes.len() as u64;
            return Poll::Ready(Ok(bytes.len()));
        }
        match self.take(bytes.len() as u64) {
            0 => Poll::Pending,
            count => Poll::Ready(Ok(count as usize)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(held) = self.held else { return Poll::Ready(Ok(())) };
        let left = held - self.take(held);
        self.held = Some(left);
        if left > 0 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn room_that_is_made_is_a_sign_of_life_and_room_that_there_was_is_none() {
    for held in [None, Some(0)] {
        let room = Arc::new(AtomicU64::new(300));
        let kernel = Room { room: room.clone(), taken: 0, held };
        let mut link = Link::over(Box::new(kernel), Endpoint::Tcp("a".into(), 1), held.is_some());
        let mut heard = |room_made: u64, more: usize| {
            let before = link.heard();
            room.fetch_add(room_made, Relaxed);
            link.out().extend(vec![0; more]);
            let mut context = Context::from_waker(std::task::Waker::noop());
            link.poll_send(&mut context).unwrap();
            link.heard() > before
        };
        assert!(!heard(0, 200), "there was room");
        assert!(!heard(0, 500), "there was room for a part");
        assert!(!heard(0, 0), "nothing has changed");
        assert!(heard(1, 0), "a byte of what waits was taken");
        assert!(!heard(0, 0), "nothing has changed since");
        assert!(heard(1000, 0), "all of it was taken");
        assert!(!heard(0, 200), "there was room again");
    }
}

#[test]
fn a_password_that_nobody_asked_for_is_fine() {
    let login = |answer: &str| check_login(Reply::Error(answer.into())).map_err(|error| error.to_string());
    for answer in [
        "ERR AUTH <password> called without any password configured for the default user. Are you sure?",
        "ERR Client sent AUTH, but no password is set",
    ] {
        assert_eq!(login(answer), Ok(()));
    }
    assert!(login("WRONGPASS invalid username-password pair or user is disabled.").is_err());
    let unknown = "ERR unknown command 'AUTH', with args beginning with: 'x'";
    assert_eq!(login(unknown), Err("ERR unknown command 'AUTH'".into()));
}
