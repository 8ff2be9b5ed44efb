import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { history } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { rejection } from "./clock.mjs";
import { quick, serve } from "./server.mjs";

const fetchR = retryingFetch(quick);
const stream = (text) => new ReadableStream({ start: (c) => (c.enqueue(new TextEncoder().encode(text)), c.close()) });
const form = () => {
  const data = new FormData();
  data.set("a", "b");
  return data;
};

for (const [name, body, sent] of [
  ["text", "hello", "hello"],
  ["bytes", new TextEncoder().encode("hello"), "hello"],
  ["an ArrayBuffer", new TextEncoder().encode("hello").buffer, "hello"],
  ["a Blob", new Blob(["hello"]), "hello"],
  ["URLSearchParams", new URLSearchParams({ a: "b" }), "a=b"],
  ["a function", () => "hello", "hello"],
  ["a function of a promise", async () => "hello", "hello"],
  ["a function of a stream", () => stream("hello"), "hello"],
]) {
  test(`${name} is sent again`, async (context) => {
    const { url, seen } = await serve(context, 500, 500, 200);
    assert.equal((await fetchR(url, { method: "PUT", body })).status, 200);
    assert.deepEqual(seen.map(({ body }) => body), [sent, sent, sent]);
  });
}

test("FormData is sent again", async (context) => {
  const { url, seen } = await serve(context, 500, 200);
  await fetchR(url, { method: "PUT", body: form() });
  assert.equal(seen.length, 2);
  for (const { body } of seen) assert.match(body, /name="a"\r\n\r\nb/);
});

for (const [name, body] of [
  ["a ReadableStream", () => stream("hello")],
  ["an async iterable", async function* () { yield new TextEncoder().encode("hello"); }],
  ["Node's Readable", () => Readable.from([Buffer.from("hello")])],
]) {
  test(`${name} is sent once, with a note that says why`, async (context) => {
    const { url, seen } = await serve(context, { status: 500, body: "why" }, 200);
    const events = [];
    const once = retryingFetch(quick, { onGiveUp: (event) => events.push(event) });
    const response = await once(url, { method: "PUT", body: body(), duplex: "half" });
    assert.deepEqual([response.status, await response.text(), seen.length], [500, "why", 1]);
    assert.match(events[0].note, /the body is a stream.*a function/);
    assert.equal(events[0].reason, "permanent");
  });
}

test("a Request is sent again, with its body, and the copy is made only while it may be needed", async (context) => {
  const { url, seen } = await serve(context, 500, 500, 200);
  const request = new Request(url, { method: "PUT", body: "hello" });
  let clones = 0;
  const counted = (request) => {
    const clone = request.clone.bind(request);
    request.clone = () => (clones++, counted(clone()));
    return request;
  };
  assert.equal((await retryingFetch({ ...quick, attempts: 3 })(counted(request))).status, 200);
  assert.deepEqual(seen.map(({ body }) => body), ["hello", "hello", "hello"]);
  assert.equal(clones, 2);
});

test("a Request without a body is not copied", async (context) => {
  const { url, seen } = await serve(context, 500, 200);
  const request = new Request(url);
  request.clone = () => assert.fail("copied");
  assert.equal((await fetchR(request)).status, 200);
  assert.equal(seen.length, 2);
});

test("a Request whose body is used already fails as with fetch, once", async (context) => {
  const { url, seen } = await serve(context, 200);
  const request = new Request(url, { method: "PUT", body: "hello" });
  await request.text();
  const { error } = await rejection(fetchR(request));
  assert.ok(error instanceof TypeError);
  assert.match(history(error)[0].note, /used already/);
  assert.equal(seen.length, 0);
});

test("a function for a body that throws ends the call with what it threw", async (context) => {
  const { url } = await serve(context, 500);
  const mine = new Error("mine");
  let calls = 0;
  const body = () => {
    if (++calls === 2) throw mine;
    return "x";
  };
  assert.equal((await rejection(fetchR(url, { method: "PUT", body }))).error, mine);
});

test("init is used as it is, attempt after attempt, and never changed", async (context) => {
  const { url, seen } = await serve(context, 500, 200);
  const init = Object.freeze({ method: "PUT", body: "x", headers: Object.freeze({ "x-mine": "1" }) });
  await fetchR(url, init);
  assert.deepEqual(seen.map(({ headers }) => headers["x-mine"]), ["1", "1"]);
});
