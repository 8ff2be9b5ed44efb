// The same types through require.
import undaunted = require("undaunted");
import adapter = require("undaunted/fetch");

const result: Promise<number> = undaunted.retry(() => 5, { attempts: 3 });
const fetchR: typeof fetch = adapter.retryingFetch(new undaunted.Policy());
// @ts-expect-error what another library calls it
undaunted.retry(() => 5, { retries: 3 });
