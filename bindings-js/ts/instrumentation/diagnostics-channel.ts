// Events on channels of `node:diagnostics_channel`.
import { builtin, type Event, onEvent } from "../core.js";

/**
 * Publishes the events of all calls in this process to the channels `undaunted:attempt`, `undaunted:scheduled`, `undaunted:success` and `undaunted:gave_up`; a
 * message is the `Event`. Answers the function that ends it. Throws where there is no `node:diagnostics_channel`.
 */
export function publishEvents(): () => void {
  const module = builtin("node:diagnostics_channel") as { channel(name: string): Channel } | undefined;
  if (!module) throw new Error("this host has no node:diagnostics_channel; use onEvent");
  const channels = new Map(KINDS.map((kind) => [kind, module.channel(`undaunted:${kind}`)]));
  return onEvent((event) => {
    const channel = channels.get(event.kind)!;
    if (channel.hasSubscribers) channel.publish(event);
  });
}

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

const KINDS: Event["kind"][] = ["attempt", "scheduled", "success", "gave_up"];
