//! The connection options on their way in, as `lib/connection.js` has checked and named them.

use napi_derive::napi;

use crate::core::Error;
use crate::queue::connection::Config;
use crate::queue::connection::config::{DEFAULT_PREFIX, DEFAULT_URL, Endpoint, Login, Place, Sentinels, Tls};
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
    /// What TLS is like where the options do not say.
    pub tls_defaults: Option<TlsDefaults>,
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

/// PEM in all three of `ca`, `cert` and `key`.
#[napi(object, object_to_js = false)]
pub struct TlsOptions {
    pub ca: Option<Vec<String>>,
    pub cert: Vec<String>,
    pub key: Vec<String>,
    pub servername: Option<String>,
    pub reject_unauthorized: Option<bool>,
    pub use_system_ca: bool,
    /// `1.2` or `1.3`, to speak no other.
    pub only_version: Option<String>,
}

/// What Node takes from the environment.
#[derive(Default)]
#[napi(object, object_to_js = false)]
pub struct TlsDefaults {
    /// What is in the file of `NODE_EXTRA_CA_CERTS`.
    pub extra_ca: Option<String>,
    pub without_mozilla: bool,
    pub system_ca: bool,
    pub accept_any: bool,
}

impl TryFrom<Connection> for Config {
    type Error = Error;

    fn try_from(options: Connection) -> Result<Config, Error> {
        let mut config = Config::parse(options.url.as_deref().unwrap_or(DEFAULT_URL))?;
        if let Some(place) = place(&options) {
            config.place = place;
        }
        let defaults = tls::Defaults::from(options.tls_defaults.unwrap_or_default());
        if let Some(tls) = options.sentinel_tls
            && let Place::Sentinels(sentinels) = &mut config.place
        {
            sentinels.tls = Some(build(tls.named("sentinelTLS", &defaults))?);
        }
        config.login.username = options.username.or(config.login.username);
        config.login.password = options.password.or(config.login.password);
        if let Some(database) = options.db {
            config.database = database;
        }
        if let Some(tls) = options.tls {
            config.tls = Some(build(tls.named("tls", &defaults))?);
        } else if config.tls.is_some() {
            config.tls = Some(build(tls::Options { defaults, ..tls::Options::default() })?);
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

fn build(options: tls::Options) -> Result<Tls, Error> {
    options
        .build()
        .map_err(|detail| Error::Misconfigured { message: "the TLS options cannot be used", detail })
}

impl TlsOptions {
    fn named(self, place: &'static str, defaults: &tls::Defaults) -> tls::Options {
        tls::Options {
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
            defaults: defaults.clone(),
        }
    }
}

impl From<TlsDefaults> for tls::Defaults {
    fn from(defaults: TlsDefaults) -> Self {
        tls::Defaults {
            extra_ca: defaults.extra_ca,
            without_mozilla: defaults.without_mozilla,
            system_ca: defaults.system_ca,
            accept_any: defaults.accept_any,
        }
    }
}
