//! Where Redis is and who we are there: plain data, put together by the binding from what `lib/connection/` has read.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::core::Error;

/// All that a writer needs to know.
#[derive(Clone)]
pub struct Config {
    pub place: Place,
    pub login: Login,
    pub database: u32,
    pub tls: Option<Tls>,
    /// What the server lists our connections as.
    pub name: String,
    /// The longest that connecting may take, where a call would wait for longer.
    pub connect_timeout: Option<Duration>,
    /// A job counts as queued only when a replica has it too.
    pub replicated: bool,
}

/// Where the primary is found.
#[derive(Clone)]
pub enum Place {
    Server(Endpoint),
    Sentinels(Sentinels),
    /// Some nodes of a cluster: the one that has the queue's slot says so.
    Cluster(Vec<Endpoint>),
}

/// Sentinels, and what they know the primary by.
#[derive(Clone)]
pub struct Sentinels {
    pub nodes: Vec<Endpoint>,
    pub name: String,
    pub login: Login,
    pub tls: Option<Tls>,
    /// What they list our connections as.
    pub connection_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(String, u16),
    Unix(PathBuf),
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub username: Option<String>,
    pub password: Option<String>,
}

#[derive(Clone)]
pub struct Tls {
    pub client: Arc<ClientConfig>,
    /// The name that the certificate must have, where that is not the host connected to.
    pub server_name: Option<String>,
}

impl Config {
    /// Checks what only shows when all is put together, with what all keys start with.
    pub fn check(&self, prefix: &str) -> Result<(), Error> {
        let clustered = matches!(self.place, Place::Cluster(_));
        if clustered && !has_hash_tag(prefix) {
            return Err(Error::Misconfigured {
                message: "on a cluster all keys of a queue must be in one slot: put braces around the prefix, \
                          for example \"{bull}\", here and in the workers",
                detail: format!("the prefix is {prefix:?}").into(),
            });
        }
        if clustered && self.database != 0 {
            return Err(Error::Misconfigured {
                message: "a cluster has database 0 only",
                detail: format!("the database is {}", self.database).into(),
            });
        }
        Ok(())
    }
}

/// Whether a key that starts so hashes by what stands in braces alone.
pub fn has_hash_tag(prefix: &str) -> bool {
    let tag = prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    tag.is_some_and(|(tag, _)| !tag.is_empty())
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp(host, port) => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nodes = match self {
            Place::Server(endpoint) => std::slice::from_ref(endpoint),
            Place::Sentinels(Sentinels { nodes, .. }) | Place::Cluster(nodes) => nodes,
        };
        for (at, node) in nodes.iter().enumerate() {
            write!(f, "{}{node}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A server on this machine, with nothing special about it.
    pub fn local(port: u16) -> Config {
        Config {
            place: Place::Server(Endpoint::Tcp("127.0.0.1".into(), port)),
            login: Login::default(),
            database: 0,
            tls: None,
            name: "test".into(),
            connect_timeout: None,
            replicated: false,
        }
    }

    #[test]
    fn a_server_is_shown_as_it_would_be_written() {
        let nodes = ["cache.example", "127.0.0.1", "::1"].map(|host| Endpoint::Tcp(host.into(), 7000));
        let place = Place::Cluster(nodes.into());
        assert_eq!(place.to_string(), "cache.example:7000, 127.0.0.1:7000, [::1]:7000");
        assert_eq!(Endpoint::Unix("/run/redis.sock".into()).to_string(), "/run/redis.sock");
    }

    #[test]
    fn on_a_cluster_the_prefix_needs_a_hash_tag() {
        let node = Endpoint::Tcp("a".into(), 7000);
        let mut config = Config { place: Place::Cluster(vec![node]), ..local(1) };
        for (prefix, fine) in
            [("bull", false), ("{}bull", false), ("b}u{ll", false), ("{bull}", true), ("x{b}", true)]
        {
            assert_eq!(config.check(prefix).is_ok(), fine, "{prefix}");
        }
        config.database = 1;
        assert!(config.check("{bull}").is_err());
    }
}
