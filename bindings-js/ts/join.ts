// Signals joined to one that may live as long as the process. In Node `AbortSignal.any` leaves something on its sources for every signal
// that it makes (nodejs/node issues 54614 and 64476), and lets the collector take a timeout of which only such signals know. So a relay
// stands between: it goes once the signals that it was joined to are gone, and until then these keep the caller's.

/** For one caller's signal; the one that listens to it. */
class Relay {
  readonly controller = new AbortController();
  readonly weak = new WeakRef(this);
  /** How many were joined by it, and how many of these are still there. */
  joined = 0;
  left = 0;

  constructor(readonly signal: AbortSignal) {
    relays.set(signal, this);
    signal.addEventListener("abort", this, { once: true });
  }

  handleEvent(): void {
    this.controller.abort(this.signal.reason);
  }
}

const relays = /* @__PURE__ */ new WeakMap<AbortSignal, Relay>();
/** What a joined signal keeps. */
const kept = /* @__PURE__ */ new WeakMap<AbortSignal, Relay>();
const gone = /* @__PURE__ */ new FinalizationRegistry<WeakRef<Relay>>((weak) => {
  const relay = weak.deref();
  if (!relay || --relay.left) return;
  relay.signal.removeEventListener("abort", relay);
  if (relays.get(relay.signal) === relay) relays.delete(relay.signal);
});

/** A signal that aborts with either, with its reason. */
export function join(signal: AbortSignal, own: AbortSignal): AbortSignal {
  if (signal.aborted) return AbortSignal.any([signal, own]);
  let relay = relays.get(signal);
  if (!relay || relay.joined === MOST) relay = new Relay(signal);
  const joined = AbortSignal.any([relay.controller.signal, own]);
  relay.joined++;
  relay.left++;
  kept.set(joined, relay);
  gone.register(joined, relay.weak);
  return joined;
}

/** So many leave something on a relay. */
const MOST = 1000;
