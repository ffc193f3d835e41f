//! The writers of this environment: one for each connection, however many pipelines, or evaluations of the package, there
//! are of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};

use super::options::Connection;
use crate::core::Error;
use crate::queue::Writer;
use crate::queue::connection::Config;

thread_local! {
    /// An environment has a thread of its own. A writer is there as long as a pipeline has it.
    static WRITERS: RefCell<HashMap<Connection, Weak<Writer>>> = RefCell::default();
}

/// Where a pipeline's jobs go.
pub struct Target {
    /// Two pipelines for which it is the same have one writer.
    key: Connection,
    config: Config,
    prefix: String,
}

impl TryFrom<Connection> for Target {
    type Error = Error;

    fn try_from(connection: Connection) -> Result<Target, Error> {
        let config = Config::try_from(connection.clone())?;
        let prefix = connection.prefix().to_owned();
        Ok(Target { key: connection.shareable(), config, prefix })
    }
}

impl Target {
    /// What the keys of the queue start with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The writer that goes there, started if there is none. Fails when the system has no thread to give.
    pub fn writer(&self) -> io::Result<Arc<Writer>> {
        WRITERS.with_borrow_mut(|writers| {
            if let Some(writer) = writers.get(&self.key).and_then(Weak::upgrade) {
                return Ok(writer);
            }
            writers.retain(|_, writer| writer.strong_count() > 0);
            let writer = Arc::new(Writer::start(self.config.clone())?);
            writers.insert(self.key.clone(), Arc::downgrade(&writer));
            Ok(writer)
        })
    }
}
