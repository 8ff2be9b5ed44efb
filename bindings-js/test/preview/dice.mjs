// Random states of the page, the same for a seed.

/** Numbers from 0 to 1 (SplitMix32). */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

export function pick(roll, list) {
  return list[Math.floor(roll() * list.length)];
}

/** What an address has to carry whole: signs that mean something there, spaces, other alphabets, text of all lengths. */
const PIECES = ["&", "=", "#", "%", "%25", "+", " ", "\n", "\t", "\r\n", "\0", "\\", "\"", "'", "<b>", "a", "7", "ß", "ж", "漢", "𝛌", "👩‍🔧", "\u2028", "\ufeff", "=&=", "a=1&b=2", "?", "/"];

export function anyText(roll) {
  return Array.from({ length: Math.floor(roll() ** 3 * 40) }, () => pick(roll, PIECES)).join("");
}

const TIMES = ["0s", "1ms", "250ms", "1s", "2.5s", "10s", "45s", "2m", "1h"];
const JITTERS = ["none", "full", "equal", "decorrelated", { proportional: 0.2 }, { additive: "1s" }];

/** The text of a policy file, mostly right. */
export function anyPolicy(roll) {
  const policy = {};
  const say = (name, value) => roll() < 0.4 && (policy[name] = value);
  say("preset", pick(roll, ["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"]));
  say("attempts", Math.floor(roll() * 12));
  say("timeout", roll() < 0.2 ? null : pick(roll, TIMES));
  say("attempt_timeout", pick(roll, TIMES));
  say("initial", pick(roll, TIMES));
  say("max_delay", pick(roll, TIMES));
  say("jitter", pick(roll, JITTERS));
  say("budget", roll() < 0.5 ? "upstream" : { name: anyText(roll) || "n", capacity: Math.ceil(roll() * 1000) });
  return JSON.stringify(policy, null, Math.floor(roll() * 4));
}
