//! The connection options on their way in, as `lib/connection/` has checked and named them.

use napi_derive::napi;

use crate::core::Error;
use crate::queue::connection::Config;
use crate::queue::connection::config::{Endpoint, Login, Place, Sentinels};
use crate::queue::connection::tls;

/// BullMQ's default.
const DEFAULT_PREFIX: &str = "bull";

/// Where a pipeline's Redis is, and who we are there: one of `cluster`, `sentinels`, `path`, or `host` and `port`.
#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Connection {
    pub host: Option<String>,
    pub port: Option<u16>,
    /// A Unix socket.
    pub path: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub db: Option<u32>,
    pub tls: Option<TlsOptions>,
    pub sentinels: Option<Vec<Node>>,
    /// What the sentinels know the primary by.
    pub name: Option<String>,
    pub sentinel_username: Option<String>,
    pub sentinel_password: Option<String>,
    pub sentinel_tls: Option<TlsOptions>,
    pub cluster: Option<Vec<Node>>,
    pub connection_name: String,
    pub prefix: Option<String>,
    pub replicated: bool,
}

#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    pub ca: Vec<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    pub servername: Option<String>,
    pub accept_any: bool,
}

impl Connection {
    /// What the keys of the queue start with.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or(DEFAULT_PREFIX)
    }

    /// Without what need not be the same for two pipelines to share a link. In a cluster the prefix says which node it
    /// leads to.
    pub fn shareable(mut self) -> Connection {
        if self.cluster.is_none() {
            self.prefix = None;
        }
        self
    }
}

impl TryFrom<Connection> for Config {
    type Error = Error;

    fn try_from(mut options: Connection) -> Result<Config, Error> {
        let config = Config {
            tls: options.tls.take().map(TlsOptions::build).transpose()?,
            place: place(&mut options)?,
            login: Login { username: options.username.take(), password: options.password.take() },
            database: options.db.unwrap_or(0),
            replicated: options.replicated,
            name: std::mem::take(&mut options.connection_name),
        };
        config.check(options.prefix())?;
        Ok(config)
    }
}

fn place(options: &mut Connection) -> Result<Place, Error> {
    let endpoints = |nodes: Vec<Node>| nodes.into_iter().map(Endpoint::from).collect();
    if let Some(nodes) = options.cluster.take() {
        return Ok(Place::Cluster(endpoints(nodes)));
    }
    if let Some(nodes) = options.sentinels.take() {
        return Ok(Place::Sentinels(Sentinels {
            nodes: endpoints(nodes),
            name: options.name.take().unwrap_or_default(),
            login: Login {
                username: options.sentinel_username.take(),
                password: options.sentinel_password.take(),
            },
            tls: options.sentinel_tls.take().map(TlsOptions::build).transpose()?,
            connection_name: options.connection_name.clone(),
        }));
    }
    Ok(Place::Server(match options.path.take() {
        Some(path) => Endpoint::Unix(path.into()),
        None => Endpoint::Tcp(options.host.take().unwrap_or_default(), options.port.unwrap_or_default()),
    }))
}

impl From<Node> for Endpoint {
    fn from(node: Node) -> Self {
        Endpoint::Tcp(node.host, node.port)
    }
}

impl TlsOptions {
    fn build(self) -> Result<crate::queue::connection::config::Tls, Error> {
        let options = tls::Options {
            ca: self.ca,
            cert: self.cert,
            key: self.key,
            server_name: self.servername,
            accept_any: self.accept_any,
        };
        options.build().map_err(|detail| Error::Misconfigured {
            message: "the TLS options cannot be used",
            detail: detail.into(),
        })
    }
}
