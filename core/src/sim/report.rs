//! What a simulation came to, as text for a reader and as JSON.

use super::crowd::Crowd;
use super::{Arrivals, Herd, Layers, Load, Loss, Outage};
use crate::call::Reason;
use crate::text::Text;

/// The fullest window: its number, and how many retries or attempts arrived in it.
type Peak = (u64, u64);

impl Herd {
    /// A line for each figure, for a reader. `arrivals` is the histogram that the herd was made with.
    pub fn text(&self, arrivals: &[Arrivals], out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.grouped(options.clients).text(" clients fail together");
        if options.processes > 1 {
            text.text(", in ").grouped(options.processes).text(" processes");
        }
        match options.outage {
            None => text.text("; the server goes on failing"),
            Some(outage) => text.text("; the server fails for ").time(outage),
        };
        status(text, options.status, options.hint);
        if let (Some(_), Some(capacity)) = (options.outage, options.capacity) {
            text.text(", then answers ").grouped(capacity).text(" requests in ").time(options.window);
        }
        text.text(":\n");
        for (retry, peak) in self.peaks(arrivals) {
            text.text("\nretry ").number(retry + 1).to(COLUMN);
            self.peak(text, peak);
        }
        line(text, "all retries");
        self.peak(text, self.fullest(arrivals, None));
        self.crowd.outcome(text);
        line(text, "attempts");
        self.crowd.per(text, options.clients, "client");
        line(text, "last attempt");
        text.text("after ").time(self.last_at).text("\n");
    }

    /// One object: counts, times in whole microseconds, the histogram up to its last window that is not empty.
    pub fn json(&self, arrivals: &[Arrivals], out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.text("{\"clients\":").number(options.clients);
        seed(text, self.crowd.seed);
        text.text(",\"window_us\":").number(options.window);
        text.text(",\"windows\":").number(options.windows);
        text.text(",\"outage_us\":").or_null(options.outage);
        text.text(",\"capacity\":").or_null(options.capacity);
        text.text(",\"processes\":").number(options.processes);
        text.text(",\"status\":").number(options.status);
        text.text(",\"hint_us\":").or_null(options.hint);
        text.text(",\"attempts\":").number(self.crowd.attempts);
        self.crowd.json_outcome(text);
        text.text(",\"last_at_us\":").number(self.last_at);
        text.text(",\"peak\":");
        self.json_peak(text, None, self.fullest(arrivals, None));
        text.text(",\"peaks\":[");
        for (retry, peak) in self.peaks(arrivals) {
            text.text(if retry == 0 { "" } else { "," });
            self.json_peak(text, Some(retry + 1), peak);
        }
        text.text("],\"arrivals\":[");
        let windows = || self.windows(arrivals).map(sum);
        let len = windows().zip(1..).filter(|(count, _)| *count > 0).map(|(_, end)| end).last().unwrap_or(0);
        for (count, place) in windows().take(len).zip(0..) {
            text.text(if place == 0 { "" } else { "," }).number(count);
        }
        text.text("]}");
    }

    /// Of each retry, from 0, that arrived at all.
    fn peaks<'a>(&'a self, arrivals: &'a [Arrivals]) -> impl Iterator<Item = (u64, Peak)> + 'a {
        let peaks = (0..super::RETRIES).zip(0..).map(|(retry, number)| (number, self.fullest(arrivals, Some(retry))));
        peaks.take_while(|(_, (_, count))| *count > 0)
    }

    fn fullest(&self, arrivals: &[Arrivals], retry: Option<usize>) -> Peak {
        fullest(self.windows(arrivals).map(|window| match retry {
            None => sum(window),
            Some(retry) => window.get(retry).copied().unwrap_or(0).into(),
        }))
    }

