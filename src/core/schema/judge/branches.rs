//! Subschemas that judge the same value: all of them, any, one, none, or one that depends on another.

use super::super::rules::{Id, Rules};
use super::super::wrong::Wrong;
use super::{Judge, MOST_ISSUES, Path};
use crate::core::Issue;
use crate::core::json::Value;

impl<'a> Judge<'a> {
    pub(super) fn branches(&mut self, rules: &'a Rules, value: Value<'a>, path: &Path<'_>) -> bool {
        let mut valid = true;
        let dynamic = rules.dynamic.iter().map(|dynamic| {
            let outermost =
                self.scope.iter().find_map(|resource| self.schema.dynamic[*resource].get(&dynamic.name));
            outermost.copied().unwrap_or(dynamic.usual)
        });
        let all: Vec<_> = dynamic.collect();
        for id in rules.all.iter().copied().chain(all) {
            valid &= self.judge(id, value, path);
            if !valid && self.stops() {
                return false;
            }
        }
        for (ids, only_one) in [(&rules.any_of, false), (&rules.one_of, true)] {
            if let Some(ids) = ids {
                valid &= self.union(ids, only_one, value, path);
            }
        }
        if !valid && self.stops() {
            return false;
        }
        if let Some(id) = rules.not {
            let start = self.marks.len();
            if self.test(id, value, path) {
                valid = false;
                self.wrong(path, Wrong::Not);
            }
            self.marks.truncate(start);
        }
        if let Some(condition) = &rules.condition {
            let next =
                if self.test(condition.when, value, path) { condition.then } else { condition.otherwise };
            if let Some(id) = next {
                valid &= self.judge(id, value, path);
            }
        }
        valid
    }

    /// Whether a subschema accepts the value; what is wrong with it is not asked for.
    pub(super) fn test(&mut self, id: Id, value: Value<'a>, path: &Path<'_>) -> bool {
        let outer = (self.issues.take(), self.aborted);
        let accepted = self.judge(id, value, path);
        (self.issues, self.aborted) = outer;
        accepted
    }

    fn union(&mut self, ids: &'a [Id], only_one: bool, value: Value<'a>, path: &Path<'_>) -> bool {
        let mut accepting = 0;
        let mut refusing = Vec::new();
        for id in ids {
            let outer = (self.issues.take(), self.branch, self.aborted, self.bytes);
            self.issues = outer.0.is_some().then(Vec::new);
            (self.branch, self.aborted) = (Some(path.depth()), false);
            let accepted = self.judge(*id, value, path);
            let inner = self.issues.take();
            (self.issues, self.branch, self.aborted, self.bytes) = outer;
            if accepted {
                accepting += 1;
                // Another that accepts may have judged more of it.
                if !only_one && !self.schema.marks {
                    return true;
                }
            } else {
                refusing.extend(inner);
            }
        }
        if accepting == 1 || (accepting > 1 && !only_one) {
            return true;
        }
        if accepting > 1 {
            self.wrong(path, Wrong::ManyBranches);
        } else if let (Some(issues), Some(meant)) = (&mut self.issues, meant(refusing, path.depth())) {
            let room = MOST_ISSUES.saturating_sub(issues.len());
            self.bytes += meant.iter().map(Issue::size).sum::<usize>();
            self.aborted |=
                self.branch.is_some_and(|depth| meant.iter().any(|issue| is_of_another(issue, depth)));
            issues.extend(meant.into_iter().take(room));
        } else {
            self.wrong(path, Wrong::NoBranch);
        }
        false
    }
}

/// What is wrong in the one branch that the value seems to be meant for: in all others it is of another type, or has another
/// constant directly in it.
fn meant(refusing: Vec<Vec<Issue>>, depth: usize) -> Option<Vec<Issue>> {
    let mut near = refusing.into_iter().filter(|issues| !issues.iter().any(|it| is_of_another(it, depth)));
    let only = near.next()?;
    near.next().is_none().then_some(only)
}

/// Whether this is wrong with a value since it is meant for another branch.
pub(super) fn is_of_another(issue: &Issue, depth: usize) -> bool {
    match issue.code {
        "invalid_type" => issue.path.len() == depth,
        "invalid_value" => issue.path.len() <= depth + 1,
        _ => false,
    }
}
