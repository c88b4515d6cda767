// A server that speaks docs/web-api.md with generated data: node dev/fake.mjs [PORT]. Tests start it with startFake().
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { bundle } from "../build.mjs";
import { FakeRun, pastRuns } from "./data.mjs";

/** What `spate campaign show tune --json` says of the runs of tests/cli/fake_campaign.c. */
export const campaign = JSON.parse(readFileSync(new URL("campaign.json", import.meta.url), "utf-8"));

const plans = [
  {
    name: "campaign.lua", description: "The three scenarios against staging.", builtin: false, host: "http://127.0.0.1:5001", error: null, slos: ["p95(ttft) < 1500ms", "failed_share < 1%"],
    classes: [{ name: "ChatUser", weight: 3, tasks: [{ name: "simple chat", weight: 3 }, { name: "complex chat", weight: 1 }] }, { name: "RetrieveUser", weight: 1, tasks: [{ name: "retrieve", weight: 1 }] }],
    params: [
      { name: "key", description: "the app's API key (app-…)", default: null, secret: true, required: true, set: false },
      { name: "dataset", description: "id of the knowledge base", default: null, secret: false, required: true, set: true },
      { name: "query", description: "what each user asks", default: "请简单介绍一下你自己", secret: false, required: false, set: false },
    ],
    load: { users: "50", "spawn-rate": "10", "run-time": "5m", stages: null, rate: null, "in-flight": null },
  },
  {
    name: "dify:chat", description: "one question to a Dify chat app (chatbot, agent or chatflow), streamed.", builtin: true, host: "", error: null, slos: [],
    classes: [{ name: "ChatUser", weight: 1, tasks: [{ name: "chat", weight: 1 }] }],
    params: [{ name: "key", description: "the app's API key (app-…)", default: null, secret: true, required: true, set: false }], load: { users: "1" },
  },
  { name: "http", description: "GET one URL, again and again.", builtin: true, host: "", error: null, slos: [], classes: [{ name: "User", weight: 1, tasks: [{ name: "get", weight: 1 }] }],
    params: [{ name: "path", description: "the path behind --host", default: "", secret: false, required: false, set: false }], load: { users: "1" } },
  { name: "broken.lua", description: "", builtin: false, host: "", error: "broken.lua:3: '=' expected near 'users'", slos: [], classes: [], params: [], load: {} },
];

const readers = {
  users: (v) => /^\d+$/.test(v) || `'${v}' is no number of users (1 to 1,000,000)`,
  "spawn-rate": (v) => /^\d+(\.\d+)?$/.test(v) || `'${v}' is no number of users a second`,
  "run-time": (v) => /^(\d+(\.\d+)?(ms|s|m|h|d)?)+$/.test(v) || `'${v}' is no time: write 30s, 5m or 1h30m`,
  stages: (v) => v.split(",").every((s) => /^[\d.]+(\.\.[\d.]+)?:\d+[smh]$/.test(s.trim())) || `'${v}' is no list of stages: write 50:5m,100:5m`,
  rate: (v) => /^\d+(\.\d+)?(\/s)?$/.test(v) || `'${v}' is no rate: write 20/s`,
  slo: (list) => list.map((v) => /^\w+(\(\w+\))? [<>]=? /.test(v) || `'${v}': column ${v.length + 1}: a comparison is missing`).find((r) => r !== true) ?? true,
};

function check(options) {
  for (const [field, value] of Object.entries(options)) {
    const verdict = readers[field]?.(value) ?? true;
    if (verdict !== true) return { ok: false, field, error: verdict };
  }
  return { ok: true };
}

const stateOf = (fake) => ({
  version: "0.1.0", mode: "serve", phase: fake.phase, begin: fake.run?.begin ?? null, ticks: (fake.run?.number ?? -1) + 1, first: fake.first ?? 0, elapsed_s: fake.run?.now ?? 0,
  can: { start: fake.phase === "idle" || fake.phase === "ended", change: true, stop: true, history: true, try: true }, outputs: ["json", "html", "requests.csv", "failures.csv", "history.csv", "hdr"], now: new Date().toISOString(),
});

class Fake {
  constructor({ tickMs = 1000, port = 0 } = {}) {
    Object.assign(this, { tickMs, port, phase: "idle", run: null, past: pastRuns(), watchers: new Set() });
    this.calls = [];
    this.server = createServer((request, response) => this.route(request, response).catch((error) => this.json(response, 500, { error: String(error), field: null })));
  }