    fn windows<'a>(&self, arrivals: &'a [Arrivals]) -> impl Iterator<Item = &'a Arrivals> + 'a {
        arrivals.iter().take(self.options.windows as usize)
    }

    fn peak(&self, text: &mut Text, (window, count): Peak) {
        text.grouped(count).text(" of ").grouped(self.options.clients);
        text.text(" in the worst ").time(self.options.window);
        if count > 0 {
            text.text(", after ").time(window.saturating_mul(self.options.window));
        }
    }

    fn json_peak(&self, text: &mut Text, retry: Option<u64>, (window, count): Peak) {
        text.text("{");
        if let Some(retry) = retry {
            text.text("\"retry\":").number(retry).text(",");
        }
        text.text("\"at_us\":").number(window.saturating_mul(self.options.window));
        text.text(",\"arrivals\":").number(count).text("}");
    }
}

impl Crowd {
    fn outcome(&self, text: &mut Text) {
        outcome(text, self.succeeded, &self.gave_up, self.unfinished);
    }

    fn json_outcome(&self, text: &mut Text) {
        json_outcome(text, self.succeeded, &self.gave_up, self.unfinished);
    }

    /// All attempts, and how many they are for each of so many.
    fn per(&self, text: &mut Text, count: u64, of: &str) {
        text.grouped(self.attempts).text(", ").count(ratio(self.attempts, count)).text(" for each ").text(of);
    }
}

impl Outage {
    /// A line for each figure, for a reader. `load` is the histogram that the simulation was made with.
    pub fn text(&self, load: &[Load], out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.grouped(options.calls()).text(" calls begin in ").time(options.duration);
        if options.processes > 1 {
            text.text(", in ").grouped(options.processes).text(" processes");
        }
        text.text("; after ").time(options.outage_at).text(" the server fails for ").time(options.outage);
        status(text, options.status, options.hint);
        if let Some(capacity) = options.capacity {
            text.text(", else answers ").grouped(capacity).text(" requests in ").time(options.window);
        }
        text.text(":\n");
        self.crowd.outcome(text);
        line(text, "attempts");
        self.crowd.per(text, options.calls(), "call");
        line(text, "retries");
        text.grouped(self.retries(load));
        if let Some(in_outage) = self.load_in_outage() {
            line(text, "in the outage");
            text.count(in_outage).text(" attempts for each call");
        }
        let (at, attempts) = self.fullest(load);
        line(text, "at most");
        text.grouped(attempts).text(" attempts in ").time(options.window).text(", after ").time(at);
        line(text, "recovered");
        match self.recovered_at(load) {
            Some(at) => text.text("after ").time(at),
            None => text.text("never"),
        };
        text.text("\n");
    }

    /// One object: counts, times in whole microseconds, the histogram of every window.
    pub fn json(&self, load: &[Load], out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.text("{\"calls\":").number(options.calls());
        seed(text, self.crowd.seed);
        text.text(",\"calls_per_second\":").decimal(options.calls_per_second, 6);
        text.text(",\"duration_us\":").number(options.duration);
        text.text(",\"outage_at_us\":").number(options.outage_at);
        text.text(",\"outage_us\":").number(options.outage);
        text.text(",\"capacity\":").or_null(options.capacity);
        text.text(",\"window_us\":").number(options.window);
        text.text(",\"processes\":").number(options.processes);
        text.text(",\"status\":").number(options.status);
        text.text(",\"hint_us\":").or_null(options.hint);
        text.text(",\"attempts\":").number(self.crowd.attempts);
        text.text(",\"total_retries\":").number(self.retries(load));
        self.crowd.json_outcome(text);
        let (at, attempts) = self.fullest(load);
        text.text(",\"peak\":{\"at_us\":").number(at).text(",\"attempts\":").number(attempts);
        text.text("},\"load_in_outage\":");
        match self.load_in_outage() {
            Some(in_outage) => text.decimal(in_outage, 6),
            None => text.text("null"),
        };
        text.text(",\"recovered_at_us\":").or_null(self.recovered_at(load));
        for (place, name) in ["first", "retries", "served"].iter().enumerate() {
            text.text(",\"").text(name).text("\":");
            let mut before = "[";
            for window in self.windows(load) {
                text.text(before).number(window.get(place).copied().unwrap_or(0).into());
                before = ",";
            }
            text.text("]");
        }
        text.text("}");
    }

