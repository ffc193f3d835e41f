//! What stands between us and a server, in words and a code that an operator knows from Node.

use std::io::{self, ErrorKind};

use crate::core::Detail;

/// The code that Node has for an error of the system, and what it means.
const KNOWN: [(ErrorKind, &str, &str); 14] = [
    (ErrorKind::ConnectionRefused, "ECONNREFUSED", "connection refused"),
    (ErrorKind::ConnectionReset, "ECONNRESET", "connection reset"),
    (ErrorKind::ConnectionAborted, "ECONNABORTED", "connection aborted"),
    (ErrorKind::UnexpectedEof, "ECONNRESET", "the server closed the connection"),
    (ErrorKind::BrokenPipe, "EPIPE", "the server closed the connection"),
    (ErrorKind::NotConnected, "ENOTCONN", "the server closed the connection"),
    (ErrorKind::TimedOut, "ETIMEDOUT", "timed out"),
    (ErrorKind::HostUnreachable, "EHOSTUNREACH", "no route to the host"),
    (ErrorKind::NetworkUnreachable, "ENETUNREACH", "no route to the network"),
    (ErrorKind::NetworkDown, "ENETDOWN", "the network is down"),
    (ErrorKind::AddrNotAvailable, "EADDRNOTAVAIL", "no local address is left to connect from"),
    (ErrorKind::NotFound, "ENOENT", "no such socket"),
    (ErrorKind::PermissionDenied, "EACCES", "permission denied"),
    (ErrorKind::WriteZero, "EPIPE", "the server takes nothing more"),
];

/// Reads an error of a socket. One that wraps a `Detail` is just that.
pub fn read(error: io::Error) -> Detail {
    let kind = error.kind();
    let error = match error.downcast::<Trouble>() {
        Ok(Trouble(detail)) => return detail,
        Err(error) => error,
    };
    match KNOWN.iter().find(|(known, ..)| *known == kind) {
        Some((_, code, text)) => Detail::new(*code, *text),
        None => Detail::new("EIO", error.to_string()),
    }
}

/// What a name came to that has no address. The system's resolver has words of its own for it, and no code.
pub fn no_address(error: &io::Error) -> io::Error {
    if error.to_string().contains("emporary failure") {
        return say("EAI_AGAIN", "the name cannot be resolved now");
    }
    say("ENOTFOUND", "the name has no address")
}

/// What a server said. Its errors begin with a code, if they are Redis' own.
pub fn said(message: String) -> Detail {
    let word = message.split(' ').next().unwrap_or_default();
    let code = word.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| word.to_owned());
    Detail { code: code.filter(|code| !code.is_empty()).map(Into::into), text: message }
}

/// Whether an error is what was said, by a server or by us, and not just an end.
pub fn is_said(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Trouble>())
}

/// An error with words and a code of ours.
pub fn say(code: &'static str, text: impl Into<String>) -> io::Error {
    tell(Detail::new(code, text))
}

/// As `say`, of what is known already.
pub fn tell(detail: Detail) -> io::Error {
    io::Error::other(Trouble(detail))
}

#[derive(Debug)]
struct Trouble(Detail);

impl std::error::Error for Trouble {}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_has_the_code_that_node_gives_it_and_no_number() {
        let refused = read(io::Error::from_raw_os_error(111));
        if cfg!(target_os = "linux") {
            assert_eq!(refused, Detail::new("ECONNREFUSED", "connection refused"));
        }
        for (kind, code, text) in KNOWN {
            assert_eq!(read(kind.into()), Detail::new(code, text));
        }
    }

    #[test]
    fn what_we_said_ourselves_is_kept() {
        assert_eq!(read(say("ETIMEDOUT", "no answer")), Detail::new("ETIMEDOUT", "no answer"));
        let at = Detail::new("WRONGPASS", "WRONGPASS no").at("a:1");
        assert_eq!(read(tell(at.clone())), at);
    }
}
