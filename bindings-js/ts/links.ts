// What each kind of guard tells its store and hears from it.
import { BREAKER, BUDGET, BULKHEAD, THROTTLE } from "fleet-scripts";
import { arm, type Asking, disarm, type FleetCalls, joinFleet, rehearsal, type Shared, type State, stateOf, use, useGuard, type Waiter } from "./core.js";
import { type FleetEngine, over, overGuard } from "./fleet-engine.js";
import { now, numbers } from "./guard.js";
import { type Hub, Link, type Pass, soon } from "./store.js";

/** In the engine's functions for what a fleet shares. */
const enum Which { Budget, Guard }

/** A number as scripts take it; none is empty. */
function orEmpty(value: number): number | "" {
  return value < 0 ? "" : value;
}

/** The guards of this process that are in a store. */
const links = new WeakMap<State, Link>();

/** Puts a guard that others of this process may have, too, into a store; an extra time changes nothing. */
function share<L extends Link>(hub: Hub, state: State, name: string, owner: object, make: () => L): L {
  const there = links.get(state);
  if (there && hub.find(there.kind, name) === there) return there as L;
  if (there && !there.hub.isClosed) throw new Error(`${there.kind} "${name}" is in another store; close that one first, or give the same`);
  const link = make();
  link.owner = owner;
  hub.add(link);
  links.set(state, link);
  joinFleet(CALLS);
  return link;
}

/** The one of a name in a store, made if it is not there; of guards that only a store knows by name. */
export function only<L extends Link>(hub: Hub, kind: string, name: string, options: object, make: () => L): L {
  const there = hub.find(kind, name) as L | undefined;
  const text = JSON.stringify(options);
  if (!there) return hub.add(Object.assign(make(), { options: text }));
  if (there.options !== text) throw new Error(`${kind} "${name}" is in this store with other options; give the same`);
  return there;
}

export class BudgetLink extends Link {
  /** Taken for retries that were not made. */
  #returned = 0;
  /** Who is to ask next, by the price of a retry. */
  readonly #asked = new Map<number, Asked[]>();

  constructor(hub: Hub, state: State, name: string) {
    super(hub, state, name, "budget", BUDGET);
  }

  static of(hub: Hub, state: State, name: string, owner: object): BudgetLink {
    return share(hub, state, name, owner, () => new BudgetLink(hub, state, name));
  }

  override get keys(): string[] {
    return [this.key(), this.key("members")];
  }

  leave(): void {
    this.#over((engine) => engine.go_away(Which.Budget, now()));
  }

  return(): void {
    this.#returned = 0;
    this.#over((engine) => engine.come_home(Which.Budget, now()));
  }

  get hasNews(): boolean {
    return this.#returned > 0 || this.#over((engine) => engine.has_report(Which.Budget)) > 0;
  }

  tell(pass?: Pass): Promise<unknown> {
    return this.#trip(0, 0, pass);
  }

  /**
   * Asks for what a call's retry takes; `then` hears how late the answer is, or -1 for no. Calls that fail in the same turn of the event
   * loop ask together, in the order of their failures.
   */
  ask(call: Asking, price: number, then: (late: number) => void): void {
    const started = now();
    const asked: Asked = {
      call,
      isOver: false,
      end(isGranted) {
        call.timer = undefined;
        then(isGranted ? Math.max(0, now() - started) : -1);
      },
    };
    call.timer = () => {
      asked.isOver = true;
      this.#refuse(call); // whether it took something is not known yet
    };
    const others = this.#asked.get(price);
    if (others) others.push(asked);
    else {
      this.#asked.set(price, [asked]);
      soon(() => this.#depart(price));
    }
  }

  #depart(price: number): void {
    const asked = waitingOf(this.#asked.get(price)!);
    this.#asked.delete(price);
    if (!asked.length) return;
    this.#trip(price, asked.length).then(
      (granted) => {
        const waiting = waitingOf(asked);
        this.#giveBack(Math.max(0, granted - waiting.length) * price);
        waiting.forEach(({ call, end }, place) => {
          if (place >= granted) this.#refuse(call);
          end(place < granted);
        });
      },
      () => waitingOf(asked).forEach(({ call, end }) => end(enter(call, (engine) => engine.take_at_home()) > 0)),
    );
  }

