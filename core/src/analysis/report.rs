//! An analysis as text for a reader, and as JSON.

use super::{Analysis, Distribution, Estimate};
use crate::text::Text;

impl Analysis {
    /// A line for each figure, for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        self.conditions(text);
        line(text, "success");
        percent(text, self.success);
        for (reason, share) in self.reasons() {
            if share != Estimate::default() || reason == "gave up: attempts" {
                line(text, reason);
                percent(text, share);
            }
        }
        line(text, "attempts");
        count(text, self.attempts);
        text.text(" on average, ");
        at_most(text, self.most_attempts, |text, most| {
            text.number(most);
        });
        line(text, "load");
        count(text, self.attempts);
        text.text(" x");
        line(text, "longest call");
        at_most(text, self.worst_time, |text, worst| {
            text.time(worst);
        });
        self.stack(text);
        if (self.options.calls, self.options.repeats) != (1, 1) {
            line(text, "chain");
            percent(text, self.chain);
            text.text(" of ").number(self.options.calls).text(" calls, up to ").number(self.options.repeats);
            text.text(" times; ").percent(self.chain_without.value).text(" without retries");
        }
        self.times(text);
        if self.options.attempt_duration == 0 && self.timeout.is_some() {
            text.text("\nAttempts are taken to last no time: give attempt_duration to see what timeout does.\n");
        }
    }

    /// One object. Probabilities are numbers from 0 to 1, times whole microseconds.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.text("{\"failure_rate\":").decimal(options.failure_rate, 6);
        text.text(",\"attempt_duration_us\":").number(options.attempt_duration);
        text.text(",\"layers\":").number(options.layers);
        text.text(",\"calls\":").number(options.calls);
        text.text(",\"repeats\":").number(options.repeats);
        text.text(",\"timeout_us\":").or_null(self.timeout);
        text.text(",\"success\":");
        estimate(text, self.success, BILLIONTHS);
        text.text(",\"gave_up\":{\"attempts\":");
        estimate(text, self.by_attempts, BILLIONTHS);
        text.text(",\"class_attempts\":");
        estimate(text, self.by_class_attempts, BILLIONTHS);
        text.text(",\"timeout\":");
        estimate(text, self.by_timeout, BILLIONTHS);
        text.text("},\"unfinished\":");
        estimate(text, self.unfinished, BILLIONTHS);
        text.text(",\"attempts\":");
        estimate(text, self.attempts, MILLIONTHS);
        text.text(",\"most_attempts\":").or_null(self.most_attempts);
        text.text(",\"load\":");
        estimate(text, self.attempts, MILLIONTHS);
        text.text(",\"wait_us\":");
        spread(text, &self.wait);
        text.text(",\"added_latency_us\":");
        spread(text, &self.added_latency);
        text.text(",\"worst_time_us\":").or_null(self.worst_time);
        text.text(",\"amplification\":");
        estimate_or_null(text, self.amplification, MILLIONTHS);
        text.text(",\"worst_amplification\":").or_null(self.worst_amplification);
        text.text(",\"chain\":");
        estimate(text, self.chain, BILLIONTHS);
        text.text(",\"chain_without\":");
        estimate(text, self.chain_without, BILLIONTHS);
        text.text("}");
    }

    fn conditions(&self, text: &mut Text) {
        let rate = self.options.failure_rate.saturating_mul(1_000);
        match (self.options.failure_rate, self.options.attempt_duration) {
            (1_000_000, 0) => text.text("When every attempt fails"),
            (1_000_000, each) => text.text("When every attempt fails and takes ").time(each),
            (_, 0) => text.text("When ").percent(rate).text(" of attempts fail"),
            (_, each) => text.text("When ").percent(rate).text(" of attempts fail and each takes ").time(each),
        };
        text.text(":\n");
    }

    fn reasons(&self) -> [(&'static str, Estimate); 4] {
        [
            ("gave up: attempts", self.by_attempts),
            ("gave up: class", self.by_class_attempts),
            ("gave up: timeout", self.by_timeout),
            ("beyond 1000 attempts", self.unfinished),
        ]
    }

    fn times(&self, text: &mut Text) {
        text.text("\n\n");
        let heads = ["mean", "p50", "p90", "p99", "at most"];
        for (head, place) in heads.iter().zip(0..) {
            text.to(COLUMN + place * CELL).text(head);
        }
        row(text, "total wait", &self.wait);
        if self.added_latency != self.wait {
            row(text, "added latency", &self.added_latency);
        }
        text.text("\n");
    }

    fn stack(&self, text: &mut Text) {
        line(text, "layers");
        text.number(self.options.layers).text(" of them: ");
        match self.amplification.zip(self.worst_amplification) {
            Some((mean, worst)) => text.count(mean.value).text(" x, in an outage ").number(worst).text(" x the calls"),
            None => text.text("no limit to the calls"),
        };
    }
}

fn line(text: &mut Text, name: &str) {
    text.text("\n").text(name).to(COLUMN);
}

fn percent(text: &mut Text, share: Estimate) {
    text.percent(share.value);
    if share.error > 0 {
        text.text(" ± ").percent(share.error);
    }
}

fn count(text: &mut Text, number: Estimate) {
    text.count(number.value);
    // What three digits do not show is no error of theirs.
    if number.error >= 5_000 {
        text.text(" ± ").count(number.error);
    }
}

/// A row of a table, and the row of its errors if there are any.
fn row(text: &mut Text, name: &str, times: &Distribution) {
    let estimates = [times.mean, times.p50, times.p90, times.p99];
    line(text, name);
    for (time, place) in estimates.iter().zip(1..) {
        match time {
            Some(time) => text.time(time.value),
            None => text.text("not known"),
        };
        text.to(COLUMN + place * CELL);
    }
    match times.worst {
        Some(worst) => text.time(worst),
        None => text.text("no limit"),
    };
    if estimates.iter().flatten().all(|time| time.error == 0) {
        return;
    }
    text.text("\n").to(COLUMN - 2);
    for (time, place) in estimates.iter().zip(1..) {
        if let Some(time) = time.filter(|time| time.error > 0) {
            text.text("± ").time(time.error);
        }
        if place < estimates.len() {
            text.to(COLUMN - 2 + place * CELL);
        }
    }
}

fn at_most(text: &mut Text, most: Option<u64>, write: impl Fn(&mut Text, u64)) {
    match most {
        Some(most) => {
            text.text("at most ");
            write(text, most);
        }
        None => _ = text.text("no limit"),
    }
}

fn spread(text: &mut Text, times: &Distribution) {
    let mut before = "{\"";
    for (name, time) in [("mean", times.mean), ("p50", times.p50), ("p90", times.p90), ("p99", times.p99)] {
        text.text(before).text(name).text("\":");
        estimate_or_null(text, time, 0);
        before = ",\"";
    }
    text.text(",\"worst\":").or_null(times.worst).text("}");
}

fn estimate_or_null(text: &mut Text, number: Option<Estimate>, places: u32) {
    match number {
        Some(number) => estimate(text, number, places),
        None => _ = text.text("null"),
    }
}

fn estimate(text: &mut Text, number: Estimate, places: u32) {
    text.text("{\"value\":").decimal(number.value, places);
    text.text(",\"error\":").decimal(number.error, places).text("}");
}

const COLUMN: usize = 22;
const CELL: usize = 12;
const BILLIONTHS: u32 = 9;
const MILLIONTHS: u32 = 6;
