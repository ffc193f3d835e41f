//! The connection options on their way in, as `lib/connection.js` has checked and named them.

use napi_derive::napi;

use crate::core::Error;
use crate::queue::connection::Config;
use crate::queue::connection::config::{DEFAULT_PREFIX, DEFAULT_URL, Endpoint, Login, Place, Sentinels};
use crate::queue::connection::tls;

/// Where a pipeline's Redis is. `url` excludes the rest of the address.
#[napi(object, object_to_js = false)]
pub struct Connection {
    pub url: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    /// A Unix socket.
    pub path: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub db: Option<u32>,
    pub tls: Option<TlsOptions>,
    pub sentinels: Option<Vec<Node>>,
    pub name: Option<String>,
    pub sentinel_username: Option<String>,
    pub sentinel_password: Option<String>,
    pub sentinel_tls: Option<TlsOptions>,
    pub cluster: Option<Vec<Node>>,
    pub prefix: Option<String>,
    pub replicated: bool,
}

#[napi(object, object_to_js = false)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

#[napi(object, object_to_js = false)]
pub struct TlsOptions {
    pub ca: Vec<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    pub servername: Option<String>,
    pub accept_any: bool,
}

impl TryFrom<Connection> for Config {
    type Error = Error;

    fn try_from(options: Connection) -> Result<Config, Error> {
        let mut config = Config::parse(options.url.as_deref().unwrap_or(DEFAULT_URL))?;
        if let Some(place) = place(&options) {
            config.place = place;
        }
        if let Some(tls) = options.sentinel_tls
            && let Place::Sentinels(sentinels) = &mut config.place
        {
            sentinels.tls = Some(tls.build()?);
        }
        config.login.username = options.username.or(config.login.username);
        config.login.password = options.password.or(config.login.password);
        if let Some(database) = options.db {
            config.database = database;
        }
        if let Some(tls) = options.tls {
            config.tls = Some(tls.build()?);
        }
        config.prefix = options.prefix.unwrap_or_else(|| DEFAULT_PREFIX.into());
        config.replicated = options.replicated;
        config.check()?;
        Ok(config)
    }
}

/// Nothing where the URL says it all.
fn place(options: &Connection) -> Option<Place> {
    let endpoints = |nodes: &[Node]| nodes.iter().map(Endpoint::from).collect();
    if let Some(nodes) = &options.cluster {
        return Some(Place::Cluster(endpoints(nodes)));
    }
    if let Some(nodes) = &options.sentinels {
        return Some(Place::Sentinels(Sentinels {
            nodes: endpoints(nodes),
            name: options.name.clone().unwrap_or_default(),
            login: Login {
                username: options.sentinel_username.clone(),
                password: options.sentinel_password.clone(),
            },
            tls: None,
        }));
    }
    if options.url.is_some() {
        return None;
    }
    Some(Place::Server(match &options.path {
        Some(path) => Endpoint::Unix(path.into()),
        None => {
            let host = options.host.as_deref().unwrap_or("127.0.0.1");
            Endpoint::Tcp(host.to_owned(), options.port.unwrap_or(6379))
        }
    }))
}

impl From<&Node> for Endpoint {
    fn from(node: &Node) -> Self {
        Endpoint::Tcp(node.host.clone(), node.port)
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
        options
            .build()
            .map_err(|detail| Error::Misconfigured { message: "the TLS options cannot be used", detail })
    }
}
