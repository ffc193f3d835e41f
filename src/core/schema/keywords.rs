//! The keywords of JSON Schema 2020-12, and where the subschemas of each are.

/// What stands under a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// Schemas by name.
    Map,
    /// No schema.
    Other,
}

pub(super) const KEYWORDS: [(&str, Holds); 59] = [
    ("$schema", Holds::Other),
    ("$id", Holds::Other),
    ("$ref", Holds::Other),
    ("$anchor", Holds::Other),
    ("$dynamicRef", Holds::Other),
    ("$dynamicAnchor", Holds::Other),
    ("$vocabulary", Holds::Other),
    ("$comment", Holds::Other),
    ("$defs", Holds::Map),
    // What `$defs` was called before. Tools still write it.
    ("definitions", Holds::Map),
    ("type", Holds::Other),
    ("const", Holds::Other),
    ("enum", Holds::Other),
    ("multipleOf", Holds::Other),
    ("maximum", Holds::Other),
    ("exclusiveMaximum", Holds::Other),
    ("minimum", Holds::Other),
    ("exclusiveMinimum", Holds::Other),
    ("maxLength", Holds::Other),
    ("minLength", Holds::Other),
    ("pattern", Holds::Other),
    ("format", Holds::Other),
    ("maxItems", Holds::Other),
    ("minItems", Holds::Other),
    ("uniqueItems", Holds::Other),
    ("maxContains", Holds::Other),
    ("minContains", Holds::Other),
    ("maxProperties", Holds::Other),
    ("minProperties", Holds::Other),
    ("required", Holds::Other),
    ("dependentRequired", Holds::Other),
    ("allOf", Holds::List),
    ("anyOf", Holds::List),
    ("oneOf", Holds::List),
    ("prefixItems", Holds::List),
    ("not", Holds::Schema),
    ("if", Holds::Schema),
    ("then", Holds::Schema),
    ("else", Holds::Schema),
    ("items", Holds::Schema),
    ("contains", Holds::Schema),
    ("additionalProperties", Holds::Schema),
    ("propertyNames", Holds::Schema),
    ("unevaluatedItems", Holds::Schema),
    ("unevaluatedProperties", Holds::Schema),
    ("properties", Holds::Map),
    ("patternProperties", Holds::Map),
    ("dependentSchemas", Holds::Map),
    ("contentEncoding", Holds::Other),
    ("contentMediaType", Holds::Other),
    ("contentSchema", Holds::Schema),
    ("title", Holds::Other),
    ("description", Holds::Other),
    ("default", Holds::Other),
    ("deprecated", Holds::Other),
    ("readOnly", Holds::Other),
    ("writeOnly", Holds::Other),
    ("examples", Holds::Other),
    ("example", Holds::Other),
];

pub(super) fn holds(keyword: &str) -> Option<Holds> {
    KEYWORDS.iter().find(|(known, _)| *known == keyword).map(|(_, holds)| *holds)
}

/// Keywords of other dialects that would not be heeded, and what says the same in this one.
const FOREIGN: [(&str, &str); 6] = [
    ("additionalItems", "is of an older JSON Schema: 2020-12 says items beside prefixItems"),
    ("dependencies", "is of an older JSON Schema: 2020-12 says dependentRequired or dependentSchemas"),
    ("$recursiveRef", "is of an older JSON Schema: 2020-12 says $dynamicRef"),
    ("$recursiveAnchor", "is of an older JSON Schema: 2020-12 says $dynamicAnchor"),
    ("nullable", "is OpenAPI's: JSON Schema says type: [\"string\", \"null\"]"),
    ("discriminator", "is OpenAPI's: JSON Schema says const in each branch of oneOf"),
];

/// What is wrong with a keyword that is not of 2020-12. Others may stand there for other readers.
pub(super) fn fault(keyword: &str) -> Option<String> {
    if let Some((_, why)) = FOREIGN.iter().find(|(foreign, _)| *foreign == keyword) {
        return Some((*why).to_owned());
    }
    // Short words are near to many others: of those only another case, or a sign that is missing, is a slip.
    let is_slip =
        |known: &str| known.len() > 4 || known.trim_start_matches('$').eq_ignore_ascii_case(keyword);
    let known = KEYWORDS.iter().map(|(known, _)| *known).filter(|known| is_slip(known));
    let nearest = nearest(keyword, known).filter(|_| keyword.len() > 2)?;
    Some(format!("is no keyword of JSON Schema; is {nearest} meant?"))
}

/// The one that `word` may be a slip of, if there is one.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = |other: &str| 1 + other.len().min(word.len()) / 5;
    let near = known.map(|other| (distance(word, other), other)).filter(|(away, other)| *away <= far(other));
    near.min().map(|(_, other)| other)
}

/// How many letters are to be put in, left out, replaced or swapped with their neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 4 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_a_keyword_of_somebody_elses() {
        for (slip, meant) in [
            ("requird", "required"),
            ("propeties", "properties"),
            ("minLenght", "minLength"),
            ("additionalProperty", "additionalProperties"),
            ("Type", "type"),
            ("anyof", "anyOf"),
            ("ref", "$ref"),
        ] {
            assert!(fault(slip).is_some_and(|text| text.contains(meant)), "{slip}: {:?}", fault(slip));
        }
        for others in [
            "x-internal",
            "markdownDescription",
            "tsType",
            "faker",
            "errorMessage",
            "xml",
            "note",
            "id",
            "types",
            "key",
        ] {
            assert_eq!(fault(others), None, "{others}");
        }
        assert!(fault("nullable").is_some_and(|text| text.contains("null")));
    }
}
