// Compiled by decorators.test.mjs: Node does not know the syntax yet. Types are checked with types.ts.
import { Policy } from "undaunted";
import { retried } from "undaunted/decorators";
import { PolicySource } from "undaunted/source";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T => true as T;

/** Fails as often as it is told, each time with a lost connection. */
export class Flaky {
  static calls = 0;
  calls = 0;

  constructor(readonly failures: number) {}

  fail(): void {
    if (++this.calls <= this.failures) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
  }

  @retried()
  async method(this: Flaky, a: number, b: string): Promise<string> {
    this.fail();
    return `${a} ${b} ${this.calls}`;
  }

  @retried({ attempts: 3 })
  async #hidden(a: number): Promise<number> {
    this.fail();
    return a;
  }

  hidden(a: number): Promise<number> {
    return this.#hidden(a);
  }

  @retried(new Policy({ attempts: 2 }))
  static async shared(a: number): Promise<number> {
    if (++this.calls % 2) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    return a;
  }

  @retried()
  field = async (a: number): Promise<number> => {
    this.fail();
    return a;
  };

  @retried()
  accessor replaced = async (a: number): Promise<number> => {
    this.fail();
    return a;
  };

  @retried(new PolicySource(() => ({ attempts: 3 })), { name: "sourced" })
  async sourced(): Promise<number> {
    this.fail();
    return this.calls;
  }

  @retried({ attempts: 2, jitter: "none" }, { seed: 5n, on: (error) => error instanceof Error })
  async told(): Promise<never> {
    this.calls++;
    throw new Error("always");
  }
}

const flaky = new Flaky(0);
check<Same<typeof flaky.method, (this: Flaky, a: number, b: string) => Promise<string>>>();
check<Same<typeof flaky.field, (a: number) => Promise<number>>>();
check<Same<typeof Flaky.shared, (a: number) => Promise<number>>>();

/** Never called. */
export function wrong(): unknown {
  class Wrong {
    // @ts-expect-error a method that answers no promise
    @retried()
    plain(): number {
      return 1;
    }

    // @ts-expect-error a field that is no function
    @retried()
    count = 1;

    // @ts-expect-error an option that is none
    @retried({ retries: 3 })
    async mistaken(): Promise<void> {}
  }
  return Wrong;
}

/** As code without types may use it. */
const untyped = retried() as unknown as (...args: unknown[]) => any;

/** What standing at the wrong thing throws. */
export const mistakes = {
  field: () => new (class { @untyped count = 1; })(),
  class: () => (() => { @untyped class Made {} return Made; })(),
  getter: () => class { @untyped get made() { return 1; } },
  set: () => {
    class Made {
      @retried() accessor made = async (): Promise<number> => 1;
    }
    new Made().made = 5 as never;
  },
};
