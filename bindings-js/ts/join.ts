// Signals joined to one that may live as long as the process. In Node `AbortSignal.any` leaves something on its sources for every signal
// that it makes (nodejs/node issues 54614 and 64476), and lets the collector take a timeout of which only such signals know. So a relay
// stands between: it goes once the signals that it was joined to are gone, and until then these keep the caller's.

/** Of one caller's signal: the one listener to it, for as long as something that was joined to it is there. */
class Hub {
  readonly relays = new Set<Relay>();
  newest: Relay | undefined;

  constructor(readonly signal: AbortSignal) {
    hubs.set(signal, this);
    signal.addEventListener("abort", this, { once: true });
  }

  handleEvent(): void {
    for (const { controller } of this.relays) controller.abort(this.signal.reason);
  }
}

class Relay {
  readonly controller = new AbortController();
  readonly weak = new WeakRef(this);
  /** How many were joined by it, and how many of these are still there. */
  joined = 0;
  left = 0;

  constructor(readonly hub: Hub) {
    hub.relays.add((hub.newest = this));
  }
}

const hubs = /* @__PURE__ */ new WeakMap<AbortSignal, Hub>();
/** What a joined signal keeps. */
const kept = /* @__PURE__ */ new WeakMap<AbortSignal, Relay>();
const gone = /* @__PURE__ */ new FinalizationRegistry<WeakRef<Relay>>((weak) => {
  const relay = weak.deref();
  if (!relay || --relay.left) return;
  const { hub } = relay;
  hub.relays.delete(relay);
  if (hub.newest === relay) hub.newest = undefined;
  if (hub.relays.size) return;
  hub.signal.removeEventListener("abort", hub);
  hubs.delete(hub.signal);
});

/** A signal that aborts with either, with its reason. */
export function join(signal: AbortSignal, own: AbortSignal): AbortSignal {
  if (signal.aborted) return AbortSignal.any([signal, own]);
  const hub = hubs.get(signal) ?? new Hub(signal);
  const relay = hub.newest && hub.newest.joined < MOST ? hub.newest : new Relay(hub);
  const joined = AbortSignal.any([relay.controller.signal, own]);
  relay.joined++;
  relay.left++;
  kept.set(joined, relay);
  gone.register(joined, relay.weak);
  return joined;
}

/** So many leave something on a relay. */
const MOST = 1000;
