// The file that `undaunted preview FILE` serves beside the page: read at first, followed when it is watched, written on a click.
import { useEffect, useRef, useState } from "preact/hooks";

interface Served {
  readonly name: string;
  readonly text: string | null;
  readonly revision: string | null;
  readonly writable: boolean;
  readonly watch: boolean;
}

/** Whether the address says that there is one. A page on another host has none, and asks for nothing. */
const IS_SERVED = new URLSearchParams(location.search).has("file");

interface FileProps {
  readonly text: string;
  /** The page began with a state in its address, which a file must not replace. */
  readonly hasState: boolean;
  readonly set: (text: string) => void;
}

export function ServedFile({ text, hasState, set }: FileProps) {
  const [file, setFile] = useState<Served>();
  const [said, say] = useState("");
  const now = useRef({ file, text });
  now.current = { file, text };
  useEffect(() => {
    if (!IS_SERVED) return;
    let changes: EventSource | undefined;
    const follow = (served: Served) => {
      const { file: before, text: mine } = now.current;
      if (before && served.revision === before.revision) return;
      const isEdited = before ? before.text !== null && mine !== before.text : hasState;
      setFile(served);
      if (served.text !== null && !isEdited) set(served.text);
      if (before) say(served.text === null ? "The file is gone." : isEdited ? "The file has changed; what you have edited is still here." : "The file has changed; this is it.");
    };
    const ask = () => fetch("policy").then((response) => response.json());
    ask().then((served: Served) => {
      follow(served);
      if (!served.watch) return;
      changes = new EventSource("policy/changes");
      changes.addEventListener("open", () => ask().then(follow, () => {})); // what has changed until now
      changes.addEventListener("change", ({ data }) => follow(JSON.parse(data)));
    }).catch(() => say("The file could not be read: is the program still running?"));
    return () => changes?.close();
  }, []);
  if (!file) return said ? <p class="file" role="status">{said}</p> : null;
  const isSaved = file.text === text;
  const save = async () => {
    try {
      const match: Record<string, string> = file.revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${file.revision}"` };
      const response = await fetch("policy", { method: "PUT", body: text, headers: { ...match, "Content-Type": "application/json" } });
      const answer = await response.json();
      if (response.ok) {
        setFile({ ...file, text, revision: answer.revision });
        say("Saved.");
      } else if (response.status === 412) {
        setFile(answer);
        say("The file has changed meanwhile and was not written; save again to replace it.");
      } else {
        say(answer.errors?.[0]?.text ?? answer.error ?? `It was not written: ${response.status}.`);
      }
    } catch {
      say("It was not written: is the program still running?");
    }
  };
  return (
    <p class="file">
      <span class="name">{file.name}</span>
      {file.writable && <button type="button" class="main" disabled={isSaved} onClick={save}>{isSaved ? "Saved" : "Save to the file"}</button>}
      {!isSaved && file.text !== null && <button type="button" onClick={() => set(file.text!)}>Back to the file</button>}
      <span role="status">{said}</span>
    </p>
  );
}
