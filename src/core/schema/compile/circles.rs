//! Subschemas that lead back to themselves without going into the value.

use std::collections::HashMap;

use super::Compiler;
use crate::core::schema::rules::{Id, Node};

impl Compiler<'_> {
    /// A subschema that judges the same value by itself again would do so for ever.
    pub(super) fn refuse_circles(&mut self, dynamic: &[HashMap<String, Id>]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            Open,
            Done,
        }
        let mut seen = vec![Seen::No; self.nodes.len()];
        let mut circles = Vec::new();
        for start in 0..self.nodes.len() {
            let mut stack = vec![(start, false)];
            while let Some((id, leaving)) = stack.pop() {
                if leaving {
                    seen[id] = Seen::Done;
                    continue;
                }
                if seen[id] != Seen::No {
                    continue;
                }
                seen[id] = Seen::Open;
                stack.push((id, true));
                if let Some(Some(Node::Rules(rules))) = self.nodes.get(id) {
                    // Wherever a dynamic reference may lead.
                    let named =
                        rules.dynamic.iter().flat_map(|it| dynamic.iter().filter_map(|of| of.get(&it.name)));
                    for next in rules.in_place().chain(named.copied()) {
                        match seen[next] {
                            Seen::Open => circles.push(id),
                            Seen::No => stack.push((next, false)),
                            Seen::Done => {}
                        }
                    }
                }
            }
        }
        for id in circles {
            let pointer = self.pointers[id].clone();
            self.fault(&pointer, "refers to itself for the same value, which would never end");
        }
    }
}
