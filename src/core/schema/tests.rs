//! What a schema decides and says. That it decides as JSON Schema has it is held by the official suite and by another
//! implementation: `scripts/json-schema-suite.mjs`, `__test__/json-schema.test.js`.

use super::*;

fn schema(text: &str) -> Schema {
    Schema::compile(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn judge(of: &str, value: &str) -> Result<Option<String>, Vec<Issue>> {
    schema(of).judge(&Document::parse(value.to_owned()).unwrap())
}

/// Pointer, code and message of everything wrong.
fn wrong(of: &str, value: &str) -> Vec<(String, &'static str, String)> {
    let issues = judge(of, value).expect_err("accepted");
    issues.into_iter().map(|issue| (issue.pointer(), issue.code, issue.message)).collect()
}

fn messages(of: &str, value: &str) -> Vec<String> {
    wrong(of, value).into_iter().map(|(_, _, message)| message).collect()
}

/// What is kept of a valid value.
fn kept(of: &str, value: &str) -> String {
    judge(of, value).unwrap_or_else(|issues| panic!("{issues:?}")).unwrap_or_else(|| value.to_owned())
}

fn faults(text: &str) -> Vec<(String, String)> {
    match Schema::compile(text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect(),
    }
}

#[test]
fn each_issue_says_where_and_what_in_words() {
    let order = r#"{
        "type": "object",
        "properties": {
            "id": { "type": "string", "minLength": 2, "maxLength": 3 },
            "kind": { "enum": ["a", "b"] },
            "lines": { "type": "array", "minItems": 1, "items": { "type": "object", "properties": {
                "sku": { "type": "string", "pattern": "^[A-Z]+$" },
                "count": { "type": "integer", "minimum": 1, "multipleOf": 2 }
            }, "required": ["sku"], "additionalProperties": false } },
            "mail": { "type": ["string", "null"], "format": "email" }
        },
        "required": ["id", "kind"]
    }"#;
    let value =
        r#"{"id":"x","lines":[{"sku":"A"},{"count":-1,"b/c":1,"d":2},{"sku":"a"},7],"mail":"nobody"}"#;
    let expected = [
        ("/id", "too_small", "id must have at least 2 characters"),
        ("/lines/1/count", "too_small", "lines[1].count must be at least 1"),
        ("/lines/1/count", "not_multiple_of", "lines[1].count must be a multiple of 2"),
        ("/lines/1", "unrecognized_keys", "lines[1] must not have \"b/c\", \"d\""),
        ("/lines/1/sku", "invalid_type", "lines[1].sku is required"),
        ("/lines/2/sku", "invalid_format", "lines[2].sku must match ^[A-Z]+$"),
        ("/lines/3", "invalid_type", "lines[3] must be an object, but it is a number"),
        ("/mail", "invalid_format", "mail must have the format email"),
        ("/kind", "invalid_type", "kind is required"),
    ];
    let expected: Vec<_> = expected.map(|(at, code, text)| (at.to_owned(), code, text.to_owned())).into();
    assert_eq!(wrong(order, value), expected);
    assert_eq!(messages(order, "[]"), ["the input must be an object, but it is an array"]);
    assert_eq!(
        messages(r#"{"type":["string","null"]}"#, "1"),
        ["the input must be null or a string, but it is a number"]
    );
    assert_eq!(messages(r#"{"enum":["a",1]}"#, "2"), [r#"the input must be one of "a", 1"#]);
    assert_eq!(messages(r#"{"properties":{"a b":{"const":1}}}"#, r#"{"a b":2}"#), [r#"["a b"] must be 1"#]);
}

#[test]
fn a_union_says_what_is_wrong_in_the_form_that_is_meant() {
    let shapes = r#"{ "oneOf": [
        { "type": "object", "properties": { "kind": { "const": "circle" }, "r": { "type": "number" } }, "required": ["kind", "r"] },
        { "type": "object", "properties": { "kind": { "const": "square" }, "a": { "type": "number" } }, "required": ["kind", "a"] },
        { "type": "string" }
    ] }"#;
    assert_eq!(messages(shapes, r#"{"kind":"square","a":"1"}"#), ["a must be a number, but it is a string"]);
    assert_eq!(messages(shapes, r#"{"kind":"circle"}"#), ["r is required"]);
    assert_eq!(
        messages(shapes, r#"{"kind":"line"}"#),
        ["the input is of none of the forms that are allowed"]
    );
    assert_eq!(messages(shapes, "1"), ["the input is of none of the forms that are allowed"]);
    let both = r#"{"oneOf":[{"minimum":1},{"minimum":2}]}"#;
    assert_eq!(messages(both, "3"), ["the input is of more than one of the forms of which it must have one"]);
}

#[test]
fn no_more_issues_are_told_than_anybody_reads() {
    let value = format!("[{}1]", "1,".repeat(100_000));
    assert_eq!(wrong(r#"{"items":{"type":"string"}}"#, &value).len(), MOST_ISSUES);
    assert_eq!(wrong(r#"{"anyOf":[{"items":{"type":"string"}}]}"#, &value).len(), MOST_ISSUES);
}

#[test]
fn what_is_undeclared_is_left_out_wherever_members_are_declared() {
    let nested = r#"{
        "properties": { "a": { "properties": { "b": true } }, "free": { "type": "object" }, "list": { "items": { "properties": { "c": true } } } },
        "patternProperties": { "^x-": { "type": "number" } }
    }"#;
    let value = r#"{"q":1,"a":{"b":{"z":1},"y":2},"free":{"any":[{"p":1}]},"list":[{"c":1,"d":2},{}],"x-1":1,"\u0061b":2}"#;
    let expected = r#"{"a":{"b":{"z":1}},"free":{"any":[{"p":1}]},"list":[{"c":1},{}],"x-1":1}"#;
    assert_eq!(kept(nested, value), expected);
    // All of these say what becomes of the others.
    for open in [
        r#"{"properties":{"a":true},"additionalProperties":true}"#,
        r#"{"properties":{"a":true},"additionalProperties":{"type":"number"}}"#,
        r#"{"properties":{"a":true},"unevaluatedProperties":true}"#,
        r#"{"type":"object"}"#,
        "true",
        "{}",
    ] {
        assert_eq!(kept(open, r#"{"a":1,"b":2}"#), r#"{"a":1,"b":2}"#, "{open}");
    }
    // Declared is what a subschema that accepts declares.
    for (of, expected) in [
        (r#"{"properties":{"a":true},"allOf":[{"properties":{"b":true}}]}"#, r#"{"a":1,"b":2}"#),
        (
            r#"{"anyOf":[{"properties":{"a":{"type":"string"},"b":true}},{"properties":{"a":{"type":"number"}}}]}"#,
            r#"{"a":1}"#,
        ),
        (
            r#"{"properties":{"a":true},"not":{"properties":{"b":{"type":"string"}}, "required":["z"]}}"#,
            r#"{"a":1}"#,
        ),
        (r##"{"$ref":"#/$defs/x","$defs":{"x":{"properties":{"c":true}}}}"##, r#"{"c":3}"#),
        (
            r#"{"if":{"properties":{"a":{"const":1}}},"then":{"properties":{"b":true}},"else":{"properties":{"c":true}}}"#,
            r#"{"a":1,"b":2}"#,
        ),
        (r#"{"properties":{}}"#, "{}"),
    ] {
        assert_eq!(kept(of, r#"{"a":1,"b":2,"c":3}"#), expected, "{of}");
    }
    assert_eq!(kept(r#"{"properties":{"é":true}}"#, r#"{"\u00e9":1}"#), r#"{"\u00e9":1}"#);
    // Nor does a lone surrogate pass for a character that stands for one.
    assert_eq!(kept(r#"{"properties":{"\ufffd":true}}"#, r#"{"\ud800":1,"\ufffd":2}"#), r#"{"\ufffd":2}"#);
}

#[test]
fn all_faults_of_a_schema_are_told_with_their_places() {
    let text = r##"{
        "type": "strin",
        "properties": { "a": { "minLength": -1, "pattern": "(" }, "b": 1, "c": { "$ref": "#/$defs/nowhere" } },
        "requird": ["a"],
        "required": [1],
        "$schema": "http://json-schema.org/draft-07/schema#",
        "items": [{}],
        "format": "emial",
        "allOf": [],
        "x-note": 1
    }"##;
    let mut found = faults(text);
    found.sort();
    let places: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    let expected = [
        "/$schema",
        "/allOf",
        "/format",
        "/items",
        "/properties/a/minLength",
        "/properties/a/pattern",
        "/properties/b",
        "/properties/c/$ref",
        "/requird",
        "/required",
        "/type",
    ];
    assert_eq!(places, expected, "{found:#?}");
    assert_eq!(found[8].1, "is no keyword of JSON Schema; is required meant?");
    assert_eq!(faults("[").len(), 1);
    assert_eq!(faults("7"), [(String::new(), "must be a schema: an object, true or false".to_owned())]);
}

#[test]
fn a_schema_that_would_judge_for_ever_is_refused_and_one_that_goes_on_is_not() {
    for circle in [
        r##"{"$ref":"#"}"##,
        r##"{"allOf":[{"$ref":"#"}]}"##,
        r##"{"properties":{"a":{"anyOf":[{"$ref":"#/properties/a"}]}}}"##,
        r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
        r##"{"$dynamicAnchor":"x","$dynamicRef":"#x"}"##,
        r##"{"$id":"a:a","$dynamicAnchor":"x","$ref":"a:b","$defs":{"b":{"$id":"a:b","$dynamicRef":"#x","$defs":{"x":{"$dynamicAnchor":"x"}}}}}"##,
        r##"{"dependentSchemas":{"a":{"$ref":"#"}}}"##,
    ] {
        assert!(faults(circle).iter().any(|(_, message)| message.contains("itself")), "{circle}");
    }
    let tree = r##"{"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}}}"##;
    assert_eq!(kept(tree, r#"{"left":{"right":{},"x":1}}"#), r#"{"left":{"right":{}}}"#);
    let deep = "{\"left\":".repeat(json::MAX_DEPTH - 1) + "{}" + &"}".repeat(json::MAX_DEPTH - 1);
    assert!(judge(tree, &deep).is_ok());
}

#[test]
fn no_schema_and_no_value_ends_the_stack() {
    // Each level of the value is judged by a chain of twenty subschemas.
    let chain = |at: usize| format!(r##""c{at}":{{"$ref":"#/$defs/c{}"}}"##, at + 1);
    let chains: Vec<_> = (0..20).map(chain).collect();
    let last = r##""c20":{"properties":{"a":{"$ref":"#/$defs/c0"}}}"##;
    let text = format!(r##"{{"$ref":"#/$defs/c0","$defs":{{{},{last}}}}}"##, chains.join(","));
    let nested = |depth: usize| "{\"a\":".repeat(depth) + "{}" + &"}".repeat(depth);
    assert!(judge(&text, &nested(30)).is_ok());
    assert_eq!(
        messages(&text, &nested(190)),
        ["the input is too deep, or too much, to be held to the schema"]
    );
    let not = format!(r#"{{"not":{text}}}"#).replace("#/$defs", "#/not/$defs");
    assert!(judge(&not, &nested(190)).is_err());
    // The smallest stack that there is: that of a thread of a test.
    let text = r##"{"allOf":[{"properties":{"a":{"$ref":"#"}}}]}"##.to_owned();
    assert!(judge(&text, &nested(199)).is_ok());
}

/// A tree whose nodes say what they are: a schema that leads back to itself in three of four branches.
const TREE: &str = r##"{ "oneOf": [
    { "type": "object", "properties": { "type": { "const": "and" }, "child": { "$ref": "#" } }, "required": ["type", "child"] },
    { "type": "object", "properties": { "type": { "const": "or" }, "child": { "$ref": "#" } }, "required": ["type", "child"] },
    { "type": "object", "properties": { "type": { "const": "not" }, "child": { "$ref": "#" } }, "required": ["type", "child"] },
    { "type": "object", "properties": { "type": { "const": "leaf" } }, "required": ["type"] }
] }"##;

#[test]
fn a_schema_that_leads_back_to_itself_is_judged_in_time_whatever_the_order_of_the_input() {
    // Judged branch by branch to the end, each of these would take 3^90 steps.
    let child_first = |leaf: &str| "{\"child\":".repeat(90) + leaf + &",\"type\":\"not\"}".repeat(90);
    assert_eq!(kept(TREE, &child_first(r#"{"type":"leaf"}"#)), child_first(r#"{"type":"leaf"}"#));
    let found = wrong(TREE, &child_first(r#"{"type":"wrong"}"#));
    assert_eq!(found.len(), 1);
    assert!(found[0].0.ends_with("/child/child"));
    // One whose branches nothing tells apart is cut short, in both: deciding, and saying what is wrong.
    let alike = r##"{"type":"object","anyOf":[{"properties":{"a":{"$ref":"#"},"x":{"minimum":1}}},{"properties":{"a":{"$ref":"#"},"x":{"maximum":0}}}]}"##;
    let deep = "{\"a\":".repeat(60) + "{}" + &",\"x\":0.5}".repeat(60);
    assert_eq!(messages(alike, &deep), ["the input is too deep, or too much, to be held to the schema"]);
}

#[test]
fn objects_of_which_nothing_is_declared_are_whole_wherever_they_are() {
    for (of, value) in [
        (r#"{"properties":{"list":{"type":"array","items":{"type":"object"}}}}"#, r#"{"list":[{"a":1}]}"#),
        (r#"{"items":true}"#, r#"[{"a":1}]"#),
        (r#"{"contains":{"type":"object"}}"#, r#"[{"a":1},1]"#),
        (r#"{"unevaluatedItems":{"type":"object"}}"#, r#"[{"a":1}]"#),
        (r#"{"prefixItems":[{"type":"object"}]}"#, r#"[{"a":1},{"b":{"c":1}}]"#),
        (
            r#"{"items":{"oneOf":[{"type":"string"},{"type":"object"}]},"unevaluatedItems":false}"#,
            r#"[{"a":1},"x"]"#,
        ),
    ] {
        assert_eq!(kept(of, value), value, "{of}");
    }
}

#[test]
fn what_is_kept_is_valid_again() {
    for (of, value, expected) in [
        (r#"{"properties":{"a":true},"required":["a","b"]}"#, r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1,"b":2}"#),
        (
            r#"{"properties":{"a":true},"dependentRequired":{"a":["b"]}}"#,
            r#"{"b":2,"c":3,"a":1}"#,
            r#"{"b":2,"a":1}"#,
        ),
    ] {
        assert_eq!(kept(of, value), expected);
        assert_eq!(kept(of, expected), expected);
    }
    // That a name is asked for does not mean that anything judged it.
    assert!(
        judge(
            r#"{"properties":{"a":true},"required":["b"],"unevaluatedProperties":false}"#,
            r#"{"a":1,"b":2}"#
        )
        .is_err()
    );
}

#[test]
fn issues_of_hostile_names_are_of_bounded_size() {
    let value = format!(r#"{{"{}":[{}1]}}"#, "k".repeat(300_000), "\"a\",".repeat(100));
    let issues = judge(r#"{"additionalProperties":{"items":{"type":"number"}}}"#, &value).unwrap_err();
    assert!(issues.iter().map(Issue::size).sum::<usize>() < 20_000);
    let many: Vec<_> = (0..100).map(|at| format!(r#""{at}{}":1"#, "k".repeat(5000))).collect();
    let value = format!("{{{}}}", many.join(","));
    assert!(judge(r#"{"additionalProperties":{"type":"string"}}"#, &value).unwrap_err().len() <= MOST_ISSUES);
}

#[test]
fn a_schema_of_strings_is_judged_by_its_fields_as_by_its_json() {
    let text = r#"{"type":"object","properties":{"a":{"type":"string","enum":["x","y"]},"b":{"type":"string","maxLength":2}},"required":["a"]}"#;
    let schema = schema(text);
    assert_eq!(schema.fields(), Some(&["a".to_owned(), "b".to_owned()][..]));
    let (x, long) = (super::super::Text::from("x"), super::super::Text::from("日本語"));
    let missing = Field::Other(Kind::Undefined);
    assert_eq!(schema.issues_of_fields(&[Field::Text(&x), missing]), []);
    let found = schema.issues_of_fields(&[Field::Text(&long), Field::Text(&long)]);
    assert_eq!(found, judge(text, r#"{"a":"日本語","b":"日本語"}"#).unwrap_err());
    assert_eq!(found.len(), 2);
    let found = schema.issues_of_fields(&[missing, Field::Other(Kind::Null)]);
    let messages: Vec<_> = found.iter().map(|issue| issue.message.as_str()).collect();
    assert_eq!(messages, ["a is required", "b must be a string, but it is null"]);
    for others in [
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"type":"object","properties":{"a":{}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}"#,
        r#"{"type":"object","properties":{"a":{"type":"string","not":{}}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"string","const":"\ud800"}}}"#,
        r#"{"type":"object","properties":{}}"#,
    ] {
        assert!(super::Schema::compile(others).unwrap().fields().is_none(), "{others}");
    }
}
