// Handing a call over: a token of what is left of one that was given up, and the call made again of it, under another policy.
import {
  argumentsOf, type Asking, CLASSES, clock, codeOf, type Event, factsOf, type FailedAttempt, type FailureClass, fleet, json, judge, load,
  markOf, marks, type On, Policy, PolicyError, type PolicyOptions, policyOf, REASONS, type Reason, refuse, type Seed, seedOf,
  SENT, type Sent, type Settings, settingsFor, type State, stateOf, tapeOf, use, usePolicy, warn, wordOn,
} from "./core.js";
import { resumeCall, tokenOf } from "./lab-engine.js";

/** Signs tokens, or checks that they are signed: text counts as its UTF-8. */
export type TokenKey = string | Uint8Array;

/** How a token is made. */
export interface TokenOptions {
  /** Signs it by HMAC-SHA256. */
  readonly key?: TokenKey | undefined;
}

/** How a call is gone on with. */
export interface ResumeOptions extends TokenOptions {
  /** Judges errors, as the option of a call does. */
  readonly on?: On | undefined;
  /** For events. */
  readonly name?: string | undefined;
  /** Told of every event of this call. */
  readonly onEvent?: ((event: Event) => void) | undefined;
  /** Draws the waits of a call that begins here, without a token. */
  readonly seed?: Seed | undefined;
  /** The number of the call under `seed`, from 1. Default 1. */
  readonly call?: number | undefined;
}

/**
 * What is left of the call that gave up on this error, as a text that `resume` takes in another process or language: attempts,
 * seed, class, hint and times, and nothing of arguments, messages or bodies. JSON, one line of some 400 letters; with a `key`
 * `JSON.SIGNATURE`, HMAC-SHA256 in base64url. Rejects with a `TypeError` for an error on which no call gave up after an attempt.
 */
export async function resumeToken(error: unknown, { key }: TokenOptions = {}): Promise<string> {
  const mark = markOf(error);
  const last = mark?.failures.at(-1);
  if (!mark?.state || !last) refuse("the error", error, "one on which a retried call gave up after an attempt; start a call of its own instead");
  return signed(textOf({ bytes: mark.state }, 0, packedOf(last), mark.isDue, last.hint), key);
}

/**
 * Goes on with the call of a token of `resumeToken`, which this policy decides from now on, in whatever process it was given
 * up. Attempts, waits and classes are counted on: the wait before attempt n + 1 is the n-th of the same seed. `timeout` counts from the first
 * attempt, and the time between the processes counts by the world's clock. What was given up as permanent stays so. What may have
 * been acted on is repeated if the policy says `idempotent`, or if the call's own policy had let it be.
 *
 * A budget that a fleet shares is asked. Without a token, a call of its own begins; its first attempt is due. With a `key`, tokens that are not signed are refused, and
 * without one those that are. Rejects with a `PolicyError` with every mistake in the token, or for its signature.
 */
export async function resume(
  policy: Policy | PolicyOptions | undefined, token?: string, options: ResumeOptions = {},
): Promise<Resumed> {
  const { key } = options;
  if (key !== undefined) secretOf(key);
  const text = token === undefined ? undefined : await checked(token, key);
  return begin(policyOf(policy), options, text);
}

let begin: (policy: Policy, options: ResumeOptions, text: string | undefined) => Promise<Resumed>;

/** A call that goes on where another was given up, one attempt at a time. Times are in milliseconds. */
export class Resumed {
  readonly policy: Policy;
  readonly #options: ResumeOptions;
  readonly #settings: Settings;
  readonly #state: State = {};
  readonly #since: number;
  /** Microseconds before that. */
  #carried = 0;
  #attempt = 1;
  #delay: number | undefined = 0;
  #reason: Reason | undefined;
  #hint: number | undefined;
  /** What was decided last, as the engine packs it. */
  #packed = -1;
  #isDue = false;
  /** What a fleet sees of it. */
  readonly #asking: Asking;

