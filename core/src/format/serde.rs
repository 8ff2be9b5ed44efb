//! Policies in any format that serde reads or writes, over the core's own reader: the same options, the same errors.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::dump::Describe;
use super::duration::{print, print_millionths, print_number};
use super::tape::{Items, Node, Writer};
use super::values::Notation;
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
        let mut tape = Tape(Vec::new());
        self.describe(&mut tape);
        Value(Node::read(&tape.0)).serialize(serializer)
    }
}

/// A tape in the making: what serde visits when reading, what a policy describes itself to when writing.
struct Tape(Vec<u8>);

impl Tape {
    fn write(&mut self, write: impl FnOnce(&mut Writer)) {
        write(&mut Writer::new(&mut |bytes| self.0.extend_from_slice(bytes)));
    }

    fn number(&mut self, text: &str) {
        self.write(|writer| writer.number(text));
    }

    fn printed(&mut self, is_text: bool, print: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        let mut printed = Vec::new();
        print(&mut |piece| printed.extend_from_slice(piece));
        let printed = text_of(&printed);
        self.write(|writer| if is_text { writer.text(&printed) } else { writer.number(&printed) });
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

impl Describe for Tape {
    fn key(&mut self, key: &str) {
        self.write(|writer| writer.text(key));
    }

    fn item(&mut self) {}

    fn open(&mut self) {
        self.write(|writer| writer.map());
    }

    fn close(&mut self) {
        self.write(|writer| writer.end_map());
    }

    fn list(&mut self, key: &str) {
        self.key(key);
        self.write(|writer| writer.list());
    }

    fn end_list(&mut self) {
        self.write(|writer| writer.end_list());
    }

    fn null(&mut self, key: &str) {
        self.key(key);
        self.write(|writer| writer.null());
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.write(|writer| writer.bool(value));
    }

    fn number(&mut self, key: &str, value: u32) {
        self.key(key);
        Tape::number(self, &value.to_string());
    }

    fn code(&mut self, key: &str, value: i32) {
        self.key(key);
        Tape::number(self, &value.to_string());
    }

    fn range(&mut self, key: &str, low: u32, high: u32) {
        self.key(key);
        self.printed(true, |out| {
            print_number(low.into(), out);
            out(b"-");
            print_number(high.into(), out);
        });
    }

    fn millionths(&mut self, key: &str, value: u32) {
        self.key(key);
        self.printed(false, |out| print_millionths(value, out));
    }

    fn span(&mut self, key: &str, micros: u64) {
        self.key(key);
        self.item_span(micros);
    }

    fn item_span(&mut self, micros: u64) {
        self.printed(true, |out| print(micros, out));
    }

    fn text(&mut self, key: &str, text: &[u8]) {
        self.key(key);
        let text = text_of(text);
        self.write(|writer| writer.text(&text));
    }
}

/// A value of a tape, for serde to write.
struct Value<'t>(Node<'t>);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(value),
            Node::Number(text) | Node::Micros(text) => serialize_number(&text_of(text), serializer),
            Node::Text(text) | Node::Other(text) => serializer.serialize_str(&text_of(text)),
            Node::List(items) => {
                let mut list = serializer.serialize_seq(None)?;
                for item in items {
                    list.serialize_element(&Value(item))?;
                }
                list.end()
            }
            Node::Map(entries) => serialize_map(entries, serializer),
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
