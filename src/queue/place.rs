//! Finds the server that takes our writes, and makes a link to it.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::config::{Config, Endpoint, Login, Place};
use super::link::Link;
use super::resp::Reply;

/// How long one attempt may take, from the name to the answers to AUTH, SELECT and PING.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a sentinel may take before the next is asked.
const SENTINEL_TIMEOUT: Duration = Duration::from_millis(500);

/// Connects to the server that takes our writes. `attempt` counts up, so that no dead sentinel or node is always the
/// first to be asked; `moved` is where a node of a cluster said that the queue is.
pub async fn connect(config: &Config, attempt: usize, moved: Option<Endpoint>) -> io::Result<Link> {
    match timeout(CONNECT_TIMEOUT, find(config, attempt, moved)).await {
        Ok(link) => link,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer while connecting")),
    }
}

async fn find(config: &Config, attempt: usize, moved: Option<Endpoint>) -> io::Result<Link> {
    let tls = config.tls.as_ref();
    match &config.place {
        Place::Server(endpoint) => {
            let endpoint = moved.as_ref().unwrap_or(endpoint);
            Link::open(endpoint, tls, &config.login, config.database).await
        }
        Place::Cluster(nodes) => {
            let node = nodes.get(attempt % nodes.len().max(1));
            let endpoint = moved.as_ref().or(node).ok_or(io::ErrorKind::NotFound)?;
            Link::open(endpoint, tls, &config.login, 0).await
        }
        Place::Sentinels { sentinels, name, login, tls: secure } => {
            let mut failure = io::Error::new(io::ErrorKind::NotFound, "no sentinel is given");
            for at in 0..sentinels.len() {
                let sentinel = &sentinels[(attempt + at) % sentinels.len()];
                let asked = ask(sentinel, if *secure { tls } else { None }, login, name);
                let primary = match timeout(SENTINEL_TIMEOUT, asked).await {
                    Ok(Ok(primary)) => primary,
                    Ok(Err(error)) => {
                        failure = error;
                        continue;
                    }
                    Err(_) => {
                        failure = io::Error::new(io::ErrorKind::TimedOut, "a sentinel did not answer");
                        continue;
                    }
                };
                let mut link = Link::open(&primary, tls, &config.login, config.database).await?;
                return match link.ask(&[b"ROLE"]).await? {
                    // Sentinels that have not heard of a failover yet name the primary that was.
                    Reply::Array(role) if role.first() == Some(&Reply::Bulk(b"master".to_vec())) => Ok(link),
                    _ => Err(io::Error::other("the server that a sentinel named is no primary")),
                };
            }
            Err(failure)
        }
    }
}

async fn ask(
    sentinel: &Endpoint,
    tls: Option<&super::config::Tls>,
    login: &Login,
    name: &str,
) -> io::Result<Endpoint> {
    let mut link = Link::open(sentinel, tls, login, 0).await?;
    let reply = link.ask(&[b"SENTINEL", b"get-master-addr-by-name", name.as_bytes()]).await?;
    if let Reply::Array(parts) = &reply
        && let [Reply::Bulk(host), Reply::Bulk(port)] = parts.as_slice()
        && let Some(primary) = endpoint(host, port)
    {
        return Ok(primary);
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("a sentinel knows no primary of the name {name:?}")))
}

fn endpoint(host: &[u8], port: &[u8]) -> Option<Endpoint> {
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Some(Endpoint::Tcp(String::from_utf8(host.to_vec()).ok()?, port))
}

/// Where `MOVED <slot> <host>:<port>` sends us. A node that does not know its own name leaves out the host.
pub fn moved(message: &str) -> Option<Endpoint> {
    let (host, port) = message.split(' ').nth(2)?.rsplit_once(':')?;
    if host.is_empty() { None } else { endpoint(host.as_bytes(), port.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_names_host_and_port() {
        let to = |host: &str| Some(Endpoint::Tcp(host.into(), 7001));
        assert_eq!(moved("MOVED 3999 127.0.0.1:7001"), to("127.0.0.1"));
        assert_eq!(moved("MOVED 3999 ::1:7001"), to("::1"));
        for message in ["MOVED", "MOVED 3999", "MOVED 3999 :7001", "MOVED 3999 host:x"] {
            assert_eq!(moved(message), None, "{message}");
        }
    }
}
