//! The connection options on their way in, as `lib/connection/` has checked and named them.

use std::time::Duration;

use napi_derive::napi;

use crate::core::Error;
use crate::queue::connection::Config;
use crate::queue::connection::config::{Endpoint, Login, Place, Sentinels, Tls, has_hash_tag};
use crate::queue::connection::tls;

/// BullMQ's default.
pub(super) const DEFAULT_PREFIX: &str = "bull";

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
    pub connect_timeout_ms: Option<u32>,
    pub prefix: Option<String>,
    /// The queue, where its name may have the hash tag.
    pub queue: Option<String>,
    pub replicated: bool,
}

#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

/// PEM in all three of `ca`, `cert` and `key`.
#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    pub ca: Option<Vec<String>>,
    pub cert: Vec<String>,
    pub key: Vec<String>,
    pub servername: Option<String>,
    pub reject_unauthorized: Option<bool>,
    pub use_system_ca: bool,
    /// `1.2` or `1.3`, to speak no other.
    pub only_version: Option<String>,
    pub defaults: TlsDefaults,
}

/// What Node takes from the environment where the options do not say.
#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsDefaults {
    /// What is in the file of `NODE_EXTRA_CA_CERTS`.
    pub extra_ca: Option<String>,
    pub without_mozilla: bool,
    pub system_ca: bool,
    pub accept_any: bool,
}

impl Connection {
    /// What the keys of the queue start with.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or(DEFAULT_PREFIX)
    }

    /// What the keys of the queue start with, as far as it may have a hash tag.
    fn front(&self) -> String {
        match &self.queue {
            Some(queue) => format!("{}:{queue}", self.prefix()),
            None => self.prefix().to_owned(),
        }
    }

    /// Without what need not be the same for two pipelines to share a link. In a cluster the prefix says which node it
    /// leads to, and a server that is given by itself may be a node of one: then the prefix has a hash tag, or the queue.
    pub fn shareable(mut self) -> Connection {
        if has_hash_tag(self.prefix()) {
            self.queue = None;
        } else if self.cluster.is_none() && !has_hash_tag(&self.front()) {
            (self.prefix, self.queue) = (None, None);
        }
        self
    }
}

impl TryFrom<Connection> for Config {
    type Error = Error;

    fn try_from(mut options: Connection) -> Result<Config, Error> {
        let config = Config {
            tls: options.tls.take().map(|tls| tls.build("tls")).transpose()?,
            place: place(&mut options)?,
            login: Login { username: options.username.take(), password: options.password.take() },
            database: options.db.unwrap_or(0),
            replicated: options.replicated,
            name: std::mem::take(&mut options.connection_name),
            connect_timeout: options.connect_timeout_ms.map(|ms| Duration::from_millis(ms.into())),
        };
        config.check(&options.front())?;
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
            tls: options.sentinel_tls.take().map(|tls| tls.build("sentinelTLS")).transpose()?,
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
    fn build(self, place: &'static str) -> Result<Tls, Error> {
        let options = tls::Options {
            place,
            ca: self.ca,
            cert: self.cert,
            key: self.key,
            server_name: self.servername,
            reject_unauthorized: self.reject_unauthorized,
            system_ca: self.use_system_ca,
            only: self.only_version.map(|version| match version.as_str() {
                "1.2" => tls::Version::Tls12,
                _ => tls::Version::Tls13,
            }),
            defaults: tls::Defaults {
                extra_ca: self.defaults.extra_ca,
                without_mozilla: self.defaults.without_mozilla,
                system_ca: self.defaults.system_ca,
                accept_any: self.defaults.accept_any,
            },
        };
        options.build().map_err(|detail| Error::Misconfigured {
            message: "the TLS options cannot be used",
            detail: detail.into(),
        })
    }
}
