//! Finds the server that takes our writes, and makes a link to it.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::config::{Config, Endpoint, Place, Sentinels};
use super::link::Link;
use super::resp::Reply;

/// How often sentinels are asked whether the primary is still the one.
const WATCH: Duration = Duration::from_secs(1);

/// Connects to the server that takes our writes. `attempt` counts up, so that no dead node of a cluster is always the
/// first to be asked; `moved` is where one said that the queue is.
pub async fn connect(config: &Config, attempt: usize, moved: Option<Endpoint>) -> io::Result<Link> {
    match &config.place {
        Place::Server(endpoint) => open(config, moved.as_ref().unwrap_or(endpoint), config.database).await,
        Place::Cluster(nodes) => {
            let node = nodes.get(attempt % nodes.len().max(1));
            open(config, moved.as_ref().or(node).ok_or(io::ErrorKind::NotFound)?, 0).await
        }
        Place::Sentinels(sentinels) => {
            let mut failure = io::Error::new(io::ErrorKind::NotFound, "no sentinel is given");
            for primary in sentinels.primaries(&mut failure).await {
                match open_primary(config, &primary).await {
                    Ok(link) => return Ok(link),
                    Err(error) => failure = error,
                }
            }
            Err(failure)
        }
    }
}

async fn open(config: &Config, endpoint: &Endpoint, database: u32) -> io::Result<Link> {
    // A port that accepts is not yet a server that answers: jobs are sent to one that does.
    let (link, _) = Link::open(endpoint, config.tls.as_ref(), &config.login, database, &[b"PING"]).await?;
    Ok(link)
}

async fn open_primary(config: &Config, endpoint: &Endpoint) -> io::Result<Link> {
    let tls = config.tls.as_ref();
    let (link, role) = Link::open(endpoint, tls, &config.login, config.database, &[b"ROLE"]).await?;
    match role {
        Reply::Array(role) if role.first() == Some(&Reply::Bulk(b"master".to_vec())) => Ok(link),
        _ => Err(io::Error::other("the server that a sentinel named is no primary")),
    }
}

/// Once a sentinel has answered, the others have this long to disagree.
const LAST_WORD: Duration = Duration::from_millis(200);

impl Sentinels {
    /// What the sentinels name, that of most first: one that has not heard of a failover yet names the primary that was.
    /// All are asked at once, so that one that is dead or silent holds up none of the others.
    async fn primaries(&self, failure: &mut io::Error) -> Vec<Endpoint> {
        let mut asked = JoinSet::new();
        for node in self.nodes.clone() {
            let sentinels = self.clone();
            asked.spawn(async move { sentinels.ask(&node).await });
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

    async fn ask(&self, node: &Endpoint) -> io::Result<(Link, Endpoint)> {
        let question = self.question();
        let (link, reply) = Link::open(node, self.tls.as_ref(), &self.login, 0, &question).await?;
        Ok((link, self.primary(&reply)?))
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
        let unknown = format!("a sentinel knows no primary of the name {:?}", self.name);
        Err(io::Error::new(io::ErrorKind::NotFound, unknown))
    }

    /// Reports what one sentinel names, again and again; nothing while it does not answer.
    async fn watch(self, at: usize, views: UnboundedSender<(usize, Option<Endpoint>)>) {
        loop {
            let asked = self.ask(&self.nodes[at]).await;
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
    use super::*;

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
