//! Where Redis is and who we are there, read from a URL.

use std::path::PathBuf;

use redis::{ConnectionAddr, IntoConnectionInfo};

use crate::core::Error;

/// The server of a URL that was not set.
pub const DEFAULT_URL: &str = "redis://127.0.0.1:6379";

/// What a connection needs to know.
#[derive(Clone, Debug)]
pub struct Address {
    pub endpoint: Endpoint,
    pub username: Option<String>,
    pub password: Option<String>,
    pub database: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Address {
    /// Reads `redis://[user][:password@]host[:port][/db]` or `redis+unix:///path[?db=…]`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        const SET_REDIS_URL: &str = "the Redis URL cannot be used: set it to redis://host:port";
        let unusable = |detail: String| Error::Misconfigured {
            message: SET_REDIS_URL,
            detail,
        };
        let info = url
            .into_connection_info()
            .map_err(|error| unusable(error.to_string()))?;
        let endpoint = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Endpoint::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) if cfg!(unix) => Endpoint::Unix(path.clone()),
            ConnectionAddr::Unix(_) => return Err(unusable("this platform has no Unix sockets".into())),
            _ => return Err(unusable("TLS is not supported yet".into())),
        };
        let settings = info.redis_settings();
        Ok(Address {
            endpoint,
            username: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
            database: settings.db(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_host_port_credentials_and_database() {
        let address = Address::parse("redis://me:se%20cret@cache.example:7000/3").unwrap();
        assert_eq!(address.endpoint, Endpoint::Tcp("cache.example".into(), 7000));
        assert_eq!(address.username.as_deref(), Some("me"));
        assert_eq!(address.password.as_deref(), Some("se cret"));
        assert_eq!(address.database, 3);
    }

    #[test]
    fn the_default_is_a_local_server_without_a_password() {
        let address = Address::parse(DEFAULT_URL).unwrap();
        assert_eq!(address.endpoint, Endpoint::Tcp("127.0.0.1".into(), 6379));
        assert_eq!((address.password, address.database), (None, 0));
    }

    #[test]
    fn what_is_no_redis_url_is_a_misconfiguration() {
        for url in [
            "",
            "localhost",
            "http://localhost",
            "redis://",
            "redis://h:port",
            "redis://h/db",
            "rediss://h",
        ] {
            let error = Address::parse(url).expect_err(url);
            assert_eq!(error.code(), "MISCONFIGURED", "{url}");
        }
    }
}
