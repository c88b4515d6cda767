import assert from "node:assert/strict";
import test from "node:test";
import { figureValue, scaleOf } from "../src/rounds";
import { zh } from "../src/text_zh";
import { campaignVerdictZh, sentenceZh } from "../src/text_zh_sentences";
import type { Campaign, CampaignVerdict } from "../src/types";

const round = (value: number | null, high: number | null, cap: number | null) => ({ figure: { value, high, cap_per_s: cap } });
const campaign = (figure: string, more: boolean, ...rounds: object[]) => ({ figure, more_is_better: more, rounds }) as unknown as Campaign;

test("values have the unit of their figure", () => {
  assert.deepEqual(["ok_rps", "bound", "p95(e2e)"].map((f) => figureValue(f, 1234)), ["1,234/s", "1,234", "1.23 s"]);
  assert.equal(figureValue("ok_rps", null), "–");
});

test("bars reach to the highest end; the workload's cap is drawn where it is near", () => {
  assert.deepEqual(scaleOf(campaign("ok_rps", true, round(21, 22, 50), round(31, null, 50))), { most: 50, cap: 50 });
  assert.deepEqual(scaleOf(campaign("ok_rps", true, round(5, 6, 50))), { most: 6, cap: null });
  assert.deepEqual(scaleOf(campaign("p95(e2e)", false, round(800, 900, 50))), { most: 900, cap: null });
  assert.deepEqual(scaleOf(campaign("ok_rps", true, round(null, null, null))), { most: 0, cap: null });
});

test("the Chinese verdict says what the English one says", () => {
  const tested: CampaignVerdict = { kind: "better", text: "", reasons: [], tested: true, delta: 0.43, low: 0.37, high: 0.5, n: [5, 5], p: 0.0079, p_least: 0.0079, spread: 0.03 };
  assert.equal(campaignVerdictZh(tested, "a"), "比“a”更好：+43 %（95 %：+37 … +50 %，n = 5 + 5，运行间离散 3.0 %，Mann-Whitney p = 0.0079，为此 n 下的最小值）");
  const one: CampaignVerdict = { kind: "inconclusive", text: "", reasons: [], tested: false, delta: -0.032, low: -0.05, high: -0.01, n: [1, 1] };
  assert.match(campaignVerdictZh(one, "a"), /^与“a”相比尚无定论：-3\.2 %（运行内 95 %：-5\.0 … -1\.0 %，n = 1 \+ 1）：不含重启与日间波动，不算检验$/);
  const none: CampaignVerdict = { kind: null, text: "", reasons: ["other loads: 'a' had 20 users, 'b' 50 users"] };
  assert.equal(campaignVerdictZh(none, "a"), "与“a”不可比：负载不同：'a' 为 20 users，'b' 为 50 users");
});

test("what holds a round is a name of the target's, or the users", () => {
  assert.deepEqual(["dify-api.cpu", "dify-api.cpu (2 of 3)", "the users"].map(zh.heldByName), ["dify-api.cpu", "dify-api.cpu（3 次中 2 次）", "用户数"]);
});

test("notes of a campaign are known in Chinese", () => {
  for (const note of ["2 changes at once: what is seen is of all of them together", "the prediction was said after its first trial had begun: it is not scored",
    "100 users who pause 2.00 s between two requests can't pass 49.9/s, whatever the target does, and this round is at 97 % of that: it is at the cap of its workload, not of the target. More users, a --rate, or spate capacity show more",
    "no change is written down: against 'a' this shows how much runs differ by themselves"]) assert.notEqual(sentenceZh(note), note);
});
