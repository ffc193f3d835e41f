//! Where Redis is and who we are there: read from a URL, or put together by the binding from BullMQ's options.

use std::path::PathBuf;
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo};
use rustls::ClientConfig;

use super::tls;
use crate::core::Error;

/// The server of a URL that was not set.
pub const DEFAULT_URL: &str = "redis://127.0.0.1:6379";
/// BullMQ's default.
pub const DEFAULT_PREFIX: &str = "bull";

/// All that a writer needs to know.
#[derive(Clone)]
pub struct Config {
    pub place: Place,
    pub login: Login,
    pub database: u32,
    pub tls: Option<Tls>,
    /// What all keys start with.
    pub prefix: String,
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(String, u16),
    Unix(PathBuf),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Reads `redis://[user][:password@]host[:port][/db]`, the same with `rediss://` for TLS, or
    /// `redis+unix:///path[?db=…]`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let unusable = |detail: String| Error::Misconfigured {
            message: "the Redis URL cannot be used: set it to redis://host:port",
            detail,
        };
        // What the crate adds to a secure URL, such as `#insecure`, is none of ours.
        let (plain, secure) = match url.strip_prefix("rediss://") {
            Some(rest) => (format!("redis://{}", rest.split('#').next().unwrap_or_default()), true),
            None => (url.to_owned(), false),
        };
        let info = plain.into_connection_info().map_err(|error| unusable(error.to_string()))?;
        let endpoint = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Endpoint::Tcp(unbracketed(host), *port),
            ConnectionAddr::Unix(path) if cfg!(unix) => Endpoint::Unix(path.clone()),
            _ => return Err(unusable("this kind of address is not supported here".into())),
        };
        let settings = info.redis_settings();
        Ok(Config {
            place: Place::Server(endpoint),
            login: Login {
                username: settings.username().map(str::to_owned),
                password: settings.password().map(str::to_owned),
            },
            database: u32::try_from(settings.db()).map_err(|error| unusable(error.to_string()))?,
            tls: if secure { Some(tls::Options::default().build().map_err(unusable)?) } else { None },
            prefix: DEFAULT_PREFIX.into(),
            replicated: false,
        })
    }

    /// Checks what only shows when all is put together.
    pub fn check(&self) -> Result<(), Error> {
        let clustered = matches!(self.place, Place::Cluster(_));
        if clustered && !has_hash_tag(&self.prefix) {
            return Err(Error::Misconfigured {
                message: "on a cluster all keys of a queue must be in one slot: put braces around the prefix, \
                          for example \"{bull}\", here and in the workers",
                detail: format!("the prefix is {:?}", self.prefix),
            });
        }
        if clustered && self.database != 0 {
            return Err(Error::Misconfigured {
                message: "a cluster has database 0 only",
                detail: format!("the database is {}", self.database),
            });
        }
        Ok(())
    }
}

/// Whether a key that starts so hashes by what stands in braces alone.
fn has_hash_tag(prefix: &str) -> bool {
    let tag = prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    tag.is_some_and(|(tag, _)| !tag.is_empty())
}

/// Brackets belong to the URL, not to the address.
fn unbracketed(host: &str) -> String {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(config: &Config) -> Option<&Endpoint> {
        match &config.place {
            Place::Server(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    #[test]
    fn a_url_says_host_port_credentials_and_database() {
        let config = Config::parse("redis://me:se%20cret@cache.example:7000/3").unwrap();
        assert_eq!(server(&config), Some(&Endpoint::Tcp("cache.example".into(), 7000)));
        assert_eq!(config.login.username.as_deref(), Some("me"));
        assert_eq!(config.login.password.as_deref(), Some("se cret"));
        assert_eq!(config.database, 3);
        assert!(config.tls.is_none());
    }

    #[test]
    fn the_default_is_a_local_server_without_a_password() {
        let config = Config::parse(DEFAULT_URL).unwrap();
        assert_eq!(server(&config), Some(&Endpoint::Tcp("127.0.0.1".into(), 6379)));
        assert_eq!((config.login, config.database), (Login::default(), 0));
    }

    #[test]
    fn a_secure_url_has_tls_and_an_address_of_six_has_no_brackets() {
        assert!(Config::parse("rediss://:pw@cache.example").unwrap().tls.is_some());
        let config = Config::parse("redis://[::1]:7000").unwrap();
        assert_eq!(server(&config), Some(&Endpoint::Tcp("::1".into(), 7000)));
    }

    #[test]
    fn what_is_no_redis_url_is_a_misconfiguration() {
        for url in
            ["", "localhost", "http://localhost", "redis://", "redis://h:port", "redis://h/db", "rediss://"]
        {
            let Err(error) = Config::parse(url) else { panic!("{url}") };
            assert_eq!(error.code(), "MISCONFIGURED", "{url}");
        }
    }

    #[test]
    fn on_a_cluster_the_prefix_needs_a_hash_tag() {
        let node = Endpoint::Tcp("a".into(), 7000);
        let mut config = Config { place: Place::Cluster(vec![node]), ..Config::parse(DEFAULT_URL).unwrap() };
        for (prefix, fine) in
            [("bull", false), ("{}bull", false), ("b}u{ll", false), ("{bull}", true), ("x{b}", true)]
        {
            config.prefix = prefix.into();
            assert_eq!(config.check().is_ok(), fine, "{prefix}");
        }
        assert!(config.check().is_ok());
        config.database = 1;
        assert!(config.check().is_err());
    }
}
