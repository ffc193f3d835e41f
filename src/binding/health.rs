//! What an operator may want to know of a boundary and its link.

use napi_derive::napi;

use super::Boundary;
use super::testing::Diversion;
use crate::queue::{Health, Share};

/// See `PipelineStats` in `index.d.ts`.
#[napi(object, object_from_js = false)]
pub struct Stats {
    pub in_flight: u32,
    pub waiting_for_redis: u32,
    pub bytes: f64,
    pub connected: bool,
    pub connects: f64,
    pub last_problem: Option<String>,
    pub last_problem_code: Option<String>,
}

/// A server that may delete jobs, or what belongs to them.
#[napi(object, object_from_js = false)]
pub struct Eviction {
    pub server: String,
    pub policy: String,
}

#[napi]
impl Boundary {
    /// What an operator may want to know.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Stats {
        let state = self.state.borrow();
        let health = state.share.as_ref().map(Share::health);
        let trouble = health.and_then(Health::trouble);
        Stats {
            in_flight: state.calls.held() as u32,
            waiting_for_redis: state.calls.sent() as u32,
            bytes: state.calls.bytes() as f64,
            connected: health.is_some_and(Health::is_up)
                || state.memory.as_ref().is_some_and(Diversion::is_up),
            connects: (state.connects_before + health.map_or(0, Health::connects)) as f64,
            last_problem: trouble.as_ref().map(|trouble| trouble.text.clone()),
            last_problem_code: trouble.and_then(|trouble| trouble.code).map(Into::into),
        }
    }

    /// The server and its `maxmemory-policy`, if that may delete what it was given; once for each link that was made.
    #[napi(catch_unwind)]
    pub fn eviction(&self) -> Option<Eviction> {
        let found = self.state.borrow().share.as_ref()?.health().take_eviction()?;
        Some(Eviction { server: found.text, policy: found.code.unwrap_or_default().into() })
    }
}