    fn windows<'a>(&self, load: &'a [Load]) -> impl Iterator<Item = &'a Load> + 'a {
        load.iter().take(self.options.windows() as usize)
    }

    fn retries(&self, load: &[Load]) -> u64 {
        self.windows(load).fold(0, |sum, [_, retries, _]| sum + u64::from(*retries))
    }

    /// The fullest window: when it begins, and how many attempts reached the server in it.
    fn fullest(&self, load: &[Load]) -> Peak {
        let (window, attempts) = fullest(self.windows(load).map(requests));
        (window.saturating_mul(self.options.window), attempts)
    }

    /// Attempts during the outage for each call that began then, in millionths; None if none did.
    fn load_in_outage(&self) -> Option<u64> {
        let calls = Some(self.options.calls_in_outage()).filter(|calls| *calls > 0)?;
        Some(ratio(self.attempts_in_outage, calls))
    }

    /// When the first window begins, not before the end of the outage, from which on the server answers all well.
    fn recovered_at(&self, load: &[Load]) -> Option<u64> {
        let end = self.options.outage_end().div_ceil(self.options.window.max(1));
        let failing = self.windows(load).zip(1..).filter(|(window, _)| requests(window) > u64::from(window[2]));
        let window = failing.map(|(_, next)| next).last().unwrap_or(0).max(end);
        (window < self.options.windows()).then(|| window.saturating_mul(self.options.window))
    }
}

impl Loss {
    /// A line for each figure, for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.grouped(options.trials).text(" chains of ").grouped(options.calls).text(" calls, each tried ");
        up_to(text, options.repeats);
        text.text(", each call ");
        up_to(text, options.attempts);
        text.text(":\n");
        line(text, "succeeded");
        text.grouped(self.succeeded).text(", ").percent(share(self.succeeded, options.trials));
        line(text, "by formula");
        text.percent(options.by_formula());
        line(text, "requests");
        text.grouped(self.requests).text(", ");
        text.count(ratio(self.requests, options.trials)).text(" for each chain");
        line(text, "lost");
        text.grouped(self.lost).text(", ").percent(share(self.lost, self.requests)).text("\n");
    }

    /// One object; probabilities are numbers from 0 to 1.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.text("{\"p\":").decimal(options.p, 6);
        text.text(",\"r\":").decimal(options.r, 6);
        text.text(",\"h\":").decimal(options.h, 6);
        text.text(",\"k\":").decimal(options.k, 6);
        text.text(",\"calls\":").number(options.calls);
        text.text(",\"repeats\":").number(options.repeats);
        text.text(",\"attempts\":").number(options.attempts);
        text.text(",\"trials\":").number(options.trials);
        seed(text, self.seed);
        text.text(",\"succeeded\":").number(self.succeeded);
        text.text(",\"by_formula\":").decimal(options.by_formula(), 9);
        text.text(",\"requests\":").number(self.requests);
        text.text(",\"lost\":").number(self.lost).text("}");
    }
}

