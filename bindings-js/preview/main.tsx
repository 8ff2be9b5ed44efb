// The page: a policy or two on one side, what becomes of calls under them on the other.
import { render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Bring } from "./bring.js";
import { Copy } from "./copy.js";
import { Form, type FormProps, Remarks } from "./form.js";
import { PRESETS } from "./options.js";
import type { Shown } from "./panel.js";
import { Diff } from "./panels/diff.js";
import { Explain } from "./panels/explain.js";
import { Herd } from "./panels/herd.js";
import { Hint } from "./panels/hint.js";
import { Ladder } from "./panels/ladder.js";
import { Layers } from "./panels/layers.js";
import { Loss } from "./panels/loss.js";
import { Outage } from "./panels/outage.js";
import { Rates } from "./panels/rates.js";
import { Total } from "./panels/total.js";
import { type Draft, draft, put as place, textOf } from "./policy.js";
import { ServedFile } from "./served.js";
import { type Change, read, type State, written } from "./state.js";
import { TakeAway } from "./take-away.js";

declare const VERSION: string;

const HAS_STATE = location.hash.length > 1;

function Page() {
  const [state, change] = useState(() => read(location.hash));
  const set = (part: Change) => change((before) => ({ ...before, ...part }));
  /** A change that replaces much: the browser's way back undoes it. */
  const replace = (part: Change) => {
    history.pushState(null, "", location.href);
    set(part);
  };
  useEffect(() => {
    const fragment = written(state);
    if (fragment !== location.hash.slice(1)) history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  }, [state]);
  useEffect(() => {
    const follow = () => change((before) => (location.hash.slice(1) === written(before) ? before : read(location.hash)));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const a = useMemo(() => draft(state.a), [state.a]);
  const b = useMemo(() => (state.b ? draft(state.b) : undefined), [state.b]);
  const [good, other] = [useLastGood(a, "a", "A"), useLastGood(b, "b", "B")];
  const shown = useMemo(() => [good ?? STANDARD, ...(b && other ? [other] : [])], [good, b && other]);
  const panel = { state, set, shown };
  return (
    <>
      <header class="top">
        <h1>undaunted <span>policy preview</span></h1>
        <nav aria-label="panels">{PANELS.map(([id, name]) => <a key={id} href={`#${id}`} onClick={(event) => (event.preventDefault(), go(id))}>{name}</a>)}</nav>
        <Copy label="Copy the link" text={() => location.href} />
        <Theme />
      </header>
      <main>
        <Editor state={state} set={set} replace={replace} drafts={[a, b]} />
        <div class="panels">
          <Ladder {...panel} />
          <Herd {...panel} onDrawn={seen} />
          {b && <Diff {...panel} />}
          <Total {...panel} />
          <Layers {...panel} />
          <Rates {...panel} />
          <Outage {...panel} />
          <Loss {...panel} />
          <Hint {...panel} />
          <Explain {...panel} />
          <TakeAway {...panel} />
        </div>
      </main>
      <footer>undaunted {VERSION}. Every number here is computed in this page by the engine that retries in Rust, JavaScript and Python; nothing leaves it.</footer>
    </>
  );
}

const PANELS = [["ladder", "Waits"], ["herd", "Herd"], ["total", "Total time"], ["layers", "Layers"], ["rates", "Success"], ["outage", "Outage"], ["loss", "Loss"], ["hint", "Hints"], ["explain", "Explain"], ["take-away", "Code"]] as const;

/** The fragment is the state's, so that links within the page only scroll. */
function go(id: string): void {
  const panel = document.getElementById(id)!;
  panel.scrollIntoView();
  panel.querySelector<HTMLElement>("input, button, [tabindex]")?.focus({ preventScroll: true });
}

const STANDARD: Shown = { of: "a", name: "A", text: textOf({ preset: "standard" }), effective: draft(textOf({ preset: "standard" })).effective };

/** The last text of a side that was a policy: pictures stay while another is being typed. */
function useLastGood(one: Draft | undefined, of: Shown["of"], name: string): Shown | undefined {
  const last = useRef<Shown | undefined>(undefined);
  if (one && !one.problems.length && one.text !== last.current?.text) last.current = { of, name, text: one.text, effective: one.effective };
  return last.current;
}

/** For whoever measures. */
function seen(): void {
  performance.mark("first-picture");
}

/** As in the style sheet. */
const BESIDE = "(width >= 900px)";

interface EditorProps {
  readonly state: State;
  readonly set: (change: Change) => void;
  readonly replace: (change: Change) => void;
  readonly drafts: readonly [Draft, Draft | undefined];
}

function Editor({ state, set, replace, drafts }: EditorProps) {
  const side = state.edited === "b" && drafts[1] ? "b" : "a";
  const shown = drafts[side === "b" ? 1 : 0]!;
  const put = (text: string) => set({ [side]: text.toWellFormed() });
  const bring = (text: string) => replace({ [side]: text });
  const isForm = state.view !== "json";
  // Beside the pictures there is room; above them they would be in the way.
  const [isOpen, setOpen] = useState(() => matchMedia(BESIDE).matches || shown.problems.length > 0);
  useEffect(() => {
    const beside = matchMedia(BESIDE);
    const follow = () => beside.matches && setOpen(true);
    beside.addEventListener("change", follow);
    return () => beside.removeEventListener("change", follow);
  }, []);
  const preset = typeof shown.fields?.preset === "string" ? shown.fields.preset : "standard";
  return (
    <aside class={`editor ${side}`} aria-label="the policy">
      <ServedFile text={state.a} hasState={HAS_STATE} set={(text) => set({ a: text })} />
      <div class="sides">
        {drafts[1] && (["a", "b"] as const).map((name) => <button key={name} type="button" class={`side ${name}`} aria-pressed={name === side} onClick={() => set({ edited: name })}>Policy {name.toUpperCase()}</button>)}
        {drafts[1] && <button type="button" onClick={() => replace({ a: state.b, b: state.a })}>Swap</button>}
        <button type="button" onClick={() => (drafts[1] ? replace({ b: "", edited: "a" }) : set({ b: state.a, edited: "b" }))}>{drafts[1] ? "Remove B" : "Compare with another"}</button>
      </div>
      <div class="sides">
        <label class="field"><span>preset</span>
          <select value={preset} onChange={(event) => bring(textOf(place(shown.fields ?? {}, ["preset"], event.currentTarget.value)))}>
            {PRESETS.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        {Object.keys(shown.fields ?? {}).some((name) => name !== "preset") && <button type="button" onClick={() => bring(textOf({ preset }))}>Only the preset</button>}
        <Bring set={bring} />
        <div class="views" role="group" aria-label="as">
          <button type="button" aria-pressed={isForm} onClick={() => set({ view: "form" })}>Form</button>
          <button type="button" aria-pressed={!isForm} onClick={() => set({ view: "json" })}>JSON</button>
        </div>
      </div>
      <Remarks draft={shown} set={bring} place="" />
      <details class="options" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>The options</summary>
        {isForm ? <Form draft={shown} set={put} fix={bring} /> : <JsonText draft={shown} set={put} fix={bring} />}
      </details>
    </aside>
  );
}

function JsonText({ draft: shown, set, fix }: FormProps) {
  const places = [...new Set([...shown.problems, ...shown.findings].map(({ pointer }) => pointer.split("/")[1] ?? ""))].filter(Boolean);
  return (
    <>
      <label class="field wide"><span>the policy file</span>
        <textarea class="json" rows={16} spellcheck={false} value={shown.text} aria-invalid={shown.problems.length > 0} onInput={(event) => set(event.currentTarget.value)} />
      </label>
      {places.map((place) => <Remarks key={place} draft={shown} set={fix} place={place} />)}
    </>
  );
}

const THEMES = ["auto", "light", "dark"];

function Theme() {
  const [theme, setTheme] = useState(() => stored());
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Then it is forgotten.
    }
  }, [theme]);
  return (
    <label class="theme"><span>theme</span>
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value)}>{THEMES.map((name) => <option key={name} value={name}>{name}</option>)}</select>
    </label>
  );
}

function stored(): string {
  try {
    const theme = localStorage.getItem("theme");
    return theme && THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

const page = document.getElementById("page")!;
page.replaceChildren();
render(<Page />, page);
