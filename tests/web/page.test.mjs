// The page over the fake server of ui/dev: every view, by mouse and by keys, in both languages and themes.
import assert from "node:assert/strict";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test as plainTest } from "node:test";
import { campaign, startFake } from "../../ui/dev/fake.mjs";
import { accessFaults, id, launch, number, openPage, rowsOf, until } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);
let browser, fake, page;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => (fake = await startFake({ tickMs: 60 })));
afterEach(async () => {
  await page?.finish();
  page = null;
  await fake.close();
});

const open = async (hash = "", options) => (page = await openPage(browser, fake.url + hash, options));
const text = (name) => page.textContent(id(name));
const calls = (path) => fake.calls.filter((call) => call.path === path);

test("a run from the form: what was typed goes out, the charts move, the totals are the server's", async () => {
  await open("#/start");
  await page.fill("#set-key", "app-secret");
  assert.equal(await page.getAttribute("#set-key", "type"), "password");
  await page.fill("#users", "40");
  await page.fill("#spawn-rate", "20");
  await page.click("summary:has-text('More options')");
  await page.fill("#name", "from the form");
  await page.click(id("start"));
  await page.waitForSelector(id("chart-ttft"));
  assert.equal(await text("run-name").then((t) => t.startsWith("from the form")), true);
  const sent = calls("/api/run")[0].body;
  assert.deepEqual(sent.settings, { key: "app-secret" });
  assert.equal(sent.options.users, "40");
  assert.equal(sent.options.name, "from the form");
  const spoken = () => page.getAttribute(`${id("chart-throughput")} .plot`, "aria-label");
  const first = await spoken();
  await until("the chart moves", async () => (await spoken()) !== first);
  await until("all users", async () => number((await text("tile-users")).replace(/target.*/, "")) === 40);
  fake.stop();
  await until("the end", async () => (await text("run-state")) === "ended");
  const summary = fake.run.summary();
  await until("the totals", async () => Number(await page.getAttribute(id("tile-rps"), "data-value")) === summary.totals.rps);
  for (const row of await rowsOf(page, "requests-table")) {
    const own = summary.requests.find((r) => row.name.startsWith(r.name));
    assert.equal(number(row.count), own.count);
    assert.equal(number(row.ok), own.ok);
    assert.equal(number(row.failed), own.failed);
  }
});

test("bad input is told beside its field, in the server's words, as it is typed", async () => {
  await open("#/start");
  await page.fill("#users", "many");
  await page.waitForSelector("#users-fault");
  assert.equal(await page.textContent("#users-fault"), "'many' is no number of users (1 to 1,000,000)");
  assert.equal(await page.getAttribute("#users", "aria-invalid"), "true");
  assert.match(await page.getAttribute("#users", "aria-describedby"), /users-fault/);
  await page.fill("#users", "5");
  await page.waitForSelector("#users-fault", { state: "detached" });
  await page.fill("#slo-1", "p95(ttft)");
  await page.waitForSelector("#slo-1-fault");
  await page.fill("#slo-1", "");
  await page.click(id("start")); // the key is missing
  await page.waitForSelector("#set-key-fault");
  assert.equal(await page.evaluate(() => document.activeElement.id), "set-key");
  assert.equal(calls("/api/run").length, 0);
  await page.check("input[value='dify:chat']", { force: true });
  await page.fill("#set-key", "x");
  await page.fill("#host", "");
  await page.click(id("start")); // refused by the server
  await page.waitForSelector("#host-fault");
});

test("the run is steered from the page: users, statistics anew, end", async () => {
  fake.launch({ users: 10, spawnRate: 100 });
  await open();
  await page.waitForSelector(id("change-level"));
  await page.fill(id("change-level"), "25");
  await page.fill(id("change-speed"), "50");
  await page.click(id("change"));
  await until("the call", () => calls("/api/users").length > 0);
  assert.deepEqual(calls("/api/users")[0].body, { users: 25, spawn_rate: 50 });
  await until("25 users", async () => /^Users\s*25/.test(await text("tile-users")));
  await page.fill(id("change-level"), "0");
  await page.click(id("change"));
  await until("the refusal", async () => (await page.textContent(id("controls-said")).catch(() => "")) === "users must be 1 to 1000000");
  const before = (await rowsOf(page, "requests-table")).reduce((sum, r) => sum + number(r.count), 0);
  await page.click(id("reset"));
  await until("fewer requests", async () => (await rowsOf(page, "requests-table")).reduce((sum, r) => sum + number(r.count), 0) < before);
  await page.click(id("stop"));
  await until("the end", async () => (await text("run-state")) === "ended");
  assert.deepEqual(calls("/api/stop")[0].body, { at_once: false });
});