  async listen() {
    this.html = (await bundle()).html;
    await new Promise((resolve) => this.server.listen(this.port, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
    return this;
  }

  json(response, status, document, headers = {}) {
    response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
    response.end(JSON.stringify(document));
  }

  async route(request, response) {
    const url = new URL(request.url, "http://x");
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    this.calls.push({ method: request.method, path: url.pathname, body, last: request.headers["last-event-id"] });
    if (this.locked && url.pathname !== "/") return this.json(response, 401, { error: "the token is missing", field: null });
    const id = /^\/api\/history\/(.+)$/.exec(url.pathname)?.[1];
    if (id) return this.one(response, decodeURIComponent(id));
    const out = /^\/api\/out\/(.+)$/.exec(url.pathname)?.[1];
    if (out) return this.json(response, 200, this.run?.summary() ?? {}, { "Content-Disposition": `attachment; filename="spate.${out}"` });
    const handler = this.handlers()[`${request.method} ${url.pathname}`];
    return handler ? handler(body, response, request, url) : this.json(response, 404, { error: "there is no such path", field: null });
  }

  handlers() {
    const done = (response) => this.json(response, 200, {});
    return {
      "GET /": (_, response) => response.writeHead(200, { "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'" }).end(this.html),
      "GET /api/state": (_, response) => this.json(response, 200, stateOf(this)),
      "GET /api/plans": (_, response) => this.json(response, 200, plans),
      "GET /api/summary": (_, response) => this.json(response, 200, this.run.summary(this.phase !== "ended")),
      "GET /api/data": (_, response) => this.json(response, 200, this.run.page(this.phase !== "ended")),
      "GET /api/live": (_, response, request) => this.live(response, request),
      "GET /api/history": (_, response) => this.json(response, 200, { runs: this.past.map(row) }),
      "GET /api/campaigns": (_, response) => this.json(response, 200, { campaigns: [{ ...campaign, rounds: campaign.rounds.length }] }),
      "GET /api/campaign": (_, response, __, url) => (url.searchParams.get("name") === campaign.name ? this.json(response, 200, campaign)
        : this.json(response, 404, { error: "there is no campaign of this name", field: null })),
      "GET /api/compare": (_, response, __, url) => this.compare(response, url.searchParams.get("a"), url.searchParams.get("b")),
      "POST /api/check": (body, response) => this.json(response, 200, check(body.options)),
      "POST /api/run": (body, response) => this.start(body, response),
      "POST /api/stop": (body, response) => { this.stop(body.at_once); done(response); },
      "POST /api/users": (body, response) => {
        if (!(body.users >= 1)) return this.json(response, 400, { error: "users must be 1 to 1000000", field: "users" });
        Object.assign(this.run, { users: body.users, spawnRate: body.spawn_rate ?? 1e9 });
        this.run.begin.stages = [];
        return done(response);
      },
      "POST /api/rate": (_, response) => this.json(response, 409, { error: "this run's load is users, not a rate", field: null }),
      "POST /api/reset": (_, response) => { this.run.clear(); this.first = this.run.number + 1; this.tell("state", stateOf(this)); done(response); },
      "POST /api/try": (body, response) => this.try(response, body),
    };
  }

  one(response, id) {
    const found = this.past.find((run) => run.begin.id === id);
    return found ? this.json(response, 200, found.page()) : this.json(response, 404, { error: `there is no run '${id}' in the history`, field: null });
  }

  compare(response, a, b) {
    const [left, right] = [a, b].map((id) => this.past.find((run) => run.begin.id === id)?.summary());
    if (!left || !right) return this.json(response, 404, { error: "there is no such run", field: null });
    const rows = left.requests.flatMap((r) => ["ttft", "itl", "e2e"].flatMap((metric) => ["mean", "p50", "p95"].flatMap((statistic) => {
      const other = right.requests.find((x) => x.name === r.name)?.metrics[metric];
      if (!r.metrics[metric] || !other) return [];
      const ratio = other[statistic] / r.metrics[metric][statistic];
      const verdict = ratio < 0.97 ? "faster" : ratio > 1.03 ? "slower" : "no difference seen";
      return [{ name: r.name, user_class: r.user_class, task: r.task, metric, statistic, a: r.metrics[metric][statistic], b: other[statistic], ratio, low: ratio * 0.97, high: ratio * 1.03, verdict }];
    })));
    const comparable = left.run.users_max === right.run.users_max;
    return this.json(response, 200, { comparable, reasons: comparable ? [] : [`other users: ${left.run.users_max} and ${right.run.users_max}`],
      note: "one run a side: the intervals are of these two runs and leave out how much runs differ from day to day", rows });
  }

  start(body, response) {
    if (this.phase !== "idle" && this.phase !== "ended") return this.json(response, 409, { error: "a run is under way", field: null });
    const checked = check(body.options);
    if (!checked.ok) return this.json(response, 400, { error: checked.error, field: checked.field });
    if (body.plan === "dify:chat" && !body.host) return this.json(response, 400, { error: "the plan needs the target's address: --host URL", field: "host" });
    const begin = { id: `live-${Date.now()}`, name: body.options.name || body.plan, plan: body.plan, host: body.host, users: Number(body.options.users ?? 10),
      spawnRate: Number(body.options["spawn-rate"] ?? 1e9), slos: body.options.slo ?? [] };
    this.launch(begin);
    return this.json(response, 200, { id: begin.id });
  }

  launch(begin) {
    this.run = new FakeRun(begin);
    this.first = 0;
    this.phase = "spawning";
    this.tell("state", stateOf(this));
    this.timer = setInterval(() => this.tick(), this.tickMs);
  }

  tick() {
    const tick = this.run.step();
    this.tell("tick", tick, `${this.run.begin.id}:${tick.n}`);
    this.tell("summary", this.run.summary(this.phase !== "ended"));
    const phase = this.run.ending ? (this.run.level === 0 ? "ended" : "ending") : this.run.level < this.run.users ? "spawning" : "steady";
    if (phase === "ended") {
      clearInterval(this.timer);
      this.past.unshift(this.run);
    }
    if (phase !== this.phase) {
      this.phase = phase;
      this.tell("state", stateOf(this));
    }
  }

  stop() {
    this.run.ending = 1;
    this.run.log.push({ t: this.run.now, level: "info", text: "stop asked for: what is in flight may finish" });
    this.tell("log", this.run.log[this.run.log.length - 1]);
    this.phase = "ending";
    this.tell("state", stateOf(this));
  }

  live(response, request) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const send = (event, document, id) => response.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(document)}\n\n`);
    send("state", stateOf(this));
    const [run, n] = (request.headers["last-event-id"] ?? "").split(":");
    const after = this.run && run === this.run.begin.id ? Number(n) : -1;
    for (const tick of this.run?.ticks ?? []) if (tick.n > after) send("tick", tick, `${this.run.begin.id}:${tick.n}`);
    for (const line of this.run?.log ?? []) send("log", line);
    if (this.run) send("summary", this.run.summary(this.phase !== "ended"));
    this.watchers.add(send);
    const keep = setInterval(() => response.write(": keep\n\n"), 15_000);
    response.on("close", () => { this.watchers.delete(send); clearInterval(keep); });
  }

  tell(event, document, id) {
    if (this.mute) return; // as a line that is dead and does not know it
    for (const send of this.watchers) send(event, document, id);
  }

  async try(response, body) {
    if (!body.host) return this.json(response, 400, { error: "the plan needs the target's address: --host URL", field: "host" });
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const send = (event, document) => response.write(`event: ${event}\ndata: ${JSON.stringify(document)}\n\n`);
    send("request", { n: 0, name: "simple chat", method: "POST", url: `${body.host}/v1/chat-messages`, t: 0 });
    const events = [[6, "ping", "ping", null], [12, "workflow_started", "other", null], [14, "node_started", "node", "Start"], [120, "node_finished", "node", "LLM 104 ms"],
      ..."我是一个智能助手，可以回答问题、总结文章，也能调用工具。".match(/.{1,3}/gu).map((text, i) => [140 + i * 21 + (i % 3) * 4, "message", "token", text]), [420, "message_end", "end", null]];
    let last = 0;
    for (const [t, name, kind, text] of events) {
      await new Promise((resolve) => setTimeout(resolve, (t - last) * Math.min(1, this.tickMs / 1000)));
      last = t;
      send("event", { n: 0, t, name, kind, text, data: text === null ? { task_id: "t-1" } : null });
    }
    send("done", { n: 0, outcome: "ok", status: 200, detail: null, remedy: null, metrics: { ttfb: 5.1, ttft: 140, itl: null, e2e: 420 } });
    send("end", {});
    return response.end();
  }

  async close() {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function row(run) {
  const s = run.summary();
  const main = s.requests.find((r) => r.metrics.ttft);
  return { id: run.begin.id, name: run.begin.name, plan: run.begin.plan, host: run.begin.host, started: run.begin.started, duration_s: s.run.duration_s, state: "finished", users_max: s.run.users_max,
    rps: s.totals.rps, failed_share: s.totals.failed / Math.max(1, s.totals.ok + s.totals.failed), ttft_p95: main?.metrics.ttft.p95 ?? null, e2e_p95: main?.metrics.e2e.p95 ?? null,
    valid: s.validity.valid, slos_met: s.slo.length ? s.slo.every((x) => x.met) : null, tags: run.begin.tags };
}

export const startFake = (options) => new Fake(options).listen();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fake = await startFake({ port: Number(process.argv[2] ?? 8090) });
  console.log(`the page with generated data: ${fake.url}`);
}
