// Bodies of failed responses: a look into them, and getting rid of them.

/** The first piece of a body, of at most `most` bytes; the response can still be read as if nobody had looked. */
export async function firstPiece(response: Response, most: number): Promise<Uint8Array> {
  const piece = new Uint8Array(most);
  let length = 0;
  const reader = response.bodyUsed ? undefined : response.clone().body?.getReader();
  try {
    while (reader && length < most) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, most - length);
      piece.set(part, length);
      length += part.length;
    }
  } catch {
    // a body that breaks off is looked at as far as it goes
  }
  reader?.cancel().catch(() => {});
  return piece.subarray(0, length);
}

/**
 * Reads what is left of a body, up to 64 KiB, so that its connection can be used again; cancels it if there is more.
 * Answers a function that stops waiting for it.
 */
export function discard(response: Response): () => void {
  const { body } = response;
  if (!body || response.bodyUsed || body.locked) return () => {};
  if (Number(response.headers.get("content-length")) > MOST_DRAINED) {
    body.cancel().catch(() => {});
    return () => {};
  }
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  const drain = async () => {
    for (let length = 0; length <= MOST_DRAINED; ) {
      const { done, value } = await reader.read();
      if (done) return;
      length += value.length;
    }
    stop();
  };
  drain().catch(() => {});
  return stop;
}

const MOST_DRAINED = 65_536;
