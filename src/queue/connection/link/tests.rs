//! What a link says of its bytes, and of the secrets that went over it.

use super::*;

/// Takes so many bytes a write, and fails when it has taken as many as it may.
struct Narrow {
    step: usize,
    left: usize,
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