  /** The same of a call that cannot wait: by what is known. */
  askAtOnce(call: Asking): boolean {
    const isGranted = enter(call, (engine) => engine.take_unasked()) > 0;
    this.note();
    return isGranted;
  }

  /** Asks for so many retries; answers how many are granted. */
  async #trip(price: number, asks: number, pass?: Pass): Promise<number> {
    const [terms, [number, added, owed, ifLost]] = this.#over((engine) => [
      engine.listed(engine.terms(Which.Budget)) as [number, number, number, number, number],
      engine.listed(engine.report(Which.Budget, now())) as [number, number, number, number],
    ]);
    const [mode, capacity, perSecond, ttl, known] = terms;
    const words = [mode, capacity, perSecond, ttl, this.hub.member, orEmpty(known), added + this.#returned, owed, price, asks];
    this.#returned = 0;
    try {
      const late = ([granted]: number[]) => this.#giveBack(granted! * price);
      const [granted, tokens, members] = (await this.hub.trip(this, words, 3, pass, late)) as [number, number, number];
      this.hub.members = Math.max(1, members);
      if (this.#over((engine) => engine.budget_told(number, tokens, members, now()))) this.send();
      return granted;
    } catch (error) {
      this.#over((engine) => engine.budget_lost(number, ifLost));
      throw error;
    }
  }

  #giveBack(tokens: number): void {
    if (!tokens) return;
    this.#returned += tokens;
    this.note();
  }

  #refuse(call: Asking): void {
    enter(call, (engine) => engine.refused_by_store());
  }

  #over<R>(work: (engine: FleetEngine) => R): R {
    use("budget", this.state);
    return over(["budget"], work);
  }
}

/** A call that asks for a retry. */
interface Asked {
  readonly call: Asking;
  /** Whether it does not wait any more. */
  isOver: boolean;
  end(isGranted: boolean): void;
}

function waitingOf(asked: readonly Asked[]): Asked[] {
  return asked.filter(({ isOver }) => !isOver);
}

/** Works on a call and its budget. */
function enter<R>(call: Asking, work: (engine: FleetEngine) => R): R {
  call.enter();
  return over(["call", "budget"], work);
}

/** What a script is told of a guard: its options, and what it is to hear. */
function told(engine: FleetEngine): [terms: number[], news: number[]] {
  return [engine.listed(engine.terms(Which.Guard)), engine.listed(engine.report(Which.Guard, now()))];
}

/** What is away, and notes what it would count. */
abstract class GuardLink extends Link {
  leave(): void {
    overGuard(this.state, (engine) => engine.go_away(Which.Guard, now()));
  }

  return(): void {
    overGuard(this.state, (engine) => engine.come_home(Which.Guard, now()));
  }

  get hasNews(): boolean {
    return overGuard(this.state, (engine) => engine.has_report(Which.Guard)) > 0;
  }
}

export class BreakerLink extends GuardLink {
  constructor(hub: Hub, state: State, name: string) {
    super(hub, state, name, "breaker", BREAKER);
  }

  static of(hub: Hub, state: State, name: string, owner: object): BreakerLink {
    return share(hub, state, name, owner, () => new BreakerLink(hub, state, name));
  }

  /** Whether the store has to be asked for a probe before a call. */
  get asks(): boolean {
    return this.hub.isUp && overGuard(this.state, (engine) => engine.breaker_asks(now())) > 0;
  }

  tell(pass?: Pass): Promise<void> {
    return this.#trip(this.hasNews ? "report" : "look", pass);
  }

  /** Asks for a probe. What comes of it is in the breaker then. */
  ask(): Promise<void> {
    if (this.hasNews) this.send();
    return this.#trip("permit").catch(() => {});
  }

