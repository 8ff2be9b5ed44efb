// What people write by hand: attempts, exponential backoff with full jitter, a deadline. The baseline of the benches.
export function naive({ attempts = 10, timeout = 45_000, initial = 1000, factor = 2, maxDelay = 10_000 } = {}) {
  return async (fn) => {
    const deadline = performance.now() + timeout;
    for (let attempt = 1; ; attempt++) {
      try {
        return await fn({ attempt });
      } catch (error) {
        const delay = Math.random() * Math.min(maxDelay, initial * factor ** (attempt - 1));
        if (attempt >= attempts || performance.now() + delay >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  };
}
