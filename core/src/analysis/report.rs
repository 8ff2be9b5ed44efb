//! An analysis as text for a reader, and as JSON.

use super::{Allowance, Analysis, Distribution, Estimate, QUANTILES};
use crate::failure::Class;
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
        self.budget(text);
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
        text.text(",\"class\":\"").text(options.class.as_str()).text("\",\"calls_per_second\":");
        match options.calls_per_second {
            Some(rate) => text.decimal(rate, 6),
            None => text.text("null"),
        };
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
        text.text(",\"outage_burst\":").or_null(self.outage_burst);
        text.text(",\"sustained_load\":");
        estimate_or_null(text, self.sustained_load, MILLIONTHS);
        text.text(",\"outage_load\":");
        estimate_or_null(text, self.outage_load, MILLIONTHS);
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

    pub(crate) fn conditions(&self, text: &mut Text) {
        let rate = self.options.failure_rate.saturating_mul(1_000);
        match (self.options.failure_rate, self.options.attempt_duration) {
            (1_000_000, 0) => text.text("When every attempt fails"),
            (1_000_000, each) => text.text("When every attempt fails and takes ").time(each),
            (_, 0) => text.text("When ").percent(rate).text(" of attempts fail"),
            (_, each) => text.text("When ").percent(rate).text(" of attempts fail and each takes ").time(each),
        };
        if self.options.class != Class::Transient {
            text.text(", class ").text(self.options.class.as_str());
        }
        text.text(":\n");
    }

    /// The figures that a reviewer compares, in the order of the text: a name for readers, one for programs, and what it is.
    pub(crate) fn figures(&self) -> [(&'static str, &'static str, Figure); 15] {
        let worst = |time: Option<u64>| Figure::Time(time.map(|value| Estimate { value, error: 0 }));
        let shared = |figure| if self.allowance == Allowance::Elsewhere { Figure::Unknown } else { figure };
        let burst = self.outage_burst.map(|value| Estimate { value, error: 0 });
        [
            ("success", "success", Figure::Share(self.success)),
            ("gave up: timeout", "gave_up_timeout", Figure::Share(self.by_timeout)),
            ("attempts on average", "attempts", Figure::Count(Some(self.attempts))),
            ("outage burst", "outage_burst", shared(Figure::Whole(burst))),
            ("sustained load", "sustained_load", shared(Figure::Count(self.sustained_load))),
            ("load in an outage", "outage_load", shared(Figure::Count(self.outage_load))),
            ("mean total wait", "wait_mean_us", Figure::Time(self.wait.mean)),
            ("p50 total wait", "wait_p50_us", Figure::Time(self.wait.p50)),
            ("p90 total wait", "wait_p90_us", Figure::Time(self.wait.p90)),
            ("p99 total wait", "wait_p99_us", Figure::Time(self.wait.p99)),
            ("longest total wait", "wait_worst_us", worst(self.wait.worst)),
            ("p50 added latency", "added_latency_p50_us", Figure::Time(self.added_latency.p50)),
            ("p90 added latency", "added_latency_p90_us", Figure::Time(self.added_latency.p90)),
            ("p99 added latency", "added_latency_p99_us", Figure::Time(self.added_latency.p99)),
            ("longest call", "worst_time_us", worst(self.worst_time)),
        ]
    }

    fn budget(&self, text: &mut Text) {
        match self.allowance {
            Allowance::None => {}
            Allowance::Elsewhere => {
                line(text, "budget");
                text.text("made elsewhere: what it allows is not known");
            }
            Allowance::Own => {
                line(text, "outage burst");
                at_most(text, self.outage_burst, |text, retries| {
                    text.number(retries).text(if retries == 1 { " retry" } else { " retries" });
                });
                line(text, "sustained load");
                if let Some(load) = self.sustained_load {
                    count(text, load);
                    text.text(" x");
                }
                if let Some(rate) = self.options.calls_per_second {
                    text.text(" at ").count(rate).text(" calls a second");
                }
                text.text(", in a long outage ");
                match self.outage_load {
                    Some(load) => text.count(load.value).text(" x"),
                    None => text.text("without limit"),
                };
            }
        }
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
        if let Some((waits, latencies)) = self.wait.quantiles.zip(self.added_latency.quantiles) {
            self.shares(text, &waits, &latencies);
        }
    }

    fn shares(&self, text: &mut Text, waits: &[Option<Estimate>], latencies: &[Option<Estimate>]) {
        text.text("\nshare of calls").to(COLUMN).text("total wait");
        if waits != latencies {
            text.to(COLUMN + CELL).text("added latency");
        }
        for ((share, wait), latency) in QUANTILES.iter().zip(waits).zip(latencies) {
            text.text("\n").percent(share * SHARE).to(COLUMN);
            for (time, place) in [wait, latency].into_iter().zip(0..).take(if waits == latencies { 1 } else { 2 }) {
                text.to(COLUMN + place * CELL);
                match time {
                    Some(time) => text.time(time.value),
                    None => text.text("not known"),
                };
            }
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

/// A figure and its kind.
#[derive(Clone, Copy)]
pub(crate) enum Figure {
    Share(Estimate),
    /// In millionths.
    Count(Option<Estimate>),
    Whole(Option<Estimate>),
    Time(Option<Estimate>),
    /// Nobody knows.
    Unknown,
}

impl Figure {
    /// As a reader sees it, without its error.
    pub fn write(self, text: &mut Text) {
        match self {
            Figure::Share(share) => text.percent(share.value),
            Figure::Count(Some(count)) => text.count(count.value),
            Figure::Whole(Some(number)) => text.number(number.value),
            Figure::Time(Some(time)) => text.time(time.value),
            Figure::Count(None) | Figure::Whole(None) | Figure::Time(None) => text.text("no limit"),
            Figure::Unknown => text.text("not known"),
        };
    }

    pub fn write_json(self, text: &mut Text) {
        match self {
            Figure::Share(share) => estimate(text, share, BILLIONTHS),
            Figure::Count(count) => estimate_or_null(text, count, MILLIONTHS),
            Figure::Whole(number) | Figure::Time(number) => estimate_or_null(text, number, 0),
            Figure::Unknown => _ = text.text("null"),
        }
    }

    /// Whether two figures may be one and the same.
    pub fn may_equal(self, other: Figure) -> bool {
        match (self.estimate(), other.estimate()) {
            (Some(one), Some(other)) => one.value.abs_diff(other.value) <= one.error.saturating_add(other.error),
            // No limit and not known are not the same.
            (None, None) => matches!(self, Figure::Unknown) == matches!(other, Figure::Unknown),
            _ => false,
        }
    }

    fn estimate(self) -> Option<Estimate> {
        match self {
            Figure::Share(number) => Some(number),
            Figure::Count(number) | Figure::Whole(number) | Figure::Time(number) => number,
            Figure::Unknown => None,
        }
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
    text.text(",\"worst\":").or_null(times.worst);
    if let Some(quantiles) = &times.quantiles {
        let mut before = ",\"quantiles\":{\"";
        for (share, time) in QUANTILES.iter().zip(quantiles) {
            text.text(before).decimal(*share, 4).text("\":");
            estimate_or_null(text, *time, 0);
            before = ",\"";
        }
        text.text("}");
    }
    text.text("}");
}

fn estimate_or_null(text: &mut Text, number: Option<Estimate>, places: u32) {
    match number {
        Some(number) => estimate(text, number, places),
        None => _ = text.text("null"),
    }
}

pub(super) fn estimate(text: &mut Text, number: Estimate, places: u32) {
    text.text("{\"value\":").decimal(number.value, places);
    text.text(",\"error\":").decimal(number.error, places).text("}");
}

const COLUMN: usize = 22;
const CELL: usize = 12;
/// From ten-thousandths to billionths.
const SHARE: u64 = 100_000;
const BILLIONTHS: u32 = 9;
const MILLIONTHS: u32 = 6;
