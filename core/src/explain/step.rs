//! A failure in a few words, as scripts and command lines have it: `503`, `reset`, `429 + hint 2s`, `postgres 40001`.

use crate::failure::Domain;
use crate::format::print_text;
use crate::text::{Text, cut};
use crate::words::{Parts, position};

/// Writes the failure that a text stands for, as [`Script`](super::Script) takes it in JSON; `"ok"` for an attempt that succeeds. If
/// it stands for none, writes a sentence that says so, and answers false.
///
/// First what failed: an HTTP status, a word of the list, the name of an errno, or a domain and its code. Then, each after a `+`, what
/// else is known: `hint 2s`, `takes 5s`, `method POST`, `key` (an idempotency key), `connect` (nothing was sent yet), and at the end
/// `body` with the text of it.
///
/// ```
/// let mut json = Vec::new();
/// assert!(undaunted::explain::step("429 + hint 2s", &mut |piece| json.extend_from_slice(piece)));
/// assert_eq!(json, br#"{"http":429,"hint":"2s"}"#);
/// ```
pub fn step(text: &str, out: &mut dyn FnMut(&[u8])) -> bool {
    let is_right = is_step(text);
    let writer = &mut Text::new(out);
    if !is_right {
        writer.text("the failure is ");
        print_text(text.as_bytes(), &mut |piece| _ = writer.bytes(piece));
        writer.text(", allowed a status, ok");
        Parts::words(WORDS).for_each(|word| _ = writer.text(", ").text(word));
        writer.text(", an errno's name, or a domain and its code, then + hint 2s, + takes 5s, + method POST, + key, + connect, + body ...");
        writer.text("; correct it");
        return false;
    }
    if text.trim_ascii() == OK {
        writer.text("\"ok\"");
        return true;
    }
    let (code, rest) = split(text);
    writer.text("{");
    if let Some((domain, code)) = code_of(code) {
        writer.text("\"").text(domain.as_str()).text("\":");
        match is_number(code) && !has_text(domain) {
            true => _ = writer.text(code),
            false => print_text(code.as_bytes(), &mut |piece| _ = writer.bytes(piece)),
        }
    }
    each(rest, &mut |name, value| {
        writer.text(",");
        match name {
            "key" => _ = writer.text("\"idempotency_key\":true"),
            "connect" => _ = writer.text("\"phase\":\"connect\""),
            _ => {
                writer.text("\"").text(if name == "takes" { "duration" } else { name }).text("\":");
                print_text(value.as_bytes(), &mut |piece| _ = writer.bytes(piece));
            }
        }
        true
    });
    writer.text("}");
    true
}

fn is_step(text: &str) -> bool {
    let (code, rest) = split(text);
    if code == OK {
        return rest.is_none();
    }
    // Each may be said once.
    let mut said = 0_u32;
    let mut is_right = code_of(code).is_some();
    each(rest, &mut |name, value| {
        let place = position(FACTS, name.as_bytes());
        let is_bare = matches!(name, "key" | "connect");
        let is_new = place.is_some_and(|place| said & (1 << place) == 0);
        said |= place.map_or(0, |place| 1 << place);
        is_right &= is_new && is_bare == value.is_empty();
        is_right
    });
    is_right
}

/// What failed, and what is said of it.
fn split(text: &str) -> (&str, Option<&str>) {
    let (code, rest) = cut(text, b'+');
    (code.trim_ascii(), rest)
}

/// Each fact after the code by name and value, until one is refused. A body goes on to the end.
fn each(rest: Option<&str>, tell: &mut dyn FnMut(&str, &str) -> bool) {
    let mut rest = rest;
    while let Some(text) = rest {
        let text = text.trim_ascii_start();
        let is_body = text.strip_prefix("body").is_some_and(|value| value.starts_with(' '));
        let (fact, after) = if is_body { (text, None) } else { cut(text, b'+') };
        let (name, value) = cut(fact.trim_ascii_end(), b' ');
        let value = value.unwrap_or("");
        if !tell(name, value.trim_ascii_start()) {
            return;
        }
        rest = after;
    }
}

fn code_of(text: &str) -> Option<(Domain, &str)> {
    if let (domain, Some(code)) = cut(text, b' ') {
        let domain = Domain::from_number(position(Domain::WORDS, domain.as_bytes())? as u32)?;
        let code = code.trim_ascii_start();
        let is_right = !code.is_empty() && (domain != Domain::Http || is_status(code));
        return is_right.then_some((domain, code));
    }
    if is_status(text) {
        return Some((Domain::Http, text));
    }
    if let Some(place) = position(WORDS, text.as_bytes()) {
        let (domain, code) = cut(Parts::lines(CODES).nth(place)?, b' ');
        return Some((Domain::from_number(position(Domain::WORDS, domain.as_bytes())? as u32)?, code?));
    }
    let is_errno = text.len() > 1
        && text.starts_with('E')
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_errno.then_some((Domain::Os, text))
}

fn is_status(text: &str) -> bool {
    is_number(text) && text.len() == 3 && matches!(text.as_bytes().first(), Some(b'1'..=b'5'))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Domains whose codes are text even if they look like numbers.
fn has_text(domain: Domain) -> bool {
    matches!(domain, Domain::Postgres | Domain::Redis | Domain::Aws)
}

const OK: &str = "ok";
const WORDS: &str = "reset refused closed unreachable timeout dns ";
/// Of the words, in their order.
const CODES: &str = "os ECONNRESET\nos ECONNREFUSED\nos EPIPE\nos EHOSTUNREACH\nos ETIMEDOUT\ndns EAI_AGAIN\n";
const FACTS: &str = "hint takes method key connect body ";
