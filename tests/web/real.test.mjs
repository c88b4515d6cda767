// The page through real runs: spate serve against spate mock, numbers on the page held to the program's own JSON.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test as plainTest } from "node:test";
import { id, launch, number, openPage, rowsOf, until, waitMs } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);
const spate = process.env.SPATE;
if (!spate) throw new Error("SPATE names the binary");
const folder = mkdtempSync(join(tmpdir(), "spate-web-"));
const busy = 4; // the exit code where this machine was too busy for the times to be trusted
const keys = { simple_key: "app-simple", complex_key: "app-complex", dataset_key: "dataset-demo", dataset: "demo" };
// Nothing of this machine's own history, and no key from its environment.
const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SPATE_"))), XDG_DATA_HOME: folder };

let browser, mock, serving, page;

/** Starts it and waits for the URL that it prints. */
async function begin(...args) {
  const child = spawn(spate, args, { env, cwd: folder });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  child.said = () => said;
  child.ended = new Promise((resolve) => child.on("exit", resolve));
  child.url = await until(`${args[0]} to listen`, () => {
    if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended: ${said}`);
    return /http:\/\/[\d.]+:\d+/.exec(said)?.[0];
  });
  return child;
}

async function end(child) {
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), waitMs);
  await child.ended;
  clearTimeout(timer);
  assert.doesNotMatch(child.said(), /Sanitizer|runtime error:/);
}

const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

before(async () => {
  browser = await launch();
  mock = await begin("mock", "-l", "127.0.0.1:0");
});
after(async () => {
  await browser.close();
  if (serving) await end(serving); // a skipped test has no afterEach
  await end(mock);
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await page?.finish();
  page = null;
  if (serving) await end(serving);
  serving = null;
});

const serve = async (...more) => (serving = await begin("serve", `--web=127.0.0.1:${await freePort()}`, ...more));
const open = async (hash = "", options) => (page = await openPage(browser, `${serving.url}/${hash}`, options));
const text = (name) => page.textContent(id(name));
const json = async (path) => (await fetch(serving.url + path)).json();

async function startFromForm({ users = "8", runTime = "4s" } = {}) {
  await page.waitForSelector("input[value='dify:three-scenarios']", { state: "attached" });
  await page.check("input[value='dify:three-scenarios']", { force: true });
  await page.fill("#host", mock.url);
  for (const [name, value] of Object.entries(keys)) await page.fill(`#set-${name}`, value);
  await page.fill("#users", users);
  await page.fill("#spawn-rate", "");
  await page.fill("#run-time", runTime);
  await page.click(id("start"));
  await page.waitForSelector(id("chart-throughput"));
}

const isOver = () => until("the end of the run", async () => ["ended", "interrupted"].includes(await text("run-state")));

/** The page's tables against SUMMARY. */
async function holdToSummary(summary) {
  await until("the last summary", async () => Number(await page.getAttribute(id("tile-rps"), "data-value")) === summary.totals.rps);
  const rows = await rowsOf(page, "requests-table");
  assert.equal(rows.length, summary.requests.length);
  for (const own of summary.requests) {
    const row = rows.find((r) => r.name.startsWith(own.name));
    assert.deepEqual([number(row.count), number(row.ok), number(row.failed)], [own.count, own.ok, own.failed], own.name);
    if (!own.metrics.e2e) assert.equal(row["e2e-p50"], "–");
    else assert.ok(Math.abs(number(row["e2e-p50"]) - own.metrics.e2e.p50) <= Math.max(0.5, own.metrics.e2e.p50 * 0.005), `${row["e2e-p50"]} is not ${own.metrics.e2e.p50}`);
  }
  const failures = summary.totals.failed / (summary.totals.ok + summary.totals.failed);
  assert.ok(Math.abs(number((await text("tile-failures")).split("%")[0]) - failures * 100) <= 0.05);
}

test("a run from the form to its end: the page says what the JSON says, and gives every output", async () => {
  await serve();
  await open();
  await startFromForm();
  const spoken = () => page.getAttribute(`${id("chart-throughput")} .plot`, "aria-label");
  const first = await spoken();
  await until("the chart moves", async () => (await spoken()) !== first);
  await isOver();
  await holdToSummary(await json("/api/summary"));
  const { outputs } = await json("/api/state");
  assert.ok(outputs.includes("html") && outputs.includes("json"), String(outputs));
  for (const kind of await page.$$eval(".menu a", (links) => links.map((link) => link.textContent))) {
    await page.click(".menu summary"); // it closes behind each
    const wanted = page.waitForEvent("download");
    await page.click(id(`out-${kind}`));
    const file = await (await wanted).path();
    const bytes = readFileSync(file, "utf8");
    assert.ok(bytes.length > 40, kind);
    for (const key of Object.values(keys).filter((k) => k !== "demo")) assert.ok(!bytes.includes(key), `${kind} has a key`);
    if (kind === "json") await holdToSummary(JSON.parse(bytes));
  }
});

test("users are changed on the run, a reload shows it all, the stop ends it, and a second run begins", async () => {
  await serve();
  await open();
  await startFromForm({ users: "4", runTime: "2m" });
  await page.fill(id("change-level"), "9");
  await page.click(id("change"));
  await until("9 users", async () => (await json("/api/data")).ticks.at(-1)?.users === 9);
  await until("the page", async () => /^Users\s*9/.test(await text("tile-users")));
  await page.reload();
  await page.waitForSelector(id("chart-throughput"));
  const other = await openPage(browser, serving.url, { locale: "zh-CN" });
  await other.waitForSelector(id("chart-throughput"));
  await page.click(id("stop"));
  await isOver();
  const summary = await json("/api/summary");
  assert.equal(summary.run.users_max, 9);
  await holdToSummary(summary);
  await until("the other browser", async () => Number(await other.getAttribute(id("tile-rps"), "data-value")) === summary.totals.rps);
  await other.finish();
  await page.click("a:has-text('New run')");
  await startFromForm({ runTime: "2s" });
  await until("another run", async () => (await json("/api/state")).begin.id !== summary.run.id);
  await isOver();
});

test("the statistics begin anew when asked to", async () => {
  await serve();
  await open();
  await startFromForm({ runTime: "2m" });
  await until("some seconds", async () => (await json("/api/data")).ticks.length > 4);
  await page.click(id("reset"));
  const { first } = await until("the reset", async () => {
    const state = await json("/api/state");
    return state.first > 0 && state;
  });
  await until("the page", async () => (await page.$$(id("chart-throughput"))).length === 0 || (await json("/api/data")).ticks[0]?.n >= first);
  await page.click(id("stop"));
  await isOver();
});

test("errors, nodes, validity, log and distribution say what the JSON says", async () => {
  await serve();
  await open();
  const settings = { ...keys, dataset_key: "dataset-of-nobody" };
  const options = { users: "6", "run-time": "4s", "warm-up": "1s", name: "with a wrong key" };
  await fetch(`${serving.url}/api/run`, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ plan: "dify:three-scenarios", host: mock.url, settings, options }) });
  await page.waitForSelector(id("chart-throughput"));
  await isOver();
  const summary = await json("/api/summary");
  await holdToSummary(summary);
  const error = summary.errors[0];
  const row = (await rowsOf(page, "errors-table"))[0];
  assert.ok(row.what.includes(error.detail) && row.what.includes(error.remedy), row.what);
  assert.equal(number(row.count), error.count);
  const [minutes, seconds] = row.first.split(":").map(Number);
  assert.ok(Math.abs(minutes * 60 + seconds - (summary.run.warm_up_s + error.first_s)) <= 0.5, `${row.first} is not ${error.first_s} behind the warm-up`);
  assert.equal((await page.getAttribute(id("validity"), "data-light")) === "red", !summary.validity.valid);
  const nodes = await page.$$eval(`${id("nodes")} tbody tr`, (rows) => rows.map((r) => [r.cells[0].textContent, r.cells[2].textContent]));
  assert.equal(nodes.length, summary.nodes.length);
  assert.ok(Math.abs(nodes.reduce((sum, [, share]) => sum + number(share), 0) - 100) <= 0.05 * nodes.length, String(nodes));
  const { log } = await json("/api/data");
  for (const line of log) assert.ok((await text("log")).includes(line.text), line.text);
  assert.ok(log.length > 0);
  const complex = summary.requests.find((r) => r.name === "complex chat");
  await page.selectOption(id("request-pick"), { label: "complex chat" });
  const said = /p95 ([\d.,]+) (m?s)/.exec(await page.getAttribute(`${id("dist-e2e")} svg`, "aria-label"));
  const p95 = number(said[1]) * (said[2] === "s" ? 1000 : 1);
  assert.ok(Math.abs(p95 - complex.metrics.e2e.p95) <= complex.metrics.e2e.p95 * 0.005, `${p95} is not ${complex.metrics.e2e.p95}`);
  await page.goto(`${serving.url}/#/history/${summary.run.id}`); // and so it is kept
  await page.waitForSelector(id("errors-table"));
  await holdToSummary(summary);
  for (const line of log) assert.ok((await text("log")).includes(line.text), line.text);
});

