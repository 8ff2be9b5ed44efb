/** The bytes of a text that the build's `printable` made. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let add = -35;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign < 34) add += (sign - 31) * 91;
    else {
      bytes.push(sign - (sign > 92 ? 1 : 0) + add);
      add = -35;
    }
  }
  return new Uint8Array(bytes);
}
