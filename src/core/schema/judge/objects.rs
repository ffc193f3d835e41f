//! Objects.

use super::super::rules::{Id, Node, ObjectRules};
use super::super::wrong::Wrong;
use super::{Judge, Path};
use crate::core::json::Value;

impl<'a> Judge<'a> {
    pub(super) fn object(&mut self, rules: &'a ObjectRules, object: Value<'a>, path: &Path<'_>) -> bool {
        if rules.is_empty() {
            return true;
        }
        let mut valid = true;
        let few = rules.count.least.filter(|least| object.size() < *least).map(Wrong::TooFewProperties);
        let many = rules.count.most.filter(|most| object.size() > *most).map(Wrong::TooManyProperties);
        for wrong in [few, many].into_iter().flatten() {
            valid = false;
            if !self.wrong(path, wrong) {
                return false;
            }
        }
        valid &= self.members(rules, object, path);
        if !valid && self.stops() {
            return false;
        }
        for name in &rules.required {
            valid &= self.required(name, object, path);
        }
        for (name, needed) in &rules.dependent_required {
            if object.get(name).is_some() {
                valid &= needed.iter().fold(true, |all, name| self.required(name, object, path) & all);
            }
        }
        if let Some(id) = rules.names {
            for (name, _) in object.members() {
                if !self.test(id, name, path) {
                    valid = false;
                    self.wrong(path, Wrong::Name(name.text().into_owned()));
                }
            }
        }
        for (name, id) in &rules.dependent {
            if (valid || !self.stops()) && object.get(name).is_some() {
                valid &= self.judge(*id, object, path);
            }
        }
        valid
    }

    fn members(&mut self, rules: &'a ObjectRules, object: Value<'a>, path: &Path<'_>) -> bool {
        if rules.declares {
            self.declare(object);
        }
        let mut valid = true;
        let mut others = Vec::new();
        // What tells one branch of a union from another comes first, whatever the order of the input: so a branch that is
        // not meant is left before anything below it is judged.
        for telling in [true, false] {
            if telling && !rules.tells {
                continue;
            }
            for (name, value) in object.members() {
                let text = name.text();
                let declared = rules.property(&text).filter(|_| name.is_well_formed());
                if rules.tells && telling != declared.is_some_and(|id| self.schema.tells(id)) {
                    continue;
                }
                let patterns =
                    rules.patterns.iter().filter(|(pattern, _)| pattern.matches(&text)).map(|(_, id)| *id);
                let mut known = false;
                for id in declared.into_iter().chain(patterns) {
                    known = true;
                    self.mark(name);
                    valid &= self.judge(id, value, &Path::Member(path, name));
                    if !valid && self.stops() {
                        return false;
                    }
                }
                if known {
                    continue;
                }
                if rules.additional.is_some() {
                    others.push((name, value));
                } else if rules.asks_for(&text) {
                    self.declare(name);
                }
            }
        }
        match rules.additional {
            Some(id) => self.others(id, others.into_iter(), path) && valid,
            None => valid,
        }
    }

    /// Members that are not declared, by the schema for such.
    pub(super) fn others(
        &mut self,
        id: Id,
        others: impl Iterator<Item = (Value<'a>, Value<'a>)>,
        path: &Path<'_>,
    ) -> bool {
        if matches!(self.schema.nodes[id], Node::Never) {
            let names: Vec<_> = others.map(|(name, _)| name.text().into_owned()).collect();
            let valid = names.is_empty();
            if !valid {
                self.wrong(path, Wrong::Undeclared(names));
            }
            return valid;
        }
        let mut valid = true;
        for (name, value) in others {
            self.mark(name);
            valid &= self.judge(id, value, &Path::Member(path, name));
            if !valid && self.stops() {
                return false;
            }
        }
        valid
    }

    fn required(&mut self, name: &'a str, object: Value<'a>, path: &Path<'_>) -> bool {
        let there = object.get(name).is_some();
        if !there {
            self.wrong(&Path::Missing(path, name), Wrong::Missing);
        }
        there
    }
}
