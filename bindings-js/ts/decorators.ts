// Standard decorators (TC39, stage 3; TypeScript from 5.0 on, without `experimentalDecorators`).
import { isSource, type Policy, type PolicyOptions, policyOf, retry, type RunOptions } from "./core.js";
import type { Source } from "./options.js";

/** A function of a class. */
type Method<This, A extends unknown[], R> = (this: This, ...args: A) => Promise<R>;

/** Where `retried` may stand. Each keeps the type of what it stands at, which must answer a promise. */
export interface Retried {
  /** A method: static or not, private or not. */
  <This, A extends unknown[], R>(method: Method<This, A, R>, context: ClassMethodDecoratorContext<This, Method<This, A, R>>): Method<This, A, R>;
  /** A field whose first value is a function. */
  <This, A extends unknown[], R>(field: undefined, context: ClassFieldDecoratorContext<This, (...args: A) => Promise<R>>):
    (this: This, initial: (...args: A) => Promise<R>) => (...args: A) => Promise<R>;
  /** An `accessor` of a function: what it is first, and what it is set to. */
  <This, A extends unknown[], R>(
    accessor: ClassAccessorDecoratorTarget<This, (...args: A) => Promise<R>>, context: ClassAccessorDecoratorContext<This, (...args: A) => Promise<R>>,
  ): ClassAccessorDecoratorResult<This, (...args: A) => Promise<R>>;
}

/**
 * Retries what it stands at: `@retried({ attempts: 3 }) async load() { … }`. The policy is one that you have, the options of
 * one, a source of them, or by default `standard`; one policy for all objects of the class. The options are those of each call.
 *
 * Throws a TypeError where it stands at anything but a method, or a field or accessor of a function.
 */
export function retried(policy?: Policy | PolicyOptions | Source, options?: Omit<RunOptions, "retryIfResult">): Retried {
  const wrap = wrapper(policy, options);
  return ((value: unknown, { kind, name }: DecoratorContext) => {
    const wrapped = (given: unknown) => {
      if (typeof given !== "function") throw new TypeError(`${String(name)} is no function, allowed a method or what holds a function; take @retried away`);
      return wrap(given as Method<unknown, unknown[], unknown>);
    };
    switch (kind) {
      case "method":
        return wrapped(value);
      case "field":
        return wrapped;
      case "accessor": {
        const { get, set } = value as ClassAccessorDecoratorTarget<unknown, unknown>;
        return {
          get,
          set(this: unknown, given: unknown) {
            set.call(this, wrapped(given));
          },
          init: wrapped,
        };
      }
      default:
        throw new TypeError(`@retried stands at a ${kind}, allowed a method, or a field or accessor of a function; wrap what is called`);
    }
  }) as unknown as Retried;
}

type Wrap = (fn: Method<unknown, unknown[], unknown>) => Method<unknown, unknown[], unknown>;

function wrapper(policy: Policy | PolicyOptions | Source | undefined, options: Omit<RunOptions, "retryIfResult"> | undefined): Wrap {
  if (!isSource(policy)) {
    const made = policyOf(policy);
    return (fn) => made.wrap(fn, options);
  }
  return (fn) => {
    const wrapped = function (this: unknown, ...args: unknown[]) {
      return retry(() => fn.apply(this, args), { ...options, policy });
    };
    return Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  };
}
