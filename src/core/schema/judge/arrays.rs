//! Arrays.

use super::super::rules::{ArrayRules, Rules};
use super::super::wrong::Wrong;
use super::{Judge, Mark, Path};
use crate::core::json::{Kind, Value, has_repeats};

impl<'a> Judge<'a> {
    pub(super) fn array(&mut self, rules: &'a ArrayRules, array: Value<'a>, path: &Path<'_>) -> bool {
        let mut valid = true;
        let few = rules.count.least.filter(|least| array.size() < *least).map(Wrong::TooFewItems);
        let many = rules.count.most.filter(|most| array.size() > *most).map(Wrong::TooManyItems);
        let repeats = (rules.unique && has_repeats(array, &mut self.hashes)).then_some(Wrong::Repeats);
        for wrong in [few, many, repeats].into_iter().flatten() {
            valid = false;
            if !self.wrong(path, wrong) {
                return false;
            }
        }
        if !rules.prefix.is_empty() || rules.rest.is_some() {
            for (at, item) in array.items().enumerate() {
                let Some(id) = rules.prefix.get(at).copied().or(rules.rest) else { break };
                self.mark(item);
                valid &= self.judge(id, item, &Path::Item(path, at));
                if !valid && self.stops() {
                    return false;
                }
            }
        }
        if let Some(id) = rules.contains {
            let mut count = 0;
            for (at, item) in array.items().enumerate() {
                if self.test(id, item, &Path::Item(path, at)) {
                    count += 1;
                    self.mark(item);
                }
            }
            let few =
                rules.contained.least.filter(|least| count < *least).map(|least| Wrong::Contains { least });
            let most = rules.contained.most.filter(|most| count > *most);
            let many = most.map(|most| Wrong::ContainsTooMany { most });
            for wrong in [few, many].into_iter().flatten() {
                valid = false;
                if !self.wrong(path, wrong) {
                    return false;
                }
            }
        }
        valid
    }

    pub(super) fn mark(&mut self, value: Value<'a>) {
        if self.schema.marks {
            self.marks.push(Mark::of(value, Mark::JUDGED));
        }
    }

    /// Notes that an object has members that are declared, or that a name is asked for.
    pub(super) fn declare(&mut self, value: Value<'a>) {
        if self.schema.marks {
            self.marks.push(Mark::of(value, Mark::DECLARED));
        }
    }

    /// What nothing in this subschema, from `start` on, has judged.
    pub(super) fn unevaluated(
        &mut self,
        rules: &'a Rules,
        start: usize,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> bool {
        let ids = (rules.unevaluated_items, rules.unevaluated_properties);
        let mut valid = true;
        match (value.kind(), ids) {
            (Kind::Array, (Some(id), _)) => {
                let known = self.marked(start);
                for (at, item) in value.items().enumerate() {
                    if known.binary_search(&item.place()).is_err() {
                        self.mark(item);
                        valid &= self.judge(id, item, &Path::Item(path, at));
                    }
                }
            }
            (Kind::Object, (_, Some(id))) => {
                let known = self.marked(start);
                let others = value.members().filter(|(name, _)| known.binary_search(&name.place()).is_err());
                valid = self.others(id, others, path);
            }
            _ => {}
        }
        valid
    }

    fn marked(&self, start: usize) -> Vec<u32> {
        let judged = self.marks[start..].iter().filter(|mark| **mark % 2 == Mark::JUDGED);
        let mut known: Vec<_> = judged.map(|mark| mark / 2).collect();
        known.sort_unstable();
        known
    }
}