test("stages, what runs, then a rate from the form; the rate is changed on the run", async () => {
  await serve();
  await open();
  const fill = async () => {
    await page.waitForSelector("input[value='dify:three-scenarios']", { state: "attached" });
    await page.check("input[value='dify:three-scenarios']", { force: true });
    await page.fill("#host", mock.url);
    for (const [name, value] of Object.entries(keys)) await page.fill(`#set-${name}`, value);
  };
  await fill();
  const classes = await page.$$eval(".checks label", (labels) => labels.map((label) => label.firstElementChild.nextSibling.textContent.trim()));
  assert.ok(classes.length > 1, String(classes));
  for (const name of classes.slice(1)) await page.uncheck(`.checks label:has-text("${name}") input`);
  await page.check("input[name=kind][value=stages]", { force: true });
  await page.fill("#stages", "2:1s,2..4:1s,4:1s");
  await page.fill("#slo-0", "p95(e2e) < 1ms");
  await page.click(id("start"));
  await isOver();
  const staged = await json("/api/data");
  assert.deepEqual(staged.begin.stages.map((s) => [s.from, s.to, s.begin_s]), [[2, 2, 0], [2, 4, 1], [4, 4, 2]]);
  assert.deepEqual([...new Set(staged.summary.requests.map((r) => r.user_class))], [classes[0]]);
  assert.ok(staged.summary.slo.some((s) => s.expr === "p95(e2e) < 1ms" && !s.met));
  await until("the verdict", async () => /missed/.test(await text("slos")));
  await page.click("a:has-text('New run')");
  await fill();
  await page.check("input[name=kind][value=rate]", { force: true });
  await page.fill("#rate", "5/s");
  await page.fill("#run-time", "2m");
  await page.click(id("start"));
  await page.waitForSelector(id("change-level"));
  await until("the rate", async () => (await json("/api/data")).ticks.at(-1)?.rate_target === 5);
  await page.fill(id("change-level"), "20");
  await page.click(id("change"));
  await until("the new rate", async () => (await json("/api/data")).ticks.at(-1)?.rate_target === 20);
  await until("the chart", async () => /target 20/.test(await page.getAttribute(`${id("chart-throughput")} .plot`, "aria-label")));
  await page.click(id("stop"));
  await isOver();
});

