//! What changes from one policy to another, as a reviewer would put it: options, what becomes of calls, findings.

use crate::analysis::{Allowance, Analysis, Figure, Options, Room};
use crate::bounds::{Field, Kind, POLICY};
use crate::format::print_option;
use crate::lint::Finding;
use crate::policy::Policy;
use crate::settings::{BACKOFF, LIST};
use crate::text::Text;

/// The difference between two policies.
pub struct Difference<'p> {
    policies: [&'p Policy; 2],
    analyses: [Analysis; 2],
}

impl Policy {
    /// What changes from this policy to another, with both analysed under the same conditions.
    ///
    /// ```
    /// use undaunted::Policy;
    /// use undaunted::analysis::{Options, Room};
    ///
    /// let mut room: Box<Room> = vec![0; 1 << 20].into_boxed_slice().try_into().expect("8 MB");
    /// let (standard, interactive) = (Policy::standard(), Policy::preset("interactive").expect("a preset"));
    /// let mut text = Vec::new();
    /// let difference = standard.diff(&interactive, &Options::default(), &mut room);
    /// difference.text(&mut |piece| text.extend_from_slice(piece));
    /// assert!(String::from_utf8_lossy(&text).starts_with("attempts              10 → 3\n"));
    /// ```
    pub fn diff<'p>(&'p self, other: &'p Policy, options: &Options, room: &mut Room) -> Difference<'p> {
        let policies = [self, other];
        Difference { policies, analyses: policies.map(|policy| policy.analyse(options, room)) }
    }
}

impl Difference<'_> {
    /// A line for each change, for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let [before, after] = self.policies;
        let text = &mut Text::new(out);
        let mut is_same = true;
        for field in self.options() {
            text.text(field.name).to(COLUMN);
            write_option(before, field, text);
            text.text(" → ");
            write_option(after, field, text);
            text.text("\n");
            is_same = false;
        }
        let mut is_first = true;
        for (name, _, [before, after]) in self.figures() {
            if is_first {
                text.text("\n");
                self.analyses[0].conditions(text);
                text.text("\n");
                is_first = false;
            }
            text.text(name).to(COLUMN);
            before.write(text);
            text.text(" → ");
            after.write(text);
            text.text("\n");
        }
        for (sign, findings) in [("+ ", [after, before]), ("- ", [before, after])] {
            new_findings(findings, &mut |finding| {
                text.text("\n").text(sign).text(finding.level.as_str()).text("  ").text(finding.code).text("  ");
                finding.pointer(&mut |piece| _ = text.bytes(piece));
                text.text("\n    ");
                finding.text(&mut |piece| _ = text.bytes(piece));
                text.text("\n");
            });
        }
        if is_same {
            text.text("no difference\n");
        }
    }

    /// One object: the options that changed, the figures that did, findings that came and went.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let [before, after] = self.policies;
        let text = &mut Text::new(out);
        let conditions = &self.analyses[0].options;
        text.text("{\"options\":[");
        let mut separator = "";
        for field in self.options() {
            text.text(separator).text("{\"option\":\"").text(field.name).text("\",\"before\":");
            write_option_json(before, field, text);
            text.text(",\"after\":");
            write_option_json(after, field, text);
            text.text("}");
            separator = ",";
        }
        text.text("],\"failure_rate\":").decimal(conditions.failure_rate, 6);
        text.text(",\"attempt_duration_us\":").number(conditions.attempt_duration).text(",\"figures\":[");
        separator = "";
        for (_, name, [before, after]) in self.figures() {
            text.text(separator).text("{\"figure\":\"").text(name).text("\",\"before\":");
            before.write_json(text);
            text.text(",\"after\":");
            after.write_json(text);
            text.text("}");
            separator = ",";
        }
        text.text("]");
        for (name, findings) in [("new", [after, before]), ("gone", [before, after])] {
            text.text(",\"").text(name).text("\":[");
            separator = "";
            new_findings(findings, &mut |finding| {
                text.text(separator);
                finding.json(&mut |piece| _ = text.bytes(piece));
                separator = ",";
            });
            text.text("]");
        }
        text.text("}");
    }

    /// The options whose values are not the same.
    fn options(&self) -> impl Iterator<Item = &'static Field> {
        let [before, after] = self.policies;
        POLICY.fields.iter().filter(move |field| {
            let is_other_list = match field.kind {
                // Elsewhere they follow from the other options.
                Kind::Delays => before.settings[BACKOFF] == LIST && before.delays != after.delays,
                Kind::Rules => before.rules != after.rules,
                Kind::Map(map) => map.named().is_some_and(|what| before.name(what) != after.name(what)),
                _ => false,
            };
            is_other_list || before.settings.get(field.places()) != after.settings.get(field.places())
        })
    }

    /// The figures that differ beyond their errors, and where a reader sees it.
    fn figures(&self) -> impl Iterator<Item = (&'static str, &'static str, [Figure; 2])> {
        let [before, after] = self.analyses;
        // Without a duration of attempts, what is added is what is waited.
        let is_one = before.options.attempt_duration == 0;
        let has_budget = [before, after].iter().any(|analysis| analysis.allowance != Allowance::None);
        let pairs = before.figures().into_iter().zip(after.figures());
        pairs.map(|((name, key, before), (_, _, after))| (name, key, [before, after])).filter(
            move |(_, key, figures)| {
                let [before, after] = *figures;
                let is_repeated = is_one && key.starts_with("added_latency");
                // Without budgets, these two follow from the attempts.
                let is_repeated = is_repeated || !has_budget && ["sustained_load", "outage_load"].contains(key);
                let is_same = before.may_equal(after) || Seen::of(before) == Seen::of(after);
                !is_repeated && !is_same
            },
        )
    }
}

/// Findings of the first policy that the second has not.
fn new_findings([policy, other]: [&Policy; 2], tell: &mut dyn FnMut(&Finding)) {
    policy.lint(&mut |finding| {
        let mut is_old = false;
        other.lint(&mut |known| is_old |= known.is_like(finding));
        if !is_old {
            tell(finding);
        }
    });
}

/// An option for a reader: single values without the quotes of JSON.
fn write_option(policy: &Policy, field: &Field, text: &mut Text) {
    let mut quote = None;
    let mut is_there = false;
    print_option(policy, field, &mut |piece| {
        is_there = true;
        for byte in piece {
            let is_quoted = *quote.get_or_insert(*byte == b'"');
            if !(is_quoted && *byte == b'"') {
                text.bytes(core::slice::from_ref(byte));
            }
        }
    });
    if !is_there {
        text.text("none");
    }
}

fn write_option_json(policy: &Policy, field: &Field, text: &mut Text) {
    let mut is_there = false;
    print_option(policy, field, &mut |piece| {
        is_there = true;
        text.bytes(piece);
    });
    if !is_there {
        text.text("null");
    }
}

/// The letters of a figure, as a reader sees them.
#[derive(PartialEq, Eq)]
struct Seen([u8; 32]);

impl Seen {
    fn of(figure: Figure) -> Seen {
        let mut letters = [0; 32];
        let mut places = letters.iter_mut();
        let mut keep = |piece: &[u8]| piece.iter().zip(places.by_ref()).for_each(|(byte, place)| *place = *byte);
        figure.write(&mut Text::new(&mut keep));
        Seen(letters)
    }
}

const COLUMN: usize = 22;
