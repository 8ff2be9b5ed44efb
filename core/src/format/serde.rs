//! Policies in any format that serde reads or writes, over the core's own reader: the same options, the same errors.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::number::Notation;
use super::tape::{FALSE, Items, LIST, MAP, MICROS, NULL, NUMBER, Node, TRUE, Writer};
use crate::policy::Policy;

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
        let mut tape = Tape(Vec::new());
        deserializer.deserialize_any(&mut tape)?;
        let mut texts = Vec::new();
        let policy = Policy::compile(&tape.0, Notation::Json, None, &mut |problem| {
            if !texts.is_empty() {
                texts.extend_from_slice(b"; ");
            }
            problem.text(&mut |piece| texts.extend_from_slice(piece));
        });
        policy.ok_or_else(|| D::Error::custom(text_of(&texts)))
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = Vec::new();
        self.dump(&mut |piece| json.extend_from_slice(piece));
        let mut tape = Tape(Vec::new());
        tape.json(&text_of(&json));
        Value(Node::read(&tape.0)).serialize(serializer)
    }
}

/// A tape in the making: what serde visits when reading, and what the JSON of a policy becomes when writing.
struct Tape(Vec<u8>);

impl Tape {
    fn write(&mut self, write: impl FnOnce(&mut Writer)) {
        write(&mut Writer::new(&mut |bytes| self.0.extend_from_slice(bytes)));
    }

    fn number(&mut self, text: &str) {
        self.write(|writer| writer.number(text));
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads one value of a list or map into a tape.
struct Into<'t>(&'t mut Tape);

impl<'de> serde::de::DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

impl<'de> Visitor<'de> for &mut Tape {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a retry policy")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(|writer| writer.null());
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(|writer| writer.bool(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.write(|writer| writer.text(value));
        Ok(())
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<(), E> {
        self.write(|writer| writer.other("bytes"));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.write(|writer| writer.list());
        while items.next_element_seed(Into(self))?.is_some() {}
        self.write(|writer| writer.end_list());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut key = entries.next_key::<String>()?;
        // What serde_json, with its feature `arbitrary_precision`, makes of a number.
        if key.as_deref() == Some("$serde_json::private::Number") {
            self.number(&entries.next_value::<String>()?);
            return Ok(());
        }
        self.write(|writer| writer.map());
        while let Some(name) = key {
            self.write(|writer| writer.text(&name));
            entries.next_value_seed(Into(self))?;
            key = entries.next_key::<String>()?;
        }
        self.write(|writer| writer.end_map());
        Ok(())
    }
}

impl Tape {
    /// Reads a value of JSON as policies print it: no blanks, and of all escapes only those that a dump has. Answers what
    /// comes after it.
    fn json<'j>(&mut self, json: &'j str) -> &'j str {
        let (first, rest) = json.split_at_checked(1).unwrap_or(("", ""));
        match first {
            "{" | "[" => self.json_items(first == "{", rest),
            "\"" => {
                let (text, rest) = unescape(rest);
                self.write(|writer| writer.text(&text));
                rest
            }
            _ => {
                let end = json.find([',', ']', '}']).unwrap_or(json.len());
                let (word, rest) = json.split_at_checked(end).unwrap_or((json, ""));
                match word {
                    "null" => self.write(|writer| writer.null()),
                    "true" | "false" => self.write(|writer| writer.bool(word == "true")),
                    _ => self.number(word),
                }
                rest
            }
        }
    }

    fn json_items<'j>(&mut self, is_map: bool, mut rest: &'j str) -> &'j str {
        self.write(|writer| if is_map { writer.map() } else { writer.list() });
        while !rest.is_empty() && !rest.starts_with(['}', ']']) {
            rest = self.json(rest);
            rest = rest.strip_prefix([',', ':']).unwrap_or(rest);
        }
        self.write(|writer| if is_map { writer.end_map() } else { writer.end_list() });
        rest.get(1..).unwrap_or("")
    }
}

/// The text up to the next quote, and what comes after it.
fn unescape(json: &str) -> (String, &str) {
    let mut text = String::new();
    let mut letters = json.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                escaped => text.extend(escaped),
            },
            _ => text.push(letter),
        }
    }
    (text, letters.as_str())
}

/// A value of a tape, for serde to write.
struct Value<'t>(Node<'t>);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value(node) = self;
        match node.kind {
            NULL => serializer.serialize_unit(),
            TRUE | FALSE => serializer.serialize_bool(node.kind == TRUE),
            NUMBER | MICROS => serialize_number(&text_of(node.content), serializer),
            LIST => {
                let mut list = serializer.serialize_seq(None)?;
                for item in node.items() {
                    list.serialize_element(&Value(item))?;
                }
                list.end()
            }
            MAP => serialize_map(node.items(), serializer),
            _ => serializer.serialize_str(&text_of(node.content)),
        }
    }
}

fn serialize_number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => serializer.serialize_i64(whole),
        (Err(_), Ok(fraction)) => serializer.serialize_f64(fraction),
        (Err(_), Err(_)) => serializer.serialize_str(text),
    }
}

fn serialize_map<S: Serializer>(mut entries: Items, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    while let Some((key, value)) = entries.next_entry() {
        map.serialize_entry(&text_of(key), &Value(value))?;
    }
    map.end()
}
