// What a user of TypeScript writes; compiled only.
import { GaveUp, history, HttpError, ok, Policy, type PolicyOptions, retry } from "undaunted";
import { type RetryingFetch, retryingFetch } from "undaunted/fetch";
import { analyse, type Analysis, lint } from "undaunted/lab";

const options: PolicyOptions = { attempts: 5, timeout: "30s", initial: 100, jitter: { proportional: 0.2 } };
const policy = new Policy(options);
const add = policy.wrap((left: number, right: string) => Promise.resolve(`${left}${right}`));
const sum: Promise<string> = add(1, "2");
const page: Promise<Response> = retry(({ signal }) => fetch("https://example.org", { signal }).then(ok), { attempts: 2 });
const patient: RetryingFetch = retryingFetch(policy);
const analysis: Analysis = analyse(policy, { failureRate: 0.1, attemptDuration: "100ms" });
const codes: string[] = [...lint(policy)].map((finding) => `${finding.level} ${finding.code} ${analysis.success.value}`);
const waits: number[] = policy.schedule({ seed: "7" });

export async function reasons(): Promise<unknown[]> {
  try {
    await Promise.all([sum, page, patient.json<{ name: string }>("https://example.org")]);
  } catch (error) {
    if (error instanceof HttpError) return [error.status, ...waits, ...codes];
    if (error instanceof GaveUp) return [error];
    if (error instanceof Error) return [...(history(error) ?? [])];
  }
  return [];
}
