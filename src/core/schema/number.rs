//! Whether a number is a multiple of another, decided on the digits that both are written with: 0.3 is one of 0.1.

/// `digits × 10^exponent`. A double has at most 17 digits that count, which leaves room to multiply two of them.
#[derive(Debug, PartialEq)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

const MOST_DIGITS: usize = 18;

/// Both are written as JSON writes numbers.
pub(super) fn is_multiple(number: &str, of: &str) -> bool {
    match (decimal(number), decimal(of)) {
        (Some(number), Some(of)) if of.digits > 0 => divides(&of, &number),
        // More digits than a double has.
        _ => number.parse::<f64>().unwrap_or(f64::NAN) % of.parse::<f64>().unwrap_or(f64::NAN) == 0.0,
    }
}

fn divides(of: &Decimal, number: &Decimal) -> bool {
    if number.digits == 0 {
        return true;
    }
    let by = u128::from(of.digits);
    let apart = i64::from(number.exponent) - i64::from(of.exponent);
    if apart >= 0 {
        let power = (0..apart.min(1000)).fold(1, |power, _| power * 10 % by);
        return u128::from(number.digits) % by * power % by == 0;
    }
    // What is left of a number with so few digits is no multiple of anything so large.
    let Ok(power) = u32::try_from(-apart) else { return false };
    power as usize <= MOST_DIGITS && u128::from(number.digits) % (by * 10u128.pow(power)) == 0
}

fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let dropped = digits.len() - kept.len();
    let significant = kept.trim_start_matches('0');
    if significant.len() > MOST_DIGITS {
        return None;
    }
    let exponent = exponent.trim_start_matches('+').parse::<i32>().ok()?;
    let exponent =
        exponent.checked_add(i32::try_from(dropped).ok()? - i32::try_from(fraction.len()).ok()?)?;
    let digits = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    Some(Decimal { digits, exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_is_one_in_the_digits_that_are_written() {
        for (number, of) in [
            ("0", "7"),
            ("10", "2"),
            ("-9", "3"),
            ("0.3", "0.1"),
            ("4.5", "1.5"),
            ("0.0075", "0.0001"),
            ("19.99", "0.01"),
            ("1e300", "1e-300"),
            ("1e2", "25"),
            ("12391239123", "1e-8"),
            ("9007199254740993", "1"),
            ("1e3", "1E+3"),
        ] {
            assert!(is_multiple(number, of), "{number} {of}");
        }
        for (number, of) in [
            ("7", "2"),
            ("35", "1.5"),
            ("0.00751", "0.0001"),
            ("1e308", "0.123456789"),
            ("1e-300", "1"),
            ("1", "1e300"),
            ("1.5", "1"),
            ("19.995", "0.01"),
        ] {
            assert!(!is_multiple(number, of), "{number} {of}");
        }
    }
}
