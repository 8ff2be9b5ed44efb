// What the lab answers.
import type { Answer } from "./lab-engine.js";

/** An answer: as a text for a reader, the same in every language; as JSON; as plain values. */
export abstract class Report {
  readonly #text: string;
  readonly #json: string;

  constructor([text, json]: Answer) {
    this.#text = text;
    this.#json = json;
  }

  /** The text for a reader. */
  toString(): string {
    return this.#text;
  }

  /** One line of JSON, the same in every language: times in whole microseconds. */
  json(): string {
    return this.#json;
  }

  /** The same as plain values. */
  toJSON(): unknown {
    return JSON.parse(this.#json);
  }
}