test("downloads are named by the server", async () => {
  fake.launch({ users: 10 });
  await open();
  await page.click(".menu summary");
  const wanted = page.waitForEvent("download");
  await page.click(id("out-json"));
  assert.equal((await wanted).suggestedFilename(), "spate.json");
});

test("a reload shows the same run from its first second", async () => {
  fake.launch({ users: 10 });
  await open();
  await until("some seconds", () => fake.run.ticks.length > 10);
  await page.reload();
  await page.waitForSelector(id("heat-ttft"));
  await until("the whole", async () => /completed/.test(await page.getAttribute(`${id("chart-throughput")} .plot`, "aria-label")));
  assert.match(await page.getAttribute(`${id("heat-ttft")} canvas`, "aria-label"), /First token/);
});

test("a server that goes away is told, and its return is found by itself", async () => {
  fake.launch({ id: "one", users: 10 });
  await open();
  await page.waitForSelector(id("chart-ttft"));
  const port = fake.port;
  await fake.close();
  await page.waitForSelector(id("lost"));
  assert.equal(await page.getAttribute(id("connection"), "data-state"), "lost");
  fake = await startFake({ tickMs: 60, port });
  fake.launch({ id: "two", name: "the second", users: 5 });
  await page.waitForSelector(id("lost"), { state: "detached" });
  await until("the other run", async () => (await text("run-name")).startsWith("the second"));
  await page.waitForSelector(id("chart-ttft"));
});

test("a server that wants its token says where to find it", async () => {
  fake.locked = true;
  await open();
  await page.waitForSelector(id("lost"));
  assert.match(await text("lost"), /\?token=/);
  fake.locked = false;
  await page.waitForSelector(id("lost"), { state: "detached" });
});

test("a short break asks only for what was missed", async () => {
  fake.launch({ id: "one", users: 10 });
  await open();
  await until("some seconds", () => fake.run.ticks.length > 5);
  const asked = fake.calls.length;
  fake.server.closeAllConnections();
  await until("it asks again", () => fake.calls.slice(asked).some((call) => call.path === "/api/live"));
  await page.waitForSelector(id("lost"), { state: "detached" });
  await until("it goes on", async () => (await page.getAttribute(id("connection"), "data-state")) === "live");
});

test("a laptop that slept: a dead line is found out when the page wakes, and what was missed comes", async () => {
  fake.launch({ id: "one", users: 10 });
  await open();
  await until("some seconds", () => fake.run.ticks.length > 5);
  const seen = async () => Number((await text("elapsed")).replace(/\D/g, ""));
  await until("them shown", async () => (await seen()) > 3);
  fake.mute = true;
  const asked = fake.calls.length;
  const still = await seen();
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  assert.ok((await seen()) <= still + 2, "nothing came, and nothing else was tried");
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  const call = await until("it asks again", () => fake.calls.slice(asked).find((c) => c.path === "/api/live"));
  assert.match(call.last, /^one:\d+$/);
  await until("what was missed", async () => (await seen()) > still + 20);
  assert.equal(await page.getAttribute(id("connection"), "data-state"), "live");
});

test("two browsers see the same run", async () => {
  fake.launch({ users: 10 });
  await open();
  const other = await openPage(browser, fake.url, { locale: "zh-CN" });
  await page.waitForSelector(id("chart-ttft"));
  await other.waitForSelector(id("chart-ttft"));
  await page.click(id("stop"));
  await until("both", async () => (await text("run-state")) === "ended" && (await other.textContent(id("run-state"))) === "已结束");
  assert.equal(await page.getAttribute(id("tile-rps"), "data-value"), await other.getAttribute(id("tile-rps"), "data-value"));
  await other.finish();
});

test("try: events as they come, the answer, its times", async () => {
  await open("#/try");
  await page.fill("#try-set-key", "app-x");
  await page.click(id("try-go"));
  await page.waitForSelector(`${id("exchange")} .badge.on`);
  const kinds = await page.$$eval(`${id("exchange")} tbody tr`, (rows) => rows.map((row) => row.className));
  assert.ok(kinds.filter((kind) => kind === "token").length > 5);
  assert.equal(kinds[kinds.length - 1], "end");
  assert.match(await page.textContent("blockquote"), /智能助手/);
  assert.match(await page.textContent(".numbers"), /First token140 ms/);
});

