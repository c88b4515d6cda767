import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
// @ts-expect-error plain JavaScript
import { FakeRun, pastRuns } from "../dev/data.mjs";
import { faultsOf, nodeShares, trustOf } from "../src/judge";
import { tell } from "../src/story";
import { en } from "../src/text_en";
import { zh } from "../src/text_zh";
import { sentenceZh } from "../src/text_zh_sentences";
import type { PageData, Summary } from "../src/types";

const steps: PageData = pastRuns()[0].page();
const invalid: PageData = pastRuns()[3].page();
const calm: PageData = new FakeRun({ users: 20, runTime: 60, faults: false, seed: 3 }).all(60).page();

const chinese = /[\u4e00-\u9fff]/;

test("the first paragraph says what was asked, what came, whether to believe it and what broke first", () => {
  for (const t of [en, zh]) {
    const story = tell(steps, t, false);
    assert.match(story.asked, /150/);
    assert.match(story.asked, /p95\(ttft\) < 1500ms/);
    const total = steps.summary!.totals;
    assert.match(story.came, new RegExp((total.ok + total.failed).toLocaleString("en")));
    assert.match(story.came, new RegExp(total.failed.toLocaleString("en")));
    const first = Math.min(...steps.summary!.errors.map((e) => e.first_s));
    const fault = steps.summary!.errors.find((e) => e.first_s === first)!;
    assert.ok(story.broke.includes(fault.name));
    assert.equal(chinese.test(story.came), t === zh);
  }
});

test("what broke has the time of the charts: behind the warm-up, and behind a reset", () => {
  const at = (page: PageData) => faultsOf(page).find((f) => f.kind === "error")!.at;
  const first = Math.min(...steps.summary!.errors.map((e) => e.first_s));
  const warm = (seconds: number, partial?: boolean): Summary => ({ ...steps.summary!, partial, slo: [], run: { ...steps.summary!.run, warm_up_s: seconds } });
  assert.equal(at({ ...steps, summary: warm(0) }), first);
  assert.equal(at({ ...steps, summary: warm(30) }), first + 30);
  const ticks = steps.ticks.filter((tick) => tick.n >= 40);
  assert.equal(at({ ...steps, ticks, summary: warm(30, true) }), first + 40);
  assert.equal(at({ ...steps, ticks, summary: warm(30) }), first + 30); // its end knows of no reset
});

test("an invalid run is not to be believed, whatever its numbers", () => {
  assert.equal(trustOf(invalid.summary).light, "red");
  assert.match(tell(invalid, en, false).believe, /^No\./);
  assert.match(tell(invalid, zh, false).believe, /^不可信。/);
  assert.ok(faultsOf(invalid).some((f) => f.kind === "generator"));
});

test("a calm run says that nothing broke, unless it stalled", () => {
  const summary: Summary = { ...calm.summary!, requests: calm.summary!.requests.map((r) => ({ ...r, stalls: 0 })), slo: [] };
  assert.match(tell({ ...calm, summary }, en, false).broke, /^Nothing/);
  assert.match(tell({ ...calm, summary }, zh, false).broke, /^没有问题/);
  assert.equal(trustOf({ ...summary, totals: { ...summary.totals, ok: 40, failed: 0 } }).light, "amber");
  assert.equal(trustOf(null).light, "grey");
});

test("a run without a request tells it", () => {
  assert.equal(tell({ begin: calm.begin, ticks: [], summary: null }, en, true).came, en.nothingYet);
  assert.equal(tell({ begin: calm.begin, ticks: [], summary: null }, zh, false).came, zh.nothingCame);
});

test("shares of the nodes are of the whole, and lie one behind the other", () => {
  const shares = nodeShares(steps.summary!);
  const sum = shares.reduce((s, n) => s + n.share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9);
  assert.equal(shares[0].node.type, "start");
  assert.equal(shares[shares.length - 1].node.type, "answer");
  shares.slice(1).forEach((n, i) => assert.ok(Math.abs(n.from - shares[i].from - shares[i].share) < 1e-9));
});