test("bad input is told in the command line's own words", async () => {
  await serve();
  await open();
  await page.waitForSelector("#users");
  await page.fill("#users", "many");
  await page.waitForSelector("#users-fault");
  const said = await page.textContent("#users-fault");
  const cli = spawnSync(spate, ["run", "dify:chat", "-u", "many"], { env, encoding: "utf8" });
  assert.equal(cli.status, 2);
  assert.ok(cli.stderr.includes(said), `${said} is not in ${cli.stderr}`);
});

test("the server goes in the middle of a run and comes back: told, and found again", async () => {
  const port = await freePort();
  serving = await begin("serve", `--web=127.0.0.1:${port}`);
  await open();
  await startFromForm({ runTime: "2m" });
  serving.kill("SIGKILL");
  await serving.ended;
  await page.waitForSelector(id("lost"));
  serving = await begin("serve", `--web=127.0.0.1:${port}`);
  await page.waitForSelector(id("lost"), { state: "detached" });
  await page.waitForSelector(id("start")); // nothing runs there: the form
});

test("a run's page outlives it: it says so, keeps its numbers, and saves itself as a report that opens from disk", async () => {
  const port = await freePort();
  const run = await begin("run", "dify:chat", "-H", mock.url, "-e", "key=app-simple", "-u", "3", "-t", "4s", "--warm-up", "1s", `--web=127.0.0.1:${port}`, "--name", "gone <b>soon</b>");
  page = await openPage(browser, `http://127.0.0.1:${port}/`);
  await page.waitForSelector(id("chart-throughput"));
  assert.ok([0, busy].includes(await run.ended), run.said()); // nobody waits for the page
  await page.waitForSelector(id("over"));
  assert.match(await text("over"), /spate report \d+-\d+-\w+ --out/);
  assert.equal(await page.$(id("lost")), null);
  assert.equal(await text("run-state"), "ended");
  const files = {};
  for (const kind of ["json", "html"]) {
    await page.click(".menu summary");
    const wanted = page.waitForEvent("download");
    await page.click(id(`out-${kind}`));
    const download = await wanted;
    assert.match(download.suggestedFilename(), new RegExp(`^spate-\\d+-\\d+-\\w+\\.${kind}$`));
    files[kind] = readFileSync(await download.path(), "utf8");
  }
  const summary = JSON.parse(files.json);
  await holdToSummary(summary);
  const again = JSON.parse(execFileSync(spate, ["report", summary.run.id, "--out", "json=-"], { env, encoding: "utf8" }));
  assert.deepEqual(summary, again);
  await page.finish();
  const path = join(folder, "saved.html");
  writeFileSync(path, files.html);
  page = await openPage(browser, null, { offline: true });
  await page.goto(`file://${path}`);
  await page.waitForSelector(id("chart-throughput"));
  assert.match(await text("run-name"), /^gone <b>soon<\/b>/);
  await holdToSummary(summary);
});

