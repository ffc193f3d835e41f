//! Dates and times as RFC 3339 has them.

/// Takes exactly `count` digits from the front.
fn number(text: &mut &str, count: usize) -> Option<u32> {
    let digits = text.get(..count).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    *text = &text[count..];
    digits.parse().ok()
}

fn sign(text: &mut &str, expected: &[char]) -> Option<char> {
    let first = text.chars().next().filter(|first| expected.contains(first))?;
    *text = &text[first.len_utf8()..];
    Some(first)
}

fn date(text: &mut &str) -> Option<()> {
    let year = number(text, 4)?;
    sign(text, &['-'])?;
    let month = number(text, 2)?;
    sign(text, &['-'])?;
    let day = number(text, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day).then_some(())
}

fn time(text: &mut &str) -> Option<()> {
    let (hour, minute, second) = {
        let hour = number(text, 2)?;
        sign(text, &[':'])?;
        let minute = number(text, 2)?;
        sign(text, &[':'])?;
        (hour, minute, number(text, 2)?)
    };
    if sign(text, &['.']).is_some() {
        let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if rest.len() == text.len() {
            return None;
        }
        *text = rest;
    }
    let offset = match sign(text, &['Z', 'z', '+', '-'])? {
        'Z' | 'z' => 0,
        way => {
            let hours = number(text, 2).filter(|hours| *hours < 24)?;
            sign(text, &[':'])?;
            let minutes = number(text, 2).filter(|minutes| *minutes < 60)?;
            let ahead = i64::from(hours * 60 + minutes);
            if way == '+' { ahead } else { -ahead }
        }
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A leap second ends a day in UTC.
    let utc = (i64::from(hour * 60 + minute) - offset).rem_euclid(24 * 60);
    (second < 60 || utc == 24 * 60 - 1).then_some(())
}

pub(super) fn is_date(mut text: &str) -> bool {
    date(&mut text).is_some() && text.is_empty()
}

pub(super) fn is_time(mut text: &str) -> bool {
    time(&mut text).is_some() && text.is_empty()
}

pub(super) fn is_date_time(mut text: &str) -> bool {
    let text = &mut text;
    let read = date(text).and_then(|()| sign(text, &['T', 't'])).and_then(|_| time(text));
    read.is_some() && text.is_empty()
}

/// ISO 8601 as in appendix A of RFC 3339: units go on without a gap, and weeks stand alone.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(text) = text.strip_prefix('P') else { return false };
    let (days, times) = match text.split_once('T') {
        Some((days, times)) => (days, Some(times)),
        None => (text, None),
    };
    let weeks = days.ends_with('W');
    if weeks {
        return times.is_none() && units(days, "W") == Some(1);
    }
    match (units(days, "YMD"), times.map(|times| units(times, "HMS"))) {
        (Some(count), None) => count > 0,
        (Some(_), Some(Some(count))) => count > 0,
        _ => false,
    }
}

/// How many units there are, each with its number, in this order and none between them left out.
fn units(mut text: &str, order: &str) -> Option<usize> {
    let mut expected: Option<usize> = None;
    let mut count = 0;
    while !text.is_empty() {
        let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let unit = rest.chars().next().filter(|_| rest.len() < text.len())?;
        let at = order.find(unit)?;
        if expected.is_some_and(|expected| expected != at) {
            return None;
        }
        expected = Some(at + 1);
        count += 1;
        text = &rest[unit.len_utf8()..];
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matches: fn(&str) -> bool, right: &[&str], wrong: &[&str]) {
        right.iter().for_each(|text| assert!(matches(text), "{text}"));
        wrong.iter().for_each(|text| assert!(!matches(text), "{text}"));
    }

    #[test]
    fn dates_are_days_that_there_are() {
        check(
            is_date,
            &["2024-02-29", "2000-02-29", "1963-06-19", "2023-12-31"],
            &[
                "2023-02-29",
                "1900-02-29",
                "2023-13-01",
                "2023-00-01",
                "2023-04-31",
                "2023-1-01",
                "23-01-01",
                "2023-01-01 ",
                "२०२३-०१-०१",
                "",
            ],
        );
    }

    #[test]
    fn times_have_an_offset_and_leap_seconds_where_a_day_ends() {
        check(
            is_time,
            &[
                "08:30:06Z",
                "08:30:06.283185z",
                "23:59:60Z",
                "15:59:60-08:00",
                "01:29:60+01:30",
                "08:30:06+23:59",
            ],
            &[
                "08:30:06",
                "24:00:00Z",
                "08:60:00Z",
                "08:30:61Z",
                "22:59:60Z",
                "08:30:06.Z",
                "08:30:06+24:00",
                "08:30:06+00:60",
                "8:30:06Z",
                "08:30Z",
                "08:30:06 PST",
            ],
        );
        check(
            is_date_time,
            &["1963-06-19T08:30:06.283185Z", "1998-12-31t23:59:60z", "1990-12-31T15:59:60.123-08:00"],
            &[
                "1963-06-19 08:30:06Z",
                "1990-02-31T15:59:59Z",
                "1963-06-19T08:30:06",
                "2013-350T01:01:01",
                "1963-06-19T",
                "",
            ],
        );
    }

    #[test]
    fn durations_name_their_units_in_order() {
        check(
            is_duration,
            &["P4DT12H30M5S", "P4Y", "PT0S", "P1M", "PT1M", "PT36H", "P2W", "P1Y2M3D", "P1DT12H"],
            &[
                "P", "PT", "P1", "4D", "P1D2H", "P2D1Y", "P1YT", "PT1D", "P1Y2W", "P2S", "P1Y1D", "PT1H5S",
                "P-1Y", "P1W2W",
            ],
        );
    }
}
