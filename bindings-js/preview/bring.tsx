// Settings of other libraries, pasted.
import { convert, type ConversionSource, exportAs, type Finding } from "undaunted/lab";
import { useRef, useState } from "preact/hooks";
import type { Problem } from "./ask.js";
import { type Fields, textOf } from "./policy.js";
import { EXAMPLES, settingsIn } from "./settings.js";

const SOURCES: readonly (readonly [source: ConversionSource, name: string])[] = [
  ["stamina", "stamina"], ["tenacity", "tenacity"], ["urllib3", "urllib3.Retry"], ["grpc", "gRPC service config"], ["p-retry", "p-retry"], ["aws", "AWS environment"],
];

interface Brought {
  readonly problems: readonly Problem[];
  readonly findings: readonly Finding[];
  readonly text?: string;
}

/** A dialog; `set` gets the text of the policy. */
export function Bring({ set }: { readonly set: (text: string) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [source, setSource] = useState<ConversionSource>("stamina");
  const [text, setText] = useState("");
  const brought = read(text, source);
  const take = () => {
    set(brought!.text!);
    dialog.current!.close();
  };
  return (
    <>
      <button type="button" onClick={() => dialog.current!.showModal()}>Import…</button>
      <dialog ref={dialog} aria-labelledby="bring-title">
        <h2 id="bring-title">Settings of another library</h2>
        <p>Paste what stands in your code; it is read here and sent nowhere.</p>
        <label class="field wide"><span>whose</span>
          <select value={source} onChange={(event) => setSource(event.currentTarget.value as ConversionSource)}>
            {SOURCES.map(([name, title]) => <option key={name} value={name}>{title}</option>)}
          </select>
        </label>
        <label class="field wide"><span>settings</span>
          <textarea rows={6} spellcheck={false} value={text} placeholder={EXAMPLES[source]} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div aria-live="polite">
          {brought && (
            <ul class="remarks">
              {brought.problems.map((problem) => <li key={problem.text} class="error"><span class="level">error</span> {problem.text}</li>)}
              {brought.findings.map((finding) => <li key={finding.code + finding.pointer} class={finding.level}><span class="level">{finding.level}</span> {finding.text}</li>)}
            </ul>
          )}
          {brought?.text && <pre class="scroll" tabIndex={0} role="region" aria-label="the policy">{brought.text}</pre>}
        </div>
        <p class="files">
          <button type="button" class="main" disabled={!brought?.text} onClick={take}>Use this policy</button>
          <button type="button" onClick={() => setText(EXAMPLES[source])}>Show me with an example</button>
          <button type="button" onClick={() => dialog.current!.close()}>Close</button>
        </p>
      </dialog>
    </>
  );
}

function read(text: string, source: ConversionSource): Brought | undefined {
  if (!text.trim()) return undefined;
  try {
    const found = convert(settingsIn(text, source), source);
    const { policy } = found.toJSON() as { readonly policy: Fields };
    return { problems: [], findings: found.findings, text: exportAs(textOf(policy), "json").text };
  } catch (error: any) {
    return { problems: error.problems ?? [{ pointer: "", text: error.message }], findings: [] };
  }
}
