// The policy as others write it.
import { exportAs, type ExportTarget } from "undaunted/lab";
import { useMemo } from "preact/hooks";
import { Copy } from "./copy.js";
import { Panel } from "./figure.js";
import type { PanelProps } from "./panel.js";
import { keep } from "./save.js";

const TARGETS: readonly (readonly [target: ExportTarget, name: string, file: string])[] = [
  ["json", "JSON", "policy.json"],
  ["python", "Python", "policy.py"],
  ["typescript", "TypeScript", "policy.ts"],
  ["rust", "Rust", "policy.rs"],
  ["curl", "curl", "call.sh"],
  ["grpc", "gRPC", "service-config.json"],
  ["envoy", "Envoy", "route.yaml"],
  ["aws", "AWS", "aws.env"],
];

export function TakeAway({ state, set, shown }: PanelProps) {
  const policy = shown.find(({ of }) => of === state.edited) ?? shown[0]!;
  const [target, , file] = TARGETS.find(([name]) => name === state.target) ?? TARGETS[0]!;
  const found = useMemo(() => {
    try {
      const { text, findings } = exportAs(policy.text, target);
      return { text, findings, problems: [] };
    } catch (error: any) {
      return { text: "", findings: [], problems: error.problems ?? [{ pointer: "", text: error.message }] };
    }
  }, [policy.text, target]);
  const pick = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = TARGETS.findIndex(([name]) => name === target);
    const [next] = TARGETS[(at + by + TARGETS.length) % TARGETS.length]!;
    set({ target: next });
    document.getElementById(`target-${next}`)?.focus();
  };
  return (
    <Panel id="take-away" title={shown.length > 1 ? `Take ${policy.name} with you` : "Take it with you"} problems={found.problems} lesson="One policy file serves Python and JavaScript alike; for what others cannot say there are remarks.">
      <div class="tabs" role="tablist" aria-label="as">
        {TARGETS.map(([name, title]) => (
          <button key={name} id={`target-${name}`} type="button" role="tab" aria-selected={name === target} aria-controls="code" tabIndex={name === target ? 0 : -1} onClick={() => set({ target: name })} onKeyDown={pick}>{title}</button>
        ))}
      </div>
      <div id="code" role="tabpanel" aria-labelledby={`target-${target}`}>
        <p class="files">
          <Copy label="Copy" text={() => found.text} />
          <button type="button" onClick={() => keep(file, found.text)}>{file}</button>
        </p>
        <pre class="scroll" tabIndex={0} role="region" aria-label="the code">{found.text}</pre>
        {found.findings.length > 0 && (
          <ul class="remarks">
            {found.findings.map(({ code, level, pointer, text }) => <li key={code + pointer + text} class={level}><span class="level">{level}</span> {text}</li>)}
          </ul>
        )}
      </div>
    </Panel>
  );
}
