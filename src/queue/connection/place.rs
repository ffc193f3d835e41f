//! Finds the server that takes our writes, and makes a link to it.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::config::{Config, Endpoint, Login, Place, Sentinels};
use super::link::{Link, STEP, Visitor, accepted};
use super::resp::Reply;
use super::trouble;

/// How often sentinels are asked whether the primary is still the one.
const WATCH: Duration = Duration::from_secs(1);

/// Connects to the server that takes our writes, within the time that there is. `attempt` counts up, so that no dead node
/// of a cluster is always the first to be asked; `moved` is where one said that the queue is.
pub async fn connect(
    config: &Config,
    attempt: usize,
    moved: Option<Endpoint>,
    until: Instant,
) -> io::Result<Server> {
    match &config.place {
        Place::Server(endpoint) => {
            open(config, moved.as_ref().unwrap_or(endpoint), config.database, until).await
        }
        Place::Cluster(nodes) => {
            let node = nodes.get(attempt % nodes.len().max(1));
            open(config, moved.as_ref().or(node).ok_or(io::ErrorKind::NotFound)?, 0, until).await
        }
        Place::Sentinels(sentinels) => {
            let mut failure = trouble::say("ENOTFOUND", "no sentinel is given");
            for primary in sentinels.primaries(until, &mut failure).await {
                match open_primary(config, &primary, until).await {
                    Ok(server) => return Ok(server),
                    Err(error) => failure = error,
                }
            }
            Err(failure)
        }
    }
}

async fn open(config: &Config, endpoint: &Endpoint, database: u32, until: Instant) -> io::Result<Server> {
    // A port that accepts is not yet a server that answers: jobs are sent to one that does.
    let (server, _) = Server::open(config, endpoint, database, &[b"PING"], until).await?;
    Ok(server)
}

async fn open_primary(config: &Config, endpoint: &Endpoint, until: Instant) -> io::Result<Server> {
    let (server, role) = Server::open(config, endpoint, config.database, &[b"ROLE"], until).await?;
    match role {
        Reply::Array(role) if role.first() == Some(&Reply::Bulk(b"master".to_vec())) => Ok(server),
        _ => Err(told(
            endpoint,
            &config.login,
            trouble::say("READONLY", "the server that a sentinel named is no primary"),
        )),
    }
}

/// A link that stands, and what the server lets be seen of itself.
pub struct Server {
    pub link: Link,
    /// What it does when its memory is full: `maxmemory-policy`.
    pub eviction: Option<String>,
}

impl Server {
    /// Asks one question that must be answered, and beside it what a server that evicts should be known for. Whether
    /// our user may ask that is another matter.
    async fn open(
        config: &Config,
        endpoint: &Endpoint,
        database: u32,
        question: &[&[u8]],
        until: Instant,
    ) -> io::Result<(Server, Reply)> {
        let questions: [&[&[u8]]; 2] = [question, &[b"INFO", b"memory"]];
        let visitor = Visitor { tls: config.tls.as_ref(), login: &config.login, name: &config.name, until };
        let (link, replies) = Link::open(endpoint, &visitor, database, &questions).await?;
        let [answer, info] = <[Reply; 2]>::try_from(replies).map_err(|_| {
            told(endpoint, &config.login, trouble::say("EPROTO", "the server sent no answer"))
        })?;
        let answer = accepted(answer).map_err(|error| told(endpoint, &config.login, error))?;
        Ok((Server { link, eviction: eviction(&info) }, answer))
    }
}

/// Which server said it, without the password if it repeats that.
fn told(server: impl Display, login: &Login, error: io::Error) -> io::Error {
    trouble::tell(trouble::read(error).without(login.password.as_deref().unwrap_or_default()).at(server))
}

fn eviction(info: &Reply) -> Option<String> {
    let Reply::Bulk(info) = info else {
        return None;
    };
    let info = std::str::from_utf8(info).ok()?;
    info.lines()
        .find_map(|line| line.strip_prefix("maxmemory_policy:"))
        .map(|policy| policy.trim().to_owned())
}

/// Once a sentinel has answered, the others have this long to disagree.
const LAST_WORD: Duration = Duration::from_millis(200);

impl Sentinels {
    /// What the sentinels name, that of most first: one that has not heard of a failover yet names the primary that was.
    /// All are asked at once, so that one that is dead or silent holds up none of the others.
    async fn primaries(&self, until: Instant, failure: &mut io::Error) -> Vec<Endpoint> {
        let mut asked = JoinSet::new();
        for node in self.nodes.clone() {
            let sentinels = self.clone();
            asked.spawn(async move { sentinels.ask(&node, until).await });
        }
        let mut named = Vec::new();
        loop {
            let answer = match named.is_empty() {
                true => asked.join_next().await,
                false => timeout(LAST_WORD, asked.join_next()).await.unwrap_or_default(),
            };
            let Some(answer) = answer else {
                break;
            };
            match answer.map_err(io::Error::other).and_then(|answer| answer) {
                Ok((_, primary)) => named.push(primary),
                Err(error) => *failure = error,
            }
            if let Some((primary, votes)) = by_votes(&named).first()
                && *votes > self.nodes.len() / 2
            {
                return vec![(*primary).clone()];
            }
        }
        by_votes(&named).into_iter().map(|(primary, _)| primary.clone()).collect()
    }

