// A button that puts a text on the clipboard.
import { useState } from "preact/hooks";

interface CopyProps {
  readonly label: string;
  readonly text: () => string;
}

export function Copy({ label, text }: CopyProps) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      say("Copied");
    } catch {
      say("The browser forbids it"); // by a permission, or since the page came without encryption
    }
    setTimeout(() => say(""), 2000);
  };
  return <button type="button" aria-live="polite" onClick={copy}>{said || label}</button>;
}
