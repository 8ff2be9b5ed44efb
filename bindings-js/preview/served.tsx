// The file that `undaunted preview FILE` serves beside the page: read at first, followed when it is watched, written on a click.
import { useEffect, useState } from "preact/hooks";

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
  useEffect(() => {
    if (!IS_SERVED) return;
    let changes: EventSource | undefined;
    const take = (served: Served, isFirst: boolean) => {
      setFile(served);
      if (served.text !== null && !(isFirst && hasState)) set(served.text);
      if (!isFirst) say(served.text === null ? "The file is gone." : "The file has changed; this is it.");
    };
    fetch("policy").then((response) => response.json()).then((served: Served) => {
      take(served, true);
      if (!served.watch) return;
      changes = new EventSource("policy/changes");
      changes.addEventListener("change", ({ data }) => take(JSON.parse(data), false));
    }, () => say("The file could not be read: is the program still running?"));
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
