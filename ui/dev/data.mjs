// Generated data in the shape of docs/web-api.md: a small queueing toy, so that the numbers of a tick, of the totals and
// of the history belong together. For the page's development and its tests; nothing of it is a measurement.

export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(next() || 1e-9)) * Math.cos(2 * Math.PI * next());
  return { next, lognormal: (median, sigma) => median * Math.exp(sigma * normal()) };
}

const bucketOf = (ms) => Math.max(0, Math.floor(8 * Math.log2(ms / 0.1)));
const rank = (sorted, p) => sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];

function spread(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const heat = new Map();
  for (const v of sorted) heat.set(bucketOf(v), (heat.get(bucketOf(v)) ?? 0) + 1);
  return { n: sorted.length, p50: rank(sorted, 50), p95: rank(sorted, 95), p99: rank(sorted, 99), max: sorted[sorted.length - 1], heat: [...heat].sort((a, b) => a[0] - b[0]) };
}

export function hist(values) {
  if (values.length === 0) return null;
  const s = [...values].sort((a, b) => a - b);
  const mean = s.reduce((a, b) => a + b, 0) / s.length;
  const stdev = Math.sqrt(s.reduce((a, b) => a + (b - mean) ** 2, 0) / s.length);
  const at = (p) => rank(s, p);
  return { count: s.length, min: s[0], mean, stdev, p50: at(50), p75: at(75), p90: at(90), p95: at(95), p99: at(99), p999: at(99.9), max: s[s.length - 1] };
}

const metrics = ["ttfb", "ttft", "itl", "e2e"];
const kinds = [
  { name: "simple chat", user_class: "ChatUser", task: "simple chat", share: 0.5, ttfb: 8, ttft: 160, itl: 0, tokens: 1, knee: 110 },
  { name: "complex chat", user_class: "ChatUser", task: "complex chat", share: 0.3, ttfb: 8, ttft: 920, itl: 21, tokens: 24, knee: 90 },
  { name: "file retrieval", user_class: "RetrieveUser", task: "retrieve", share: 0.2, ttfb: 150, ttft: 0, itl: 0, tokens: 0, knee: 200 },
];
const nodeKinds = [
  ["Start", "start", 1.4, 1], ["LLM", "llm", 1064, 0.6], ["Weather", "tool", 250, 0.6], ["Knowledge", "knowledge-retrieval", 188, 0.6],
  ["Function call", "tool", 165, 0.6], ["Department", "if-else", 20, 0.6], ["Answer", "answer", 85, 1],
];
const outcomes = ["ok", "http_status", "stream_error", "truncated", "timeout", "connect", "reset", "protocol", "check", "abandoned", "cancelled"];

/** A run that makes one tick a call of step(). */
export class FakeRun {
  constructor({ id = "20261128-205710-343980", name = "dify:three-scenarios", plan = "dify:three-scenarios", host = "http://127.0.0.1:5001", seed = 1, users = 50,
    spawnRate = 10, runTime = null, stages = [], slos = ["p95(ttft) < 1500ms", "failed_share < 1%"], tags = {}, started = new Date().toISOString(), warmUp = 0,
    kind = "users", valid = true, faults = true, slow = 1 }) {
    Object.assign(this, { users, spawnRate, runTime, warmUp, valid, faults, slow, kind });
    this.random = random(seed);
    this.begin = { id, name, plan, host, started, version: "0.1.0", seed, tags, load: { kind, users_mean: null, in_flight_mean: null, arrivals: null }, run_time_s: runTime, stages, slos, kind };
    this.now = 0;
    this.level = 0;
    this.ending = 0;
    this.log = [{ t: 0, level: "info", text: `run ${id} of ${plan} begins: ${users} users, seed ${seed}` }];
    this.ticks = [];
    this.clear();
  }

  /** Statistics anew: what is shown from here on. */
  clear() {
    this.ticks = [];
    this.from = this.now;
    this.errors = new Map();
    this.samples = Object.fromEntries(kinds.map((k) => [k.name, { started: 0, ok: 0, failed: 0, tokens: 0, stalls: 0, failedE2e: [], out: {}, ...Object.fromEntries(metrics.map((m) => [m, []])) }]));
    this.nodes = nodeKinds.map(([title, type]) => ({ title, type, values: [] }));
    this.bytes = 0;
    this.events = 0;
  }

  target() {
    const stage = this.begin.stages.filter((s) => s.begin_s <= this.now).pop();
    if (!stage) return this.users;
    const share = stage.hold_s ? Math.min(1, (this.now - stage.begin_s) / stage.hold_s) : 1;
    return Math.round(stage.from + (stage.to - stage.from) * share);
  }

