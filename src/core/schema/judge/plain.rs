//! Numbers and strings.

use super::super::number::is_multiple;
use super::super::rules::{NumberRules, StringRules};
use super::super::wrong::Wrong;

/// `wrong` says whether to go on looking for more.
pub fn judge_number<'a>(rules: &'a NumberRules, raw: &str, wrong: &mut dyn FnMut(Wrong<'a>) -> bool) -> bool {
    let NumberRules { least, more_than, most, less_than, multiple_of } = rules;
    if (least, more_than, most, less_than) == (&None, &None, &None, &None) && multiple_of.is_none() {
        return true;
    }
    let number: f64 = raw.parse().unwrap_or(f64::NAN);
    let small = least.filter(|least| number < *least).map(|least| Wrong::TooSmall { least, itself: true });
    let over = more_than.filter(|it| number <= *it).map(|least| Wrong::TooSmall { least, itself: false });
    let big = most.filter(|most| number > *most).map(|most| Wrong::TooBig { most, itself: true });
    let under = less_than.filter(|it| number >= *it).map(|most| Wrong::TooBig { most, itself: false });
    let multiple = multiple_of.as_deref().filter(|of| !is_multiple(raw, of)).map(Wrong::NoMultiple);
    report([small, over, big, under, multiple], wrong)
}

pub fn judge_string<'a>(
    rules: &'a StringRules,
    text: &str,
    wrong: &mut dyn FnMut(Wrong<'a>) -> bool,
) -> bool {
    let StringRules { length, pattern, format } = rules;
    // A character has at least one byte, and at most four.
    let fewer = |count: usize| text.len() < count || (text.len() < 4 * count && text.chars().count() < count);
    let short = length.least.filter(|least| fewer(*least)).map(Wrong::TooShort);
    let long =
        length.most.filter(|most| text.len() > *most && text.chars().count() > *most).map(Wrong::TooLong);
    let pattern = pattern.as_ref().filter(|it| !it.matches(text)).map(|it| Wrong::Pattern(it.source()));
    let format = format.filter(|format| !format.matches(text)).map(|format| Wrong::Format(format.name()));
    report([short, long, pattern, format], wrong)
}

fn report<'a, const N: usize>(
    found: [Option<Wrong<'a>>; N],
    wrong: &mut dyn FnMut(Wrong<'a>) -> bool,
) -> bool {
    let mut valid = true;
    for found in found.into_iter().flatten() {
        valid = false;
        if !wrong(found) {
            break;
        }
    }
    valid
}