  async #trip(what: "look" | "permit" | "report", pass?: Pass): Promise<void> {
    const [terms, [number, generation, high, low, ...news]] = overGuard(this.state, told) as [number[], [number, number, number, number, ...number[]]];
    const rest = news.map((number, at) => (at >= COUNTS && (at - COUNTS) % 3 === 1 ? Math.min(number, IGNORED) : number));
    const words = [...terms.map(orEmpty), what, orEmpty(generation), high, low, ...(what === "report" ? rest : [])];
    const [state, changes, probe, retryIn, , , , , , opened] = await this.hub.trip(this, words, 10, pass);
    overGuard(this.state, (engine) => engine.breaker_told(number, state!, changes!, probe!, retryIn!, opened!, now()));
  }
}

/** In a report of a breaker: how many counts stand before the probes, and what an outcome is at most. */
const COUNTS = 4;
const IGNORED = 2;

export class ThrottleLink extends GuardLink {
  constructor(hub: Hub, state: State, name: string) {
    super(hub, state, name, "throttle", THROTTLE);
  }

  async tell(pass?: Pass): Promise<void> {
    const words = overGuard(this.state, told).flat();
    const [requests, accepts] = await this.hub.trip(this, words, 2, pass);
    overGuard(this.state, (engine) => engine.throttle_told(requests!, accepts!));
  }
}

export class BulkheadLink extends Link {
  /** Places of calls that run, as the store knows them. They are all alike: whoever leaves, leaves one. */
  readonly #held = new Set<string>();
  /** Those that were left, of which the store has not heard. */
  readonly #left = new Set<string>();
  readonly #waiter: Waiter = { timer: undefined };
  /** How often it renews, in microseconds: well before a lease ends, and often enough to count as a member. */
  readonly #every: number;
  #issued = 0;
  /** How many processes shared it when the store last said so; 0 before that. */
  #members = 0;
  /** Whether calls may run that were let in without the store. */
  #wasAlone = false;
  #isRenewing = false;

  constructor(hub: Hub, state: State, name: string, readonly limit: number, readonly lease: number) {
    super(hub, state, name, "bulkhead", BULKHEAD);
    this.#every = Math.min(lease, ABSENCE) / 3;
  }

  override get keys(): string[] {
    return [this.key(), this.key("bulkhead-members")];
  }

  leave(): void {
    this.#renewLater();
  }

