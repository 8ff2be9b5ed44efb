// Every decision of one call, with its terms.
import { explain } from "undaunted/lab";
import { useMemo } from "preact/hooks";
import { Field, Panel } from "../figure.js";
import type { PanelProps } from "../panel.js";
import { seedIn, textIn } from "../state.js";

export function Explain({ state, set, shown }: PanelProps) {
  const { failures, callSeed, seed, attemptDuration } = state;
  const found = useMemo(() => {
    const own = seedOf(callSeed) as bigint | undefined;
    const options = { attemptDuration: textIn(attemptDuration) as "1s", ...(own === undefined ? { seed: seedIn(seed) as bigint } : { callSeed: own }) };
    return shown.map(({ of, name, text }) => {
      try {
        const steps = failures.split(/[,\n]/).map((words) => words.trim()).filter(Boolean);
        return { of, name, text: String(explain(text, steps, options)), problems: [] };
      } catch (error: any) {
        return { of, name, text: "", problems: error.problems ?? [{ pointer: "", text: error.message }] };
      }
    });
  }, [shown, failures, callSeed, seed, attemptDuration]);
  return (
    <Panel
      id="explain" title="Why one call did what it did" problems={found.flatMap(({ problems }) => problems)}
      lesson="Every wait is a function of the call’s seed: with the seed from a log line the same call can be taken apart here."
      source={{ name: "Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators", href: "https://prng.di.unimi.it/" }}
      conditions={<>
        <Field isWide label="what failed, one after the other" value={failures} set={(text) => set({ failures: text })} about="As 503, 429 + hint 2s, reset, postgres 40001." />
        <Field isWide label="call_seed, or a log line with it" value={callSeed} placeholder="the first call of the seed above" set={(text) => set({ callSeed: text })} about="Events and logs have it as call_seed." />
      </>}
    >
      {found.filter(({ text }) => text).map(({ of, name, text }) => (
        <div key={of}>
          {found.length > 1 && <h3 class={of}>{name}</h3>}
          <pre class="scroll" tabIndex={0} role="region" aria-label={`the decisions of ${name}`}>{text}</pre>
        </div>
      ))}
    </Panel>
  );
}

/** The seed itself, or the one that stands in a line of a log after `call_seed`. */
function seedOf(line: string): bigint | string | undefined {
  const [, found] = /call_?seed\W{0,4}(\d+)/i.exec(line) ?? [];
  return seedIn(found ?? line);
}
