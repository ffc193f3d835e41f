//! Where in a value the judge is. It costs nothing until it is asked for.

use std::fmt::Write;

use super::super::wrong::cut;
use crate::core::issue::Step;
use crate::core::json::Value;

#[derive(Clone, Copy)]
pub enum Path<'p> {
    Root,
    /// The member of this name.
    Member(&'p Path<'p>, Value<'p>),
    /// One that is not there.
    Missing(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    pub fn steps(&self) -> Vec<Step> {
        let (mut steps, step) = match self {
            Path::Root => return Vec::new(),
            Path::Member(up, name) => (up.steps(), Step::Name(cut(&name.text()))),
            Path::Missing(up, name) => (up.steps(), Step::Name((*name).to_owned())),
            Path::Item(up, at) => (up.steps(), Step::Item(*at)),
        };
        steps.push(step);
        steps
    }

    pub fn depth(&self) -> usize {
        match self {
            Path::Root => 0,
            Path::Member(up, _) | Path::Missing(up, _) | Path::Item(up, _) => 1 + up.depth(),
        }
    }

    /// For messages: `lines[2].sku`.
    pub fn name(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            // A string takes whatever is written to it.
            let _ = match step {
                Step::Item(at) => write!(text, "[{at}]"),
                Step::Name(name) if !is_plain(&name) => write!(text, "[\"{}\"]", cut(&name)),
                Step::Name(name) if text.is_empty() => write!(text, "{}", cut(&name)),
                Step::Name(name) => write!(text, ".{}", cut(&name)),
            };
        }
        if text.is_empty() { "the input".into() } else { text }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '$'))
}