  return(): void {
    disarm(this.#waiter);
    this.#waiter.timer = undefined;
    this.#wasAlone = true;
    overGuard(this.state, (engine) => engine.bulkhead_divide(this.#members || this.hub.members));
  }

  get hasNews(): boolean {
    return this.#wasAlone || this.#left.size > 0;
  }

  async tell(pass?: Pass): Promise<void> {
    if (pass || this.#wasAlone) {
      await this.#renew("bring", pass);
      if (this.hasNews) this.report();
      return;
    }
    const ids = [...this.#left];
    this.#left.clear();
    try {
      await this.#trip(ids.length ? "leave" : "look", ids);
    } catch (error) {
      for (const id of ids) this.#owe(id);
      throw error;
    }
  }

  /** Whether the store lets a call in, which `end`s then; rejected if it does not answer. */
  async enter(): Promise<boolean> {
    const id = this.#next();
    const [isAdmitted] = await this.#trip("enter", [id], undefined, ([isAdmitted]) => isAdmitted && this.#leave(id));
    if (isAdmitted !== 1) return false;
    this.#held.add(id);
    overGuard(this.state, (engine) => engine.bulkhead_admit());
    this.#renewLater();
    return true;
  }

  /** Whether this process lets a call in for which the store has no answer, which `end`s then. */
  enterAlone(): boolean {
    this.report();
    const isAdmitted = useGuard(this.state).bulkhead_enter() === 0;
    this.#wasAlone ||= isAdmitted;
    return isAdmitted;
  }

  /** A call is done that was let in. Those of which the store does not know leave first. */
  end(): void {
    useGuard(this.state).bulkhead_leave();
    const running = this.#running();
    for (const id of this.#held) {
      if (this.#held.size <= running) break;
      this.#held.delete(id);
      this.#leave(id);
    }
  }

  #running(): number {
    useGuard(this.state).bulkhead_look();
    return numbers(2)[0]!;
  }

  #next(): string {
    return `${this.hub.member}:${++this.#issued}`;
  }

  #leave(id: string): void {
    this.#owe(id);
    this.report();
  }

  /** In a long outage not without end: the store has no more of them, and those it has end with their leases. */
  #owe(id: string): void {
    if (this.#left.size < this.limit) this.#left.add(id);
  }

  async #trip(what: string, ids: string[], pass?: Pass, late?: (answer: number[]) => void): Promise<number[]> {
    const words = [this.limit, this.lease, this.hub.member, this.#held.size, what, ...ids];
    const answer = await this.hub.trip(this, words, 6, pass, late);
    const [, , , , members, isUnknown] = answer as [number, number, number, number, number, number];
    this.#members = Math.max(1, members);
    if (isUnknown && !this.#isRenewing) this.#renew().catch(() => {});
    return answer;
  }

  /** Names all calls that run. If there are any that the store does not know, it is to take in what is named. */
  async #renew(what = "renew", pass?: Pass): Promise<void> {
    for (let strangers = this.#running() - this.#held.size; strangers > 0; strangers--) {
      this.#held.add(this.#next());
      what = "bring";
    }
    const ids = [...this.#held];
    this.#wasAlone = false;
    this.#isRenewing = true;
    try {
      const [, , , , , , ...gone] = await this.#trip(what, ids, pass);
      // Their leases had ended, or they have left meanwhile.
      for (const place of gone) this.#held.delete(ids[place - 1]!);
    } catch (error) {
      this.#wasAlone = true;
      throw error;
    } finally {
      this.#isRenewing = false;
    }
    this.#renewLater();
  }

  #renewLater(): void {
    if (this.#waiter.timer || !this.#running()) return;
    arm(this.#waiter, this.#every, () => {
      this.#waiter.timer = undefined;
      if (this.#running() && this.hub.isUp) this.#renew().catch(() => {});
    }, true);
  }
}

/** Whom a script has not seen for so long, in microseconds, is no member. */
const ABSENCE = 60e6;

/** The link of what a call shares. */
function linkOf(shared: Shared<object> | undefined): Link | undefined {
  return shared && links.get(stateOf(shared));
}

/** What calls under policies tell and ask. */
const CALLS: FleetCalls = {
  asks(call) {
    const breaker = linkOf(call.settings.breaker) as BreakerLink | undefined;
    if (!breaker?.asks) return false;
    const asked = breaker.ask();
    if (call.isSync) return false;
    let isOver = false;
    (call as Waiter).timer = () => (isOver = true);
    void asked.then(() => {
      if (isOver) return;
      (call as Waiter).timer = undefined;
      call.attempt(true);
    });
    return true;
  },

  hears(call, then) {
    const { budget, breaker } = call.settings;
    linkOf(breaker)?.reportSoon();
    const link = linkOf(budget) as BudgetLink | undefined;
    const price = then && link?.hub.isUp ? enter(call, (engine) => engine.asks_store()) : -1;
    if (price < 0) {
      link?.reportSoon();
      return false;
    }
    if (!call.isSync) link!.ask(call, price, then!);
    else if (link!.askAtOnce(call)) return false;
    else then!(-1);
    return true;
  },

  notes({ settings: { budget, breaker } }) {
    linkOf(breaker)?.note();
    linkOf(budget)?.note();
  },

  probe(breaker) {
    const link = rehearsal ? undefined : (linkOf(breaker) as BreakerLink | undefined);
    return link?.asks ? link.ask() : undefined;
  },

  settled(breaker, hasFailed) {
    const link = rehearsal ? undefined : linkOf(breaker);
    if (hasFailed) link?.reportSoon();
    else link?.note();
  },
};