test("history: the list is filtered, one run is shown, two are compared", async () => {
  await open("#/history");
  await page.waitForSelector(id("history-table"));
  assert.equal((await rowsOf(page, "history-table")).length, 4);
  await page.fill(id("history-filter"), "pool=");
  assert.equal((await rowsOf(page, "history-table")).length, 2);
  for (const box of await page.$$(`${id("history-table")} input`)) await box.check();
  await page.click(id("compare-go"));
  await page.waitForSelector(id("compare-table"));
  const compared = await rowsOf(page, "compare-table");
  const [a, b] = ["20261127-164000-1163", "20261127-170911-1177"].map((run) => fake.past.find((p) => p.begin.id === run).summary());
  const first = compared.find((r) => r.name === "simple chat" && r.metric === "First token" && r.statistic === "p50");
  const value = (s) => s.requests.find((r) => r.name === "simple chat").metrics.ttft.p50;
  assert.ok(Math.abs(number(first.a) - value(a)) <= 0.5 && Math.abs(number(first.b) - value(b)) <= 0.5, JSON.stringify(first));
  assert.equal(first.verdict, "faster"); // the older run is A
  await page.goto(`${fake.url}#/compare/20261126-090000-0933/20261127-164000-1163`);
  await page.waitForSelector(id("not-comparable"));
  await page.goto(`${fake.url}#/history/20261127-181502-1201`);
  await page.waitForSelector(id("chart-ttft"));
  assert.equal(await text("tile-failures").then((t) => number(t.split("%")[0])), number((fake.past[0].summary().totals.failed / (fake.past[0].summary().totals.ok + fake.past[0].summary().totals.failed) * 100).toFixed(1)));
  await page.goto(`${fake.url}#/history/none`);
  await until("the fault", async () => /there is no run 'none'/.test(await page.textContent("main")));
});

test("campaigns: the list, one of them, its bars, table and words, in both languages", async () => {
  await open("#/campaigns");
  await page.click("a:has-text('tune')");
  await page.waitForSelector(id("campaign-table"));
  const rows = await rowsOf(page, "campaign-table");
  assert.deepEqual(rows.map((r) => r.round), campaign.rounds.map((r) => r.title));
  assert.deepEqual(rows.map((r) => r.verdict), ["", "better", "inconclusive"]);
  assert.equal(number(rows[1].figure), Number(campaign.rounds[1].figure.value.toPrecision(3)));
  assert.match(await page.getAttribute(id("campaign-bars"), "aria-label"), /baseline: 21\.3\/s; api 1\.2 CPU: 31\.3\/s/);
  const bars = await page.$$eval(`${id("campaign-bars")} .lane i`, (all) => all.map((bar) => bar.getBoundingClientRect().width));
  assert.ok(Math.abs(bars[1] / bars[0] - campaign.rounds[1].figure.value / campaign.rounds[0].figure.value) < 0.05);
  assert.equal(await page.locator(id("campaign-verdict")).first().textContent(), campaign.rounds[1].verdict.text);
  assert.equal(await page.locator("a[href^='#/history/20261123']").count(), 3);
  await page.click(id("lang"));
  assert.match(await page.locator(id("campaign-verdict")).first().textContent(), /^比“baseline”更好：\+47 %（95 %：\+39 … \+55 %，n = 3 \+ 3，/);
  assert.doesNotMatch(await page.textContent("main"), /trials before and after|changes at once/);
  await page.goto(`${fake.url}#/campaigns/nope`);
  await page.waitForSelector("text=there is no campaign of this name");
});

test("a campaign's report opens from disk, without links into a history that is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spate-report-"));
  const file = join(folder, "campaign.html");
  writeFileSync(file, fake.html.replace('id="page-data"></script>', () => `id="page-data">${JSON.stringify(campaign).replace(/</g, "\\u003c")}</script>`));
  page = await openPage(browser, `file://${file}`);
  await page.waitForSelector(id("campaign-bars"));
  assert.equal(await page.title(), "tune · spate");
  assert.equal(await page.locator("a[href^='#/history']").count(), 0);
  assert.deepEqual(await accessFaults(page), []);
  rmSync(folder, { recursive: true });
});