impl Layers {
    /// A line for each figure, for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.grouped(options.calls).text(" calls through ").number(options.layers).text(" layers that retry, ");
        text.percent(options.failure_rate.saturating_mul(1_000)).text(" of requests at the bottom fail");
        text.text(" with HTTP ").number(options.status);
        if let Some(hint) = options.hint {
            text.text(" and ask for ").time(hint);
        }
        text.text(":\n");
        for (attempts, layer) in self.attempts().zip(1..) {
            text.text("\nlayer ").number(layer).to(COLUMN).grouped(attempts).text(" attempts");
        }
        line(text, "at the bottom");
        text.count(ratio(self.at_bottom(), options.calls))
            .text(" x the calls, ")
            .grouped(self.most)
            .text(" for the worst");
        outcome(text, self.succeeded, &self.gave_up, self.unfinished);
        line(text, "one after the other");
        text.text("in ").time(self.now).text("\n");
    }

    /// One object; times in whole microseconds.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let options = &self.options;
        text.text("{\"layers\":").number(options.layers);
        text.text(",\"calls\":").number(options.calls);
        text.text(",\"failure_rate\":").decimal(options.failure_rate, 6);
        text.text(",\"status\":").number(options.status);
        text.text(",\"hint_us\":").or_null(options.hint);
        seed(text, self.seed);
        json_outcome(text, self.succeeded, &self.gave_up, self.unfinished);
        text.text(",\"attempts\":[");
        for (attempts, layer) in self.attempts().zip(0..) {
            text.text(if layer == 0 { "" } else { "," }).number(attempts);
        }
        text.text("],\"at_bottom\":").number(self.at_bottom());
        text.text(",\"most_at_bottom\":").number(self.most);
        text.text(",\"amplification\":").decimal(ratio(self.at_bottom(), options.calls), 6);
        text.text(",\"elapsed_us\":").number(self.now).text("}");
    }

    fn attempts(&self) -> impl Iterator<Item = u64> + '_ {
        self.attempts.iter().copied().take(self.options.layers as usize)
    }

    fn at_bottom(&self) -> u64 {
        self.attempts().last().unwrap_or(0)
    }
}

/// What calls came to; reasons that did not occur are left out.
fn outcome(text: &mut Text, succeeded: u64, gave_up: &[u64], unfinished: u64) {
    line(text, "succeeded");
    text.grouped(succeeded);
    for (reason, count) in Reason::NAMES.iter().zip(gave_up) {
        if *count > 0 {
            text.text("\ngave up: ").text(reason).to(COLUMN).grouped(*count);
        }
    }
    if unfinished > 0 {
        line(text, "unfinished");
        text.grouped(unfinished);
    }
}

fn json_outcome(text: &mut Text, succeeded: u64, gave_up: &[u64], unfinished: u64) {
    text.text(",\"succeeded\":").number(succeeded).text(",\"gave_up\":{");
    for ((reason, count), place) in Reason::NAMES.iter().zip(gave_up).zip(0..) {
        text.text(if place == 0 { "\"" } else { ",\"" }).text(reason).text("\":").number(*count);
    }
    text.text("},\"unfinished\":").number(unfinished);
}

/// What a failure is, and the wait that it asks for.
fn status(text: &mut Text, status: u64, hint: Option<u64>) {
    text.text(" with HTTP ").number(status);
    if let Some(hint) = hint {
        text.text(", asks for ").time(hint);
    }
}

/// As text: 64 bits are more than numbers of JSON hold everywhere.
fn seed(text: &mut Text, seed: u64) {
    text.text(",\"seed\":\"").number(seed).text("\"");
}

fn line(text: &mut Text, name: &str) {
    text.text("\n").text(name).to(COLUMN);
}

fn up_to(text: &mut Text, times: u64) {
    match times {
        1 => text.text("once"),
        _ => text.text("up to ").grouped(times).text(" times"),
    };
}

/// The first of the fullest windows.
fn fullest(counts: impl Iterator<Item = u64>) -> Peak {
    (0..).zip(counts).fold((0, 0), |best: Peak, next| if next.1 > best.1 { next } else { best })
}

fn requests([first, retries, _]: &Load) -> u64 {
    u64::from(*first) + u64::from(*retries)
}

fn sum(window: &Arrivals) -> u64 {
    window.iter().fold(0, |sum, count| sum + u64::from(*count))
}

/// In millionths.
fn ratio(count: u64, of: u64) -> u64 {
    count.saturating_mul(1_000_000).checked_div(of).unwrap_or(0)
}

/// In billionths.
fn share(count: u64, of: u64) -> u64 {
    count.saturating_mul(1_000_000_000).checked_div(of).unwrap_or(0)
}

const COLUMN: usize = 22;