    async fn ask(&self, node: &Endpoint, until: Instant) -> io::Result<(Link, Endpoint)> {
        let question = self.question();
        let asked = async {
            let (tls, login, name) = (self.tls.as_ref(), &self.login, &self.connection_name);
            let visitor = Visitor { tls, login, name, until };
            let (link, mut replies) = Link::open(node, &visitor, 0, &[&question]).await?;
            let reply =
                accepted(replies.pop().unwrap_or(Reply::Nil)).map_err(|error| told(node, login, error))?;
            Ok((link, self.primary(&reply).map_err(|error| told(node, login, error))?))
        };
        asked.await.map_err(|error: io::Error| {
            let mut detail = trouble::read(error);
            detail.text.insert_str(0, "sentinel ");
            trouble::tell(detail)
        })
    }

    fn question(&self) -> [&[u8]; 3] {
        [b"SENTINEL", b"get-master-addr-by-name", self.name.as_bytes()]
    }

    fn primary(&self, reply: &Reply) -> io::Result<Endpoint> {
        if let Reply::Array(parts) = reply
            && let [Reply::Bulk(host), Reply::Bulk(port)] = parts.as_slice()
            && let Some(primary) = endpoint(host, port)
        {
            return Ok(primary);
        }
        let unknown = format!("it knows no primary of the name {:?}", self.name);
        Err(trouble::say("ENOTFOUND", unknown))
    }

    /// Reports what one sentinel names, again and again; nothing while it does not answer.
    async fn watch(self, at: usize, views: UnboundedSender<(usize, Option<Endpoint>)>) {
        loop {
            let asked = self.ask(&self.nodes[at], Instant::now() + STEP).await;
            if views.send((at, asked.as_ref().ok().map(|(_, primary)| primary.clone()))).is_err() {
                return;
            }
            sleep(WATCH).await;
            let Ok((mut link, _)) = asked else {
                continue;
            };
            while let Ok(primary) = link.ask(&self.question()).await.and_then(|reply| self.primary(&reply)) {
                if views.send((at, Some(primary))).is_err() {
                    return;
                }
                sleep(WATCH).await;
            }
        }
    }
}

/// Resolves when most of the sentinels that answer name another primary than `current`: one that they left, perhaps on the
/// other side of a partition, may take writes for a long time yet, and all of them will be lost.
pub async fn superseded(sentinels: Sentinels, current: Endpoint) {
    let (sender, mut views) = unbounded_channel();
    let mut watchers = JoinSet::new();
    for at in 0..sentinels.nodes.len() {
        watchers.spawn(sentinels.clone().watch(at, sender.clone()));
    }
    let mut named = vec![None; sentinels.nodes.len()];
    while let Some((at, view)) = views.recv().await {
        named[at] = Some(view);
        // Not before each has had its say, or the first to speak would be most of them.
        let Some(said) = named.iter().cloned().collect::<Option<Vec<_>>>() else {
            continue;
        };
        let said: Vec<_> = said.into_iter().flatten().collect();
        if let Some((primary, votes)) = by_votes(&said).first()
            && **primary != current
            && *votes > said.len() / 2
        {
            return;
        }
    }
}

/// What was named, and how often, most often first; ties in the order in which they were named.
fn by_votes(named: &[Endpoint]) -> Vec<(&Endpoint, usize)> {
    let mut votes: Vec<(&Endpoint, usize)> = Vec::new();
    for primary in named {
        match votes.iter_mut().find(|(known, _)| *known == primary) {
            Some((_, count)) => *count += 1,
            None => votes.push((primary, 1)),
        }
    }
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    votes
}

fn endpoint(host: &[u8], port: &[u8]) -> Option<Endpoint> {
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Some(Endpoint::Tcp(String::from_utf8(host.to_vec()).ok()?, port))
}

/// Where `MOVED <slot> <host>:<port>` sends us. Without a host it is the one that said so.
pub fn moved(message: &str) -> Option<(Option<String>, u16)> {
    let (host, port) = message.split(' ').nth(2)?.rsplit_once(':')?;
    Some((Some(host.to_owned()).filter(|host| !host.is_empty()), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::local;
    use super::super::peer::{PATIENCE, Peer};
    use super::*;

    #[test]
    fn a_sentinel_that_is_silent_has_its_say_within_a_moment_and_the_others_are_followed() {
        let [silent, telling] =
            [b"".as_slice(), b"+OK\r\n*2\r\n$9\r\n127.0.0.1\r\n$4\r\n7001\r\n"].map(Peer::start);
        let sentinels = Sentinels {
            nodes: vec![silent.endpoint(), telling.endpoint()],
            name: "m".into(),
            login: Login::default(),
            tls: None,
            connection_name: local(1).name,
        };
        let left = superseded(sentinels, Endpoint::Tcp("127.0.0.1".into(), 7000));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(async { timeout(PATIENCE, left).await }).is_ok());
    }

    #[test]
    fn the_primary_that_most_sentinels_name_comes_first() {
        let [old, new] = [1, 2].map(|port| Endpoint::Tcp("h".into(), port));
        assert_eq!(by_votes(&[]), []);
        assert_eq!(by_votes(&[old.clone(), new.clone(), new.clone()]), [(&new, 2), (&old, 1)]);
        assert_eq!(by_votes(&[old.clone(), new.clone()]), [(&old, 1), (&new, 1)]);
    }

    #[test]
    fn a_redirection_names_host_and_port() {
        let to = |host: &str| Some((Some(host.to_owned()), 7001));
        assert_eq!(moved("MOVED 3999 127.0.0.1:7001"), to("127.0.0.1"));
        assert_eq!(moved("MOVED 3999 ::1:7001"), to("::1"));
        assert_eq!(moved("MOVED 3999 :7001"), Some((None, 7001)));
        for message in ["MOVED", "MOVED 3999", "MOVED 3999 host:x"] {
            assert_eq!(moved(message), None, "{message}");
        }
    }
}