test("tables sort by a column, both ways; a percentile can be switched off", async () => {
  await open("#/history/20261127-181502-1201");
  await page.waitForSelector(id("requests-table"));
  const column = async () => (await rowsOf(page, "requests-table")).map((r) => number(r.ok));
  await page.click(`${id("requests-table")} th:has-text("Ok") button`);
  const down = await column();
  assert.deepEqual(down, [...down].sort((a, b) => b - a));
  await page.click(`${id("requests-table")} th:has-text("Ok") button`);
  assert.deepEqual(await column(), [...down].reverse());
  const legend = () => page.textContent(`${id("chart-ttft")} .legend`);
  assert.match(await legend(), /p99/);
  await page.click(".picks button:has-text('p99')");
  assert.doesNotMatch(await legend(), /p99/);
  await page.selectOption(id("request-pick"), { label: "complex chat" });
  await until("one request", async () => /gaps|Gaps/.test(await page.textContent(id("chart-itl"))));
});

test("dragging over a chart narrows all of them, and the distribution", async () => {
  await open("#/history/20261127-181502-1201");
  await page.waitForSelector(`${id("chart-ttft")} .u-over`);
  const whole = await page.textContent(id("dist-ttft"));
  await page.locator(`${id("chart-ttft")} .u-over`).scrollIntoViewIfNeeded();
  const box = await page.locator(`${id("chart-ttft")} .u-over`).boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await until("the range", async () => (await page.textContent(id("dist-ttft"))) !== whole);
  await page.click(".picks button:has-text('whole run')");
  await until("all again", async () => (await page.textContent(id("dist-ttft"))) === whole);
});

test("keys alone: from the top of the page to a run and its end", async () => {
  await open("#/start");
  await page.waitForSelector("#users");
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.testid || document.activeElement.textContent);
  const tabTo = async (wanted) => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === wanted) return;
    }
    throw new Error(`Tab does not reach ${wanted}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "main");
  await tabTo("set-key");
  await page.keyboard.type("app-x");
  await tabTo("start");
  await page.keyboard.press("Enter");
  await page.waitForSelector(id("stop"));
  await tabTo("stop");
  await page.keyboard.press("Space");
  await until("the end", async () => (await text("run-state")) === "ended");
});

test("the language and the theme are switched and stay", async () => {
  await open("#/history/20261127-181502-1201", { colorScheme: "dark" });
  await page.waitForSelector(id("story"));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.click(id("lang"));
  await until("Chinese", async () => /测了什么/.test(await text("story")));
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await page.click(id("theme"));
  await page.reload();
  await page.waitForSelector(id("story"));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  assert.match(await text("story"), /测了什么/);
});

for (const [width, locale, colorScheme] of [[1280, "en-US", "light"], [1280, "zh-CN", "dark"], [360, "zh-CN", "light"]]) {
  test(`access and width: ${width} px, ${locale}, ${colorScheme}`, async () => {
    fake.launch({ users: 20 });
    await open("", { viewport: { width, height: 800 }, locale, colorScheme });
    for (const hash of ["#/run", "#/start", "#/try", "#/history", "#/history/20261127-181502-1201", "#/history/20261126-090000-0933",
      "#/compare/20261127-164000-1163/20261127-170911-1177", "#/campaigns", "#/campaigns/tune"]) {
      await page.goto(fake.url + hash);
      await page.waitForSelector(hash === "#/run" ? id("chart-ttft") : "main h1");
      assert.deepEqual(await accessFaults(page), [], hash);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${hash} is wider than the page`);
    }
  });
}

test("a report opens from disk, with nothing asked of anybody", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spate-report-"));
  const file = join(folder, "report.html");
  const data = JSON.stringify(fake.past[0].page()).replaceAll("<", "\\u003c");
  writeFileSync(file, fake.html.replace('id="page-data"></script>', () => `id="page-data">${data}</script>`));
  page = await openPage(browser, null, { offline: true });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`file://${file}`);
  await page.waitForSelector(id("chart-ttft"));
  assert.deepEqual(asked.filter((url) => !url.startsWith("data:")), [`file://${file}`]);
  assert.match(await text("story"), /Asked/);
  assert.equal(await page.$("nav"), null);
  assert.deepEqual(await accessFaults(page), []);
  rmSync(folder, { recursive: true });
});
