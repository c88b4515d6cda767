import assert from "node:assert/strict";
import test from "node:test";
import { SseParser, type SseEvent } from "../src/sse";

const text = ': keep\n\nid: run:1\nevent: tick\ndata: {"n":1}\n\nevent: log\r\ndata: a\r\ndata: b\r\n\r\ndata\n\nretry: 5\n\nevent: x\n\n';
const want = [
  { event: "tick", id: "run:1", data: '{"n":1}' },
  { event: "log", id: "run:1", data: "a\nb" },
  { event: "message", id: "run:1", data: "" },
];

const parse = (parts: string[]): SseEvent[] => {
  const out: SseEvent[] = [];
  const parser = new SseParser();
  for (const part of parts) parser.feed(part, (event) => out.push(event));
  return out;
};

test("events come out the same wherever the text is cut", () => {
  assert.deepEqual(parse([text]), want);
  assert.deepEqual(parse([...text]), want);
  for (let i = 1; i < text.length; i++) assert.deepEqual(parse([text.slice(0, i), text.slice(i)]), want, `cut at ${i}`);
});