  static {
    begin = async (policy, options, text) => {
      const call = new Resumed(policy, options, text);
      if (text !== undefined && !call.#isDue) await call.#ask();
      return call;
    };
  }

  /** @internal */
  constructor(policy: Policy, options: ResumeOptions, token: string | undefined) {
    this.policy = policy;
    this.#options = options;
    this.#settings = settingsFor(policy);
    this.#since = clock();
    this.#asking = { settings: this.#settings, enter: () => this.#enter() };
    if (token === undefined) return;
    const found = resumeCall(this.#settings, this.#state, tapeOf(json(token)), this.#since * 1000, Date.now() * 1000);
    this.#carried = found.elapsed;
    this.#attempt = found.failures + 1;
    this.#isDue = found.isDue && found.value >= 0;
    this.#take(found.packed, found.isDue ? Math.max(0, found.value) : found.value);
  }

  /** The number of the next attempt, from 1 and counted over all processes. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The wait before it, 0 if it is due; undefined if the policy gives up. */
  get delay(): number | undefined {
    return this.#delay;
  }

  /** Why the policy gives up; undefined if it does not. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  /** The wait that the server asked for when the policy gave up. */
  get hint(): number | undefined {
    return this.#hint;
  }

  /** Since the first attempt, the time between processes included. */
  get elapsed(): number {
    return this.#carried / 1000 + clock() - this.#since;
  }

  /** What is left of the call now, signed with the key that it was resumed with. Rejects before the first failure. */
  async token(): Promise<string> {
    if (this.#packed < 0) throw new TypeError("the call has no token before its first failure; pass the work on without one");
    return signed(textOf(this.#state, this.#carried, this.#packed, this.#isDue, this.#isDue ? this.#delay : this.#hint), this.#options.key);
  }

  /**
   * Told of the attempt that was made: the wait before the next, or undefined if the policy gives up. The error is judged as a
   * call of the policy judges it; a budget that a fleet shares is asked.
   */
  async failed(thrown: unknown): Promise<number | undefined> {
    const word = wordOn(thrown);
    const error = word ? word.error : thrown;
    const facts = factsOf(error);
    const [verdict, wait] = word?.verdict ?? judge(this.#options.on, error, facts);
    const { failed, input, numbers } = this.#enter();
    const [domain, kind, code, flags, hint, nameLength, methodLength] = argumentsOf(facts, undefined);
    const body = this.#settings.needsBody ? facts.body?.subarray(0, LONGEST_BODY) : undefined;
    if (body) input.set(body, nameLength + methodLength);
    const isNested = (markOf(error)?.serial ?? 0) > 0;
    const packed = failed(
      clock() * 1000, domain, kind, code, flags | (verdict << 2) | (isNested ? NESTED : 0), wait, hint, nameLength, methodLength, body?.length ?? 0,
    );
    this.#isDue = false;
    this.#take(packed, numbers[0]!);
    await this.#ask();
    this.#tell(error, codeOf(facts));
    if (this.#delay !== undefined) this.#attempt++;
    return this.#delay;
  }

  /** Told of the attempt that was made: a budget hears of it. */
  succeeded(): void {
    if (this.#settings.isTold) this.#enter().succeeded(clock() * 1000);
    fleet?.notes(this.#asking);
  }

  /** Tells a fleet's store of the failure, and asks it for the retry that was decided, the way there and back being part of its wait. */
  async #ask(): Promise<void> {
    const asked = fleet;
    if (!asked) return;
    const late = await new Promise<number>((resolve) => {
      if (!asked.hears(this.#asking, this.#reason ? undefined : resolve)) resolve(0);
    });
    if (late < 0) this.#take(this.#packed | REASONS.indexOf("budget"), -1);
    else if (this.#delay !== undefined) this.#delay = Math.max(0, this.#delay - late / 1000);
  }

  /** As its token has it. */
  get #callSeed(): string {
    const token = textOf(this.#state, this.#carried, this.#packed, false, undefined);
    return (JSON.parse(token) as { readonly call_seed: string }).call_seed;
  }

  #take(packed: number, value: number): void {
    this.#packed = packed;
    this.#reason = REASONS[packed & 15] || undefined;
    this.#delay = this.#reason ? undefined : value / 1000;
    this.#hint = this.#reason && value >= 0 ? value / 1000 : undefined;
  }

  /** The engine with this call in use. */
  #enter() {
    const { compiled, budget, breaker } = this.#settings;
    const engine = load();
    usePolicy(compiled);
    use("call", this.#state);
    if (budget) use("budget", stateOf(budget));
    if (breaker) use("guard", stateOf(breaker));
    if (this.#packed < 0) {
      const [high, low] = seedOf(this.#options.seed, this.#options.call);
      engine.start(this.#since * 1000, high, low, -1, 0);
    }
    return engine;
  }

  #tell(error: unknown, code: string | undefined): void {
    const { onEvent, name } = this.#options;
    const reason = this.#reason;
    const event: Event = {
      kind: reason ? "gave_up" : "scheduled",
      policy: this.policy,
      name,
      attempt: this.#attempt,
      elapsed: this.elapsed,
      delay: this.#delay,
      error,
      reason,
      class: classOf(this.#packed),
      sent: sentOf(this.#packed),
      code,
      note: undefined,
      callSeed: this.#callSeed,
    };
    for (const hook of [...marks().hooks, onEvent]) {
      try {
        hook?.(event);
      } catch (thrown) {
        warn(`a hook told of "${event.kind}" threw: ${String(thrown)}`);
      }
    }
  }
}

function textOf(state: State, carried: number, packed: number, isDue: boolean, hint: number | undefined): string {
  return tokenOf(state, clock() * 1000, carried, Date.now() * 1000, packed, hint === undefined ? -1 : hint * 1000, isDue);
}

/** As the engine packs what it decides. */
function packedOf({ class: kind, sent, reason }: FailedAttempt): number {
  return REASONS.indexOf(reason!) | (CLASSES.indexOf(kind) << 4) | (SENT.indexOf(sent) << 7);
}

function classOf(packed: number): FailureClass {
  return CLASSES[(packed >> 4) & 7]!;
}

function sentOf(packed: number): Sent {
  return SENT[(packed >> 7) & 3]!;
}

async function signed(text: string, key: TokenKey | undefined): Promise<string> {
  if (key === undefined) return text;
  const signature = await crypto.subtle.sign("HMAC", await imported(key), new TextEncoder().encode(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

/** A token without its signature, which is right. */
async function checked(token: string, key: TokenKey | undefined): Promise<string> {
  if (typeof token !== "string") refuse("the token", token, "text; pass what resumeToken gave, or leave it out");
  const dot = token.lastIndexOf(".");
  const text = token.slice(0, Math.max(0, dot));
  const isSigned = text.endsWith("}");
  if (key === undefined) {
    if (isSigned) wrong("unexpected_signature", "the token is signed and no key is given, allowed both or neither; pass its key");
    if (token.length > LONGEST) wrong("text_too_long", `the token is ${token.length} letters long, allowed ${LONGEST}; pass it as it was made`);
    return token;
  }
  if (!isSigned) wrong("missing_signature", "the token is not signed and a key is given, allowed both or neither; make it with the key");
  const signature = bytesOf(token.slice(dot + 1));
  const isRight = signature && (await crypto.subtle.verify("HMAC", await imported(key), signature, new TextEncoder().encode(text)));
  if (!isRight) wrong("wrong_signature", "the token's signature is not that of its text and the key, allowed no other; pass the token unchanged, and the key that it was made with");
  return text;
}

function wrong(code: string, text: string): never {
  throw new PolicyError([{ code, pointer: "", text }]);
}

function imported(key: TokenKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secretOf(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** Its bytes. What was given is never told. */
function secretOf(key: TokenKey): Uint8Array<ArrayBuffer> {
  if (typeof key !== "string" && !(key instanceof Uint8Array)) refuse("the key", key === null || typeof key === "object" ? key : undefined, "text or bytes; pass one, or leave it out");
  const secret = typeof key === "string" ? new TextEncoder().encode(key) : Uint8Array.from(key);
  if (!secret.length) throw new TypeError("the key is empty, allowed one byte or more; pass a secret of 32 random bytes, or leave it out");
  return secret;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Undefined for what is no base64url of 32 bytes as it is written here. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]{43}$/.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  return base64url(bytes) === text ? bytes : undefined;
}

const NESTED = 128;
/** How much of a body rules may look at. */
const LONGEST_BODY = 4096;
/** Some times what a token can be. */
const LONGEST = 4096;