test("the report is saved while the run goes on, and says that it does", async () => {
  await serve();
  await open();
  await startFromForm({ runTime: "2m" });
  await until("some seconds", async () => (await json("/api/data")).ticks.length > 2);
  await page.click(".menu summary");
  const wanted = page.waitForEvent("download");
  await page.click(id("out-html"));
  const path = join(folder, "so-far.html");
  await (await wanted).saveAs(path);
  await page.click(id("stop"));
  await isOver();
  await page.finish();
  page = await openPage(browser, null, { offline: true });
  await page.goto(`file://${path}`);
  await page.waitForSelector(id("chart-throughput"));
  assert.match(await text("run-state"), /goes on/);
  assert.match(await text("story"), /so far/);
});

test("the built-in plans speak Chinese on a Chinese page", async () => {
  await serve();
  await open("#/start", { locale: "zh-CN" });
  await page.waitForSelector(".cards label");
  const chinese = /[\u4e00-\u9fff]/;
  for (const plan of await json("/api/plans")) {
    await page.check(`input[value='${plan.name}']`, { force: true });
    const said = await page.textContent(`.cards label:has(input[value='${plan.name}']) span`);
    assert.match(said, chinese, plan.name);
    for (const param of plan.params) {
      const hint = await page.$(`#set-${param.name}-hint`);
      if (hint) assert.match(await hint.textContent(), chinese, `${plan.name} ${param.name}`);
    }
  }
});

test("try shows each event of a stream, and its times", async () => {
  await serve();
  await open("#/try");
  await page.selectOption("#try-plan", "dify:chat");
  await page.fill("#try-host", mock.url);
  await page.fill("#try-set-key", "app-complex");
  await page.click(id("try-go"));
  await page.waitForSelector(`${id("exchange")} .badge.on`);
  const kinds = await page.$$eval(`${id("exchange")} tbody tr`, (rows) => rows.map((row) => row.className));
  assert.ok(kinds.filter((kind) => kind === "token").length > 10, String(kinds));
  assert.ok(kinds.includes("node") && kinds.includes("end"), String(kinds));
  assert.match(await page.textContent(".numbers"), /First token/);
  await page.setViewportSize({ width: 360, height: 740 }); // its answer comes at the very end of its line
  await page.fill("#try-set-key", "app-simple");
  await page.click(id("try-go"));
  await until("the other app's answer", async () => (await page.$$(`${id("exchange")} .badge.on`)).length === 1 && (await page.$$(`${id("exchange")} tr.token`)).length < 5);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than the page");
});

test("a report of the command line opens from disk without a network, and agrees with its JSON", async () => {
  const at = (name) => join(folder, name);
  const run = spawnSync(spate, ["run", "dify:three-scenarios", "-H", mock.url, ...Object.entries(keys).flatMap(([k, v]) => ["-e", `${k}=${v}`]), "-u", "8", "-t", "3s", "-q",
    "--name", "</script><b>name", "--out", `html=${at("r.html")}`, "--out", `json=${at("r.json")}`], { env, encoding: "utf8" });
  assert.ok([0, busy].includes(run.status), run.stderr);
  page = await openPage(browser, null, { offline: true });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`file://${at("r.html")}`);
  await page.waitForSelector(id("story"));
  assert.equal((await text("run-name")).startsWith("</script><b>name"), true);
  await holdToSummary(JSON.parse(readFileSync(at("r.json"), "utf8")));
  assert.equal(asked.filter((url) => !url.startsWith("data:")).length, 1);
  for (const key of ["app-simple", "app-complex", "dataset-demo"]) assert.ok(!readFileSync(at("r.html"), "utf8").includes(key));
});

test("history: two runs are in the list, shown and laid over each other", async (t) => {
  await serve();
  if (!(await json("/api/state")).can.history) return t.skip("this build keeps no history");
  await open();
  for (const users of ["3", "3"]) {
    await page.goto(`${serving.url}/#/start`);
    await startFromForm({ users, runTime: "3s" });
    await isOver();
  }
  await page.goto(`${serving.url}/#/history`);
  await page.waitForSelector(id("history-table"));
  const boxes = await page.$$(`${id("history-table")} input`);
  assert.ok(boxes.length >= 2);
  await boxes[0].check();
  await boxes[1].check();
  await page.click(id("compare-go"));
  await page.waitForSelector(".compare");
  return undefined;
});
