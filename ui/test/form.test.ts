import assert from "node:assert/strict";
import test from "node:test";
import { seconds, stagePoints, userPoints } from "../src/shape";
import type { Plan } from "../src/types";
import { formOf, lacking, optionsOf, settingsOf } from "../src/views/form";

const plan: Plan = {
  name: "p", description: "", builtin: false, classes: [], host: "http://h", slos: ["p95(ttft) < 1s"], error: null,
  params: [
    { name: "key", description: "", default: null, secret: true, required: true, set: false },
    { name: "dataset", description: "", default: null, secret: false, required: true, set: true },
    { name: "query", description: "", default: "hi", secret: false, required: false, set: false },
  ],
  load: { users: "50", "spawn-rate": "5", "run-time": "5m", stages: null },
};

test("a plan fills the form; only what is there goes out", () => {
  const form = formOf(plan);
  assert.equal(form.host, "http://h");
  assert.deepEqual(optionsOf(form), { users: "50", "spawn-rate": "5", "run-time": "5m", slo: ["p95(ttft) < 1s"] });
  assert.deepEqual(optionsOf({ ...form, kind: "stages", fields: { ...form.fields, stages: " 50:5m " }, slos: ["", " "] }), { stages: "50:5m" });
  assert.deepEqual(optionsOf({ ...form, tags: ["a=b", ""], classes: ["C"], task: "x" }).tag, ["a=b"]);
  assert.equal(formOf({ ...plan, host: "", load: { stages: "1:1m" } }, form).kind, "stages");
  assert.equal(formOf({ ...plan, host: "" }, form).host, "http://h"); // what was typed stays
});

test("what is needed and not given is known, and what is empty stays with the plan", () => {
  const form = formOf(plan);
  assert.deepEqual(lacking(plan, form), ["key"]);
  assert.deepEqual(lacking(plan, { ...form, settings: { key: "app-x" } }), []);
  assert.deepEqual(settingsOf({ ...form, settings: { key: "app-x", query: "" } }), { key: "app-x" });
});

test("the picture of a load", () => {
  assert.deepEqual(["90", "5m30s", "1h", "1.5m", "abc", ""].map(seconds), [90, 330, 3600, 90, null, null]);
  assert.deepEqual(stagePoints("50:5m, 0..100:2m"), [[0, 50], [300, 50], [300, 0], [420, 100]]);
  assert.deepEqual(stagePoints("20/s:1m"), [[0, 20], [60, 20]]);
  assert.equal(stagePoints("50"), null);
  assert.equal(stagePoints("x:1m"), null);
  assert.deepEqual(userPoints(10, 5, 60), [[0, 0], [2, 10], [60, 10]]);
  assert.deepEqual(userPoints(10, null, 60), [[0, 10], [60, 10]]);
});
