//! Prints the JSON Schema of policies, made from the core's own option rows: `schema > core/policy.schema.json`.

use serde_json::{Map, Value, json};
use undaunted::bounds::{ROWS, Row, Takes};
use undaunted::failure::Class;

fn main() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Undaunted retry policy",
        "type": "object",
        "additionalProperties": false,
        "properties": properties(""),
        "$defs": { "duration": {
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h)$",
            "description": "A time with its unit: us, ms, s, m or h; 1us to 87600h, whole microseconds.",
        } },
    });
    println!("{}", serde_json::to_string_pretty(&schema).expect("JSON"));
}

/// The options directly below a path.
fn properties(parent: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    for row in ROWS {
        let (above, name) = row.path.rsplit_once('.').unwrap_or(("", row.path));
        if above == parent && !name.ends_with("[]") && !properties.contains_key(name) {
            properties.insert(name.to_owned(), option(row.path));
        }
    }
    properties
}

/// An option: its forms, one or several, and null where it is allowed.
fn option(path: &str) -> Value {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.path == path).collect();
    let mut forms: Vec<Value> = rows.iter().map(|row| form(row)).collect();
    if rows.iter().any(|row| row.null.is_some()) {
        forms.push(json!({ "type": "null" }));
    }
    let mut schema = match forms.len() {
        1 => forms.remove(0),
        _ => json!({ "oneOf": forms }),
    };
    schema["description"] = json!(describe(&rows));
    if let Some(default) = rows.iter().find(|row| !row.default.is_empty()) {
        schema["default"] = serde_json::from_str(default.default).expect("a default in JSON");
    }
    schema
}

fn describe(rows: &[&Row]) -> String {
    let mut texts: Vec<String> = rows.iter().map(|row| row.meaning.to_owned()).collect();
    texts.extend(rows.iter().filter_map(|row| row.null).map(|null| format!("null: {null}.")));
    let meaningless = rows.iter().filter(|row| !row.meaningless_with.is_empty());
    texts.extend(meaningless.map(|row| format!("Refused together with {}.", row.meaningless_with)));
    texts.join(" ")
}

fn form(row: &Row) -> Value {
    let millionths = |value: u64| value as f64 / 1e6;
    match row.takes {
        Takes::Count(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Takes::Duration(..) => json!({ "$ref": "#/$defs/duration" }),
        Takes::Decimal(min, max) if min % 1_000_000 == 1 => json!({
            "type": "number", "exclusiveMinimum": (min - 1) / 1_000_000, "maximum": millionths(max),
        }),
        Takes::Decimal(min, max) => {
            json!({ "type": "number", "minimum": millionths(min), "maximum": millionths(max) })
        }
        Takes::Bool => json!({ "type": "boolean" }),
        Takes::Word(words) => json!({ "type": "string", "enum": words }),
        Takes::Text(max) => json!({ "type": "string", "minLength": 1, "maxLength": max }),
        Takes::Code => match row.name() {
            "http" => json!({ "oneOf": [
                { "type": "integer" },
                { "type": "string", "pattern": "^[0-9]+-[0-9]+$" },
            ] }),
            _ => json!({ "type": ["integer", "string"], "minLength": 1 }),
        },
        Takes::List("rules", max) => {
            json!({ "type": "array", "maxItems": max, "items": map("rules") })
        }
        Takes::List(item, max) => {
            json!({ "type": "array", "minItems": 1, "maxItems": max, "items": option(item) })
        }
        Takes::Map => map(row.path),
    }
}

fn map(path: &str) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    schema["properties"] = match path {
        "classes" => {
            let settings = json!({
                "type": "object", "additionalProperties": false, "properties": properties("classes.*"),
            });
            let classes = Class::ALL.iter().filter(|class| **class != Class::Permanent);
            classes.map(|class| (class.as_str().to_owned(), settings.clone())).collect::<Map<_, _>>().into()
        }
        _ => properties(path).into(),
    };
    match path {
        "on_timeout" => schema["required"] = json!(["clip"]),
        "on_timeout.clip" => schema["required"] = json!(["min_attempt"]),
        "budget" => schema["required"] = json!(["name"]),
        "jitter" => {
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
        }
        _ => {}
    }
    schema
}
