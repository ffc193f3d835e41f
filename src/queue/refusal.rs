//! What an error reply means for the jobs of the batch it answers.

use std::fmt::Display;

use super::connection::place;
use crate::core::{Detail, Error, Outcome};

/// What to do with a batch that the server answered with an error. In each case nothing of it was written.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The server does not hold the script, after a restart or SCRIPT FLUSH: send it whole.
    NoScript,
    /// The server cannot take writes now and will say so of its own accord when it can. Try again within the deadline.
    NotNow,
    /// This server will not take writes, but the one that answers to its name next may. Connect anew.
    NotHere,
    /// Another node of the cluster has the queue: this host, or the same one, at this port.
    Moved(Option<String>, u16),
    /// It is no use asking again.
    Never(Error),
}

/// What an operator is told of an error reply.
pub fn said(message: &str, server: impl Display) -> Detail {
    Detail::new(code(message).to_owned(), message).at(server)
}

/// Reads an error reply. `message` begins with the code, or names it where a script passed the error on; `detail` is what
/// an operator is told of it.
pub fn judge(message: &str, detail: &Detail) -> Refusal {
    match code(message) {
        "NOSCRIPT" => Refusal::NoScript,
        // ASK and TRYAGAIN come while the queue's slot moves to another node: our call names keys that exist and keys that
        // do not, which only a node that has the whole slot can take. MOVED follows when the move is done.
        "LOADING" | "BUSY" | "ASK" | "TRYAGAIN" | "MASTERDOWN" => Refusal::NotNow,
        // A primary that became a replica says READONLY, one that lost its replicas NOREPLICAS, and a node that was taken
        // out of the cluster CLUSTERDOWN for ever.
        "READONLY" | "NOREPLICAS" | "CLUSTERDOWN" => Refusal::NotHere,
        "OOM" | "MISCONF" => {
            Refusal::Never(Error::QueueUnavailable { outcome: Outcome::Refused, detail: detail.clone() })
        }
        "NOAUTH" | "NOPERM" | "WRONGPASS" => Refusal::Never(Error::Misconfigured {
            message: "Redis does not let this user enqueue; the job was not enqueued",
            detail: detail.clone(),
        }),
        "MOVED" => place::moved(message).map_or(Refusal::NotNow, |(host, port)| Refusal::Moved(host, port)),
        "CROSSSLOT" => Refusal::Never(Error::Misconfigured {
            message: "this Redis is a cluster: put braces around the prefix, for example \"{bull}\", here and in the \
                      workers; the job was not enqueued",
            detail: detail.clone(),
        }),
        _ => Refusal::Never(Error::Misconfigured {
            message: "Redis refused the job; it was not enqueued",
            detail: detail.clone(),
        }),
    }
}

/// What proxies say in Redis' place under its own code: the system's words for what is wrong with the way there.
const OF_PROXIES: [&str; 12] = [
    "Connection ",
    "Broken pipe",
    "No route to host",
    "Network ",
    "Host is ",
    "Operation ",
    "Resource temporarily",
    "Invalid argument",
    "timeout",
    "proxy",
    "upstream",
    "server",
];

/// Whether an error reply begins with a code, as all of Redis do. One that does not comes from something in between, and
/// says nothing of the jobs: nor does one of twemproxy, which waits for an answer no longer.
pub fn is_from_redis(message: &str) -> bool {
    let (code, text) = message.split_once(' ').unwrap_or((message, ""));
    let coded = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    coded && !(code == "ERR" && OF_PROXIES.iter().any(|said| starts_with(text, said)))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start))
}

/// The code of an error. Redis 6 wraps that of a command in a script: `ERR Error running script …: -OOM command …`, and
/// neither it nor Valkey has one for a command that the user may not run there.
fn code(message: &str) -> &str {
    if message.starts_with("ERR ACL failure in script") || message.contains("can't run this command") {
        return "NOPERM";
    }
    let inner = match message.strip_prefix("ERR Error running script") {
        Some(rest) => rest.split_once(": -").map_or(message, |(_, inner)| inner),
        None => message,
    };
    inner.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(message: &str) -> Refusal {
        super::judge(message, &said(message, "a:1"))
    }

    #[test]
    fn the_code_decides() {
        assert_eq!(judge("NOSCRIPT No matching script."), Refusal::NoScript);
        for message in [
            "LOADING Redis is loading the dataset in memory",
            "BUSY Redis is busy running a script.",
            "ASK 1 a:7",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "MASTERDOWN Link with MASTER is down",
        ] {
            assert_eq!(judge(message), Refusal::NotNow, "{message}");
        }
        for message in [
            "READONLY You can't write against a read only replica.",
            "NOREPLICAS Not enough good replicas to write.",
            "CLUSTERDOWN Hash slot not served",
        ] {
            assert_eq!(judge(message), Refusal::NotHere, "{message}");
        }
        assert_eq!(judge("MOVED 1 a:7"), Refusal::Moved(Some("a".into()), 7));
        assert_eq!(judge("MOVED 1 :7"), Refusal::Moved(None, 7));
        assert_eq!(judge("MOVED 1"), Refusal::NotNow);
        let Refusal::Never(error) = judge("WRONGTYPE Operation against a key") else { panic!() };
        assert_eq!(error.code(), "MISCONFIGURED");
        assert_eq!(error.outcome(), Outcome::Refused);
    }

    #[test]
    fn an_error_without_a_code_is_not_from_redis() {
        for message in [
            "ERR x",
            "ERR Error running script",
            "ERR unknown command",
            "NOSCRIPT No matching script.",
            "CLUSTERDOWN",
            "OOM x",
        ] {
            assert!(is_from_redis(message), "{message}");
        }
        for message in [
            "",
            "upstream failure",
            " ERR",
            "Err x",
            "ERR Connection timed out",
            "ERR Connection refused",
            "ERR Broken pipe",
            "ERR Timeout",
        ] {
            assert!(!is_from_redis(message), "{message}");
        }
    }

    #[test]
    fn the_code_is_found_where_redis_6_wraps_it() {
        let message = "ERR Error running script (call to f_1b): @user_script:41: @user_script: 41: -OOM command not allowed";
        let Refusal::Never(error) = judge(message) else { panic!() };
        assert_eq!(error.code(), "QUEUE_UNAVAILABLE");
        let detail = error.detail().unwrap();
        assert_eq!((detail.code.as_deref(), &*detail.text), (Some("OOM"), &*format!("a:1: {message}")));
        for message in
            ["NOPERM this user may not run XADD", "ERR ACL failure in script: no permissions to run"]
        {
            let Refusal::Never(error) = judge(message) else { panic!() };
            assert!(error.message().contains("this user"), "{message}");
        }
        assert!(matches!(judge("ERR unknown command"), Refusal::Never(_)));
    }
}