  step() {
    this.now++;
    const goal = this.ending ? 0 : this.target();
    const speed = this.ending ? 60 : this.begin.stages.length ? 1e9 : this.spawnRate;
    this.level += Math.max(-speed, Math.min(speed, goal - this.level));
    const { next, lognormal } = this.random;
    const requests = [];
    const all = Object.fromEntries(metrics.map((m) => [m, []]));
    let ok = 0, failed = 0, events = 0, good = 0;
    for (const kind of kinds) {
      const crowd = (1 + Math.max(0, this.level / kind.knee - 0.4) ** 2 * 2.2) * this.slow;
      const n = Math.round(this.level * kind.share * (0.26 / Math.sqrt(crowd)) * (0.8 + 0.4 * next()));
      const mine = { ...Object.fromEntries(metrics.map((m) => [m, []])) };
      const sum = this.samples[kind.name];
      let okNow = 0, failedNow = 0;
      for (let i = 0; i < n; i++) {
        sum.started++;
        if (this.faults && this.level > 95 && next() < 0.02 * (this.level / 100) ** 3) {
          failedNow++;
          this.fail(kind, next(), sum);
          continue;
        }
        okNow++;
        const ttfb = lognormal(kind.ttfb * crowd, 0.3);
        mine.ttfb.push(ttfb);
        let e2e = ttfb + lognormal(6, 0.2);
        if (kind.ttft) {
          const ttft = ttfb + lognormal(kind.ttft * crowd, 0.16);
          mine.ttft.push(ttft);
          e2e = ttft + 4;
          for (let g = 1; g < kind.tokens; g++) {
            const gap = next() < 0.0006 * crowd ? lognormal(1150, 0.1) : lognormal(kind.itl * Math.sqrt(crowd), 0.22);
            if (gap > 1000) sum.stalls++;
            mine.itl.push(gap);
            e2e += gap;
          }
          events += kind.tokens + 6;
          sum.tokens += kind.tokens;
          nodeKinds.forEach(([, , median, share], k) => next() < share && this.nodes[k].values.push(lognormal(median * (k === 1 ? crowd : 1), 0.2)));
          if (ttft < 1500) good++;
        } else good++;
        mine.e2e.push(e2e);
      }
      for (const m of metrics) {
        all[m].push(...mine[m]);
        if (this.part() !== "warm") sum[m].push(...mine[m]);
      }
      sum.ok += okNow;
      sum.failed += failedNow;
      ok += okNow;
      failed += failedNow;
      if (okNow + failedNow > 0) requests.push({ name: kind.name, user_class: kind.user_class, task: kind.task, ok: okNow, failed: failedNow, ...Object.fromEntries(metrics.map((m) => [m, spread(mine[m])])) });
    }
    this.bytes += events * 480;
    this.events += events;
    const tick = {
      n: this.number = (this.number ?? -1) + 1, t: this.now, part: this.part(), users: this.level, users_target: goal, in_flight: Math.round(this.level * 0.55 * (0.9 + 0.2 * next())),
      rate_target: null, stage: Math.max(0, this.begin.stages.filter((s) => s.begin_s <= this.now).length - 1),
      rps: ok + failed, ok_rps: ok, failed_per_s: failed, goodput: good, events_per_s: events, in_bytes_per_s: events * 480,
      cpu_share: (this.valid ? 0.05 : 0.82) + this.level * 0.0006 + 0.02 * next(), lag_p99: (this.valid ? 0.4 : 14) + next(), late_starts: this.valid ? 0 : 3, dropped_starts: 0,
      requests, all: Object.fromEntries(metrics.map((m) => [m, spread(all[m])])),
    };
    this.ticks.push(tick);
    return tick;
  }

  part() {
    if (this.ending) return "drain";
    if (this.now <= this.warmUp) return "warm";
    return this.level < this.target() ? "ramp" : "steady";
  }

  fail(kind, dice, sum) {
    const [outcome, detail, remedy] = dice < 0.6
      ? ["http_status", "503 overloaded: no worker free", "the target or its gateway is overloaded or not ready: fewer users, or look at its log"]
      : dice < 0.85 ? ["stream_error", "internal_server_error: connection pool exhausted", "an error inside the target, told in the stream: its own log says which (often a pool that is used up)"]
        : ["truncated", "the stream ended after 12 events without message_end",
          "the stream ended without its last event: look for a worker that was killed or restarted, and for a gateway that limits a response's time"];
    const key = `${kind.name} ${outcome}`;
    const known = this.errors.get(key) ?? { name: kind.name, outcome, detail, count: 0, first_s: this.now - this.from, remedy };
    known.count++;
    if (known.count === 1) this.log.push({ t: this.now, level: "warn", text: `first ${outcome} of '${kind.name}': ${detail}` });
    this.errors.set(key, known);
    sum.out[outcome] = (sum.out[outcome] ?? 0) + 1;
    sum.failedE2e.push(30 + dice * 200);
  }

