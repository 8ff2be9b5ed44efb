// What changes from one policy to the other.
import { useAnswer } from "../ask.js";
import { Panel } from "../figure.js";
import type { PanelProps } from "../panel.js";
import { numberIn, textIn } from "../state.js";

export function Diff({ state, shown }: Pick<PanelProps, "state" | "shown">) {
  const [before, after] = shown;
  const options = { failureRate: numberIn(state.failureRate) as number, attemptDuration: textIn(state.attemptDuration) as "1s" };
  const found = useAnswer("diff", before && after ? [before.text, after.text, options] : null);
  if (!after) return null;
  return (
    <Panel id="diff" title="From A to B" found={[found]} lesson="What a reviewer would read: options, what becomes of calls, and remarks that come and go.">
      {found.value && <pre class="scroll" tabIndex={0} role="region" aria-label="the differences">{found.value.text}</pre>}
    </Panel>
  );
}