const text = (file: string): string => readFileSync(join(import.meta.dirname, "../..", file), "utf8");
/** C's string literals, neighbours joined. */
const literals = (source: string): string[] =>
  [...source.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*\\?\s*"(?:[^"\\]|\\.)*")*/g)].map(([all]) =>
    [...all.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part]) => part.replace(/\\(.)/g, "$1")).join(""));

test("every remedy of the program has its Chinese", () => {
  const remedies = literals(text("src/report/remedy.c").replace(/\/\*[\s\S]*?\*\//g, "")).filter((s) => s.length > 34 && s.includes(" "));
  assert.ok(remedies.length > 50, `${remedies.length} remedies found`);
  const lacking = remedies.filter((s) => !chinese.test(sentenceZh(s)));
  assert.deepEqual(lacking, []);
});

test("every reason of validity has its Chinese, with its numbers", () => {
  const said = [
    "engine thread 2 of 2 waited for a CPU 12 % of the time (limit 5 %), 30 % of what it could have run in: other work had it; move that off this machine, or give the generator CPUs of its own (taskset)",
    "engine thread 1 of 2 was 86 % busy (limit 80 %): times include the generator's own queueing; use more --threads or another machine",
    "1,204 of 9,000 tasks (13.4 %) began over 10 ms after they were due (limit 1 %; p99 41.0 ms): the load was not what was asked for; use more --threads or another machine",
    "31 starts (2.0 % of 1,500) that were due were dropped: the load was not what was asked for; raise --max-in-flight, or ask for a rate that the target can serve",
    "12 starts that were due were dropped: the load was not what was asked for; raise --max-in-flight, or ask for a rate that the target can serve",
    "the generator's timers ran late: p99 31.5 ms (limit 25 ms); the machine is short of CPU or the plan computes for long: use more --threads, or move other work off this machine",
  ];
  for (const sentence of said) {
    const out = sentenceZh(sentence);
    assert.ok(chinese.test(out), sentence);
    assert.ok(!/undefined|\$\d/.test(out), out);
  }
  assert.match(sentenceZh(said[1]), /第 1\/2 号压测线程 CPU 占用 86 %/);
  assert.equal(sentenceZh("something new"), "something new");
});

test("every sentence about two runs, of a cut-off run and of what is worth knowing has its Chinese", () => {
  const sources = ["src/report/comparison.c", "src/report/replay_cut.c", "src/cli/run_notes.c", "src/stats/slo_value.c", "src/engine/validity.c", "src/model/compare.h"];
  const said = sources.flatMap((file) => literals(text(file).replace(/\/\*[\s\S]*?\*\//g, "").replace(/#include.*/g, "")))
    .filter((s) => s.length > 20 && s.split(" ").length > 3)
    .map((s) => s.replace(/^%s (still|was cut off|is invalid|was steady)/, "A $1").replace("only %s", "only A").replace("starts%s that", "starts that").replace(/%%/g, "%").replace(/%[.\d]*(?:ll|z)?[a-z]/g, "7"));
  assert.ok(said.length > 25, said.join("\n"));
  const fragments = ["a shape of the plan's own", "7 stages from 7 to 7", ", of other lengths or between", "engine thread 7 of 7", "the system's range of local ports", ", and the run opened 7"];
  const lacking = said.filter((s) => !fragments.includes(s) && !s.startsWith("local ports 7 to 7") && !chinese.test(sentenceZh(s)));
  assert.deepEqual(lacking, []);
});

test("both languages have the same things to say", () => {
  const shape = (o: unknown): unknown =>
    o !== null && typeof o === "object" ? Object.fromEntries(Object.entries(o).sort().map(([k, v]) => [k, shape(v)])) : typeof o;
  assert.deepEqual(shape(zh), shape(en));
  const empty = Object.entries(zh).filter(([, v]) => v === "").map(([k]) => k);
  assert.deepEqual(empty, ["sentenceGap"]);
});