  summary(partial) {
    const seconds = Math.max(1, this.now - this.from);
    const of = (key) => Object.values(this.samples).reduce((sum, s) => sum + s[key], 0);
    const good = this.ticks.reduce((sum, t) => sum + t.goodput, 0);
    const requests = kinds.filter((k) => this.samples[k.name].started > 0).map((k) => {
      const s = this.samples[k.name];
      const times = Object.fromEntries(metrics.map((m) => [m, hist(s[m])]));
      return {
        name: k.name, user_class: k.user_class, task: k.task, role: "load", count: s.started, ok: s.ok, failed: s.failed, rps: (s.ok + s.failed) / seconds,
        outcomes: { ...Object.fromEntries(outcomes.map((o) => [o, s.out[o] ?? 0])), ok: s.ok },
        metrics: { ...times, ttfe: times.ttfb, tpot: null, max_gap: null, wait: hist(s.ttfb.map((v) => v / 40)), dns: null, connect: null, tls: null, ttfr: null, server_ttft: null },
        failed_metrics: { e2e: hist(s.failedE2e) }, stalls: s.stalls, tokens: { events: s.tokens, reported_prompt: 0, reported_completion: s.tokens },
      };
    });
    const ended = of("ok") + of("failed");
    const worst = Math.max(0, ...requests.map((r) => r.metrics.ttft?.p95 ?? 0));
    const share = ended ? of("failed") / ended : 0;
    const slo = this.begin.slos.map((expr) => expr.startsWith("p95(ttft)")
      ? { expr, value: worst, met: worst < 1500, unit: "ms", samples: ended, why: null, confidence: null, windows: null }
      : { expr, value: share, met: share < 0.01, unit: "share", samples: ended, why: null, confidence: null, windows: null });
    return {
      schema: "spate.summary/1", version: "0.1.0", ...(partial ? { partial: true } : {}),
      run: { id: this.begin.id, name: this.begin.name, plan: this.begin.plan, host: this.begin.host, started: this.begin.started, duration_s: this.now, measured_s: seconds, warm_up_s: this.warmUp,
        users_max: Math.max(0, ...this.ticks.map((t) => t.users)), threads: 2, seed: this.begin.seed, tags: this.begin.tags, interrupted: false, aborted: null },
      validity: {
        valid: this.valid,
        reasons: this.valid ? [] : ["engine thread 1 of 2 was 86 % busy (limit 80 %): times include the generator's own queueing; use more --threads or another machine",
          "bytes waited for the generator: lag p99 14.6 ms between the kernel's receive and our read (limit 10 ms); use more --threads, fewer users or another machine"],
        generator: { cpu_share: this.valid ? 0.11 : 0.86, loop_lag_ms: hist([0.3, 0.4]), lag_ms: hist(this.valid ? [0.2, 0.3, 0.9] : [9, 12, 14.6]), late_starts: this.valid ? 0 : 211, dropped_starts: 0, threads: [] },
        little: { closure_error: 0.006 }, notes: ["the target is on this machine: it shares the CPU with the generator"],
      },
      totals: { started: of("started"), ok: of("ok"), failed: of("failed"), abandoned: 0, cancelled: 0, rps: ended / seconds, ok_rps: of("ok") / seconds, goodput: good / seconds, events: this.events,
        events_per_s: this.events / seconds, bytes_in: this.bytes, bytes_out: ended * 390, rate_limited: 0, open_at_end: { count: 0, oldest: null, streams: 0, without_first_token: 0 } },
      requests, nodes: this.nodes.filter((n) => n.values.length > 0).map((n) => ({ title: n.title, type: n.type, count: n.values.length, failed: 0, elapsed: hist(n.values) })),
      errors: [...this.errors.values()], slo, custom: [], load: { kind: this.kind, users_mean: this.ticks.reduce((s, t) => s + t.users, 0) / Math.max(1, this.ticks.length), in_flight_mean: this.users * 0.55, arrivals: null },
      stages: [], notes: [],
    };
  }

  page(partial) {
    return { schema: "spate.page/1", begin: this.begin, ticks: this.ticks, summary: this.summary(partial), log: this.log };
  }

  /** The whole run at once. */
  all(seconds) {
    while (this.now < seconds) this.step();
    this.ending = 1;
    for (let i = 0; i < 3; i++) this.step();
    this.log.push({ t: this.now, level: "info", text: "the run has ended; every request has an outcome" });
    return this;
  }
}

const stages = [{ from: 50, to: 50, hold_s: 150, begin_s: 0 }, { from: 100, to: 100, hold_s: 150, begin_s: 150 }, { from: 150, to: 150, hold_s: 150, begin_s: 300 }];
export const pastRuns = () => [
  new FakeRun({ id: "20261127-181502-1201", name: "three steps", stages, users: 150, runTime: 450, warmUp: 20, seed: 5, tags: { branch: "main" }, started: "2026-11-27T18:15:02Z" }).all(450),
  new FakeRun({ id: "20261127-170911-1177", name: "pool 20 → 40", users: 60, runTime: 180, seed: 7, tags: { pool: "40" }, started: "2026-11-27T17:09:11Z", slow: 0.8 }).all(180),
  new FakeRun({ id: "20261127-164000-1163", name: "pool 20 → 40", users: 60, runTime: 180, seed: 8, tags: { pool: "20" }, started: "2026-11-27T16:40:00Z" }).all(180),
  new FakeRun({ id: "20261126-090000-0933", name: "too much for one thread", users: 120, runTime: 60, seed: 9, started: "2026-11-26T09:00:00Z", valid: false }).all(60),
];
