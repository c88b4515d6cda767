// Every text of the page in English. text_zh.ts has the same keys; the type holds it to them.
import { clock, count, digits, duration, percent, short, sloValue, time } from "./format";
import type { Fault, Light } from "./judge";
import type { CampaignVerdict, Hist, LoadKind } from "./types";

export interface Asked {
  plan: string;
  host: string;
  kind: LoadKind;
  stages: number;
  lowest: number;
  level: number;
  seconds: number | null;
  slos: string[];
}

export interface Came {
  running: boolean;
  seconds: number;
  completed: number;
  rps: number | null;
  failed: number;
  share: number | null;
  cancelled: number;
  requests: { name: string; ttft: Hist | null; itl: Hist | null; e2e: Hist | null }[];
}

export interface Believe {
  cpu: number | null;
  lag: number | null;
  few: boolean;
  close: boolean;
  undecided: string[];
  interrupted: boolean;
}

const level = (a: Asked): string => {
  const n = short(a.level);
  if (a.kind === "rate") return `up to ${n} tasks started each second`;
  if (a.kind === "in_flight") return `${n} requests held open`;
  return `${n} ${a.level === 1 ? "user" : "users"}`;
};

const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export const en = {
  otherLanguage: "中文",
  toLight: "Light theme",
  toDark: "Dark theme",
  skip: "Skip to the content",
  navigation: "Pages",
  navRun: "Run",
  navStart: "Start",
  navTry: "Try",
  history: "History",
  lasting: duration,
  loading: "Loading …",
  again: "Try again",
  connection: { connecting: "connecting …", live: "live", lost: "not connected", denied: "no access", over: "ended", none: "" } as Record<string, string>,
  notConnected: "Not connected to spate. The numbers stand still; this page connects again by itself as soon as spate answers.",
  isOver: "The run has ended, and spate answers no more. This page keeps what it has; the history has the run, and gives every output again:",
  notAllowed: "spate wants its token: open the address that it printed when it started, with ?token=…",
  nothingRuns: "Nothing runs. Start a test with spate run, or spate serve to start from here.",

  // what holds the target, and what watchers saw
  diagnosis: "What holds it",
  confidence: { none: "can't tell", low: "low confidence", medium: "medium confidence", high: "high confidence" } as Record<string, string>,
  witnesses: "Witnesses",
  alsoNear: "Near their limits too",
  exonerated: "Not it",
  notSeen: "Not seen",
  nextChange: "Next change",
  predicted: "Predicted",
  refutedBy: "Refuted by",
  risk: "Risk",
  targetSeen: "The target meanwhile",
  signalText: (_: string, what: string): string => what,
  allSignals: "All signals",
  signal: "signal",
  subject: "of",
  coveredTitle: "seen",
  howToSee: "how to see it again",
  settingsSeen: "Settings",
  limitOf: (subject: string): string => `${subject}: limit`,
  moreLines: (n: number) => `and ${n} more in the table`,
  watchedBy: (series: number, sources: number) => `${plural(series, "series", "series")} by ${plural(sources, "watcher")}`,

  // a run
  phase: { idle: "idle", spawning: "users coming", steady: "running", ending: "ending", ended: "ended" } as Record<string, string>,
  interrupted: "interrupted",
  soFar: "so far: it goes on",
  ownHosts: "addresses of the plan's own",
  downloads: "Download",
  print: "Print",
  output: {
    json: "the whole summary", html: "this page with its data", "requests.csv": "a row a request", "failures.csv": "a row an error",
    "history.csv": "a row a second", hdr: "HdrHistogram log", jsonl: "a line a request",
  } as Record<string, string>,
  users: "Users",
  inFlight: "in flight",
  inFlightMean: "requests in flight on average",
  target: "target",
  mostAtOnce: (mean: string) => `at most; ${mean} on average`,
  requestsPerSecond: "Requests a second",
  completedInAll: "completed",
  failures: "Failures",
  failedInAll: "failed",
  goodput: "Goodput",
  goodputSub: "met every limit of a request",
  goodputNoSlo: "no limits set: every ok request",
  noSamples: "No samples yet",
  samples: (n: string) => `${n} samples`,
  samplesTitle: "Samples",
  firstSecond: "The first second is not over yet.",
  noTicks: "No seconds were recorded for this run.",

  // in plain words
  story: "In plain words",
  storyAsked: "Asked",
  storyCame: "Came out",
  storyBelieve: "To be believed?",
  storyBroke: "Broke first",
  sentenceGap: " ",
  asked: (a: Asked) =>
    `${a.plan} with ${a.stages > 1 ? `${level({ ...a, level: a.level })} at most, in ${a.stages} stages from ${short(a.lowest)}` : level(a)}` +
    `${a.seconds ? ` for ${duration(a.seconds)}` : ", until stopped"}${a.host ? `, against ${a.host}` : ""}.` +
    (a.slos.length > 0 ? ` To be met: ${a.slos.join("; ")}.` : ""),
  came: (c: Came) => {
    const out = [
      `${plural(c.completed, "request")} completed in ${duration(c.seconds)}${c.running ? " so far" : ""} (${digits(c.rps)}/s), ` +
        (c.failed === 0 ? "none failed" : `${count(c.failed)} of them failed (${percent(c.share)})`) +
        (c.cancelled > 0 ? `; ${count(c.cancelled)} were cut by the end of the run` : "") + ".",
    ];
    for (const r of c.requests) {
      const parts: string[] = [];
      if (r.ttft) parts.push(`half of the answers began within ${time(r.ttft.p50)}, 95 % within ${time(r.ttft.p95)}`);
      if (r.itl) parts.push(`a token followed the other after ${time(r.itl.p50)} (p99 ${time(r.itl.p99)})`);
      if (r.e2e) parts.push(`the full response took ${time(r.e2e.p50)}, at p95 ${time(r.e2e.p95)}`);
      if (parts.length > 0) out.push(`“${r.name}”: ${parts.join("; ")}.`);
    }
    return out.join(" ");
  },
  nothingYet: "Nothing has come back yet.",
  nothingCame: "No request was started.",
  believeYes: (b: Believe) =>
    `Yes: spate kept up (busiest thread ${percent(b.cpu)} CPU, ${time(b.lag)} late at p99), so the times are the target's.` +
    (b.close ? " It came near its limits, though: give it more threads or another machine before asking for more." : "") +
    (b.few ? " But there are few requests: take p95 and p99 as rough." : "") +
    (b.undecided.length > 0 ? ` Too close to call: ${b.undecided.join("; ")}.` : "") +
    (b.interrupted ? " The run was ended before its time." : ""),
  believeNot: (reasons: string[]) => `No. ${reasons.map((r) => r.charAt(0).toUpperCase() + r.slice(1)).join(". ")}.`,
  nothingBroke: (slos: boolean): string => (slos ? "Nothing: no request failed and every service level was met." : "Nothing: no request failed."),
  nothingBrokeYet: (slos: boolean): string => (slos ? "Nothing so far: no failure, every service level is met." : "Nothing so far."),
  fault: (f: Fault) => {
    if (f.kind === "error") return `${en.outcome[f.outcome] ?? f.outcome} in “${f.name}” (${f.detail}), ${plural(f.count, "time")}${f.at !== null ? `, first after ${clock(f.at)}` : ""}`;
    if (f.kind === "slo") return f.value === null ? `${f.expr} (no value)` : `${f.expr} (is ${sloValue(f.value, f.unit)})`;
    if (f.kind === "stalls") return `${plural(f.count, "stall")} (gaps over 1 s) in “${f.name}”`;
    return `spate itself did not keep up${f.at !== null ? `, from ${clock(f.at)} on` : ""}`;
  },
  firstFault: (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
  furtherFaults: (texts: string[]) => `Missed as well: ${texts.join("; ")}.`,

  // trust
  validity: "Validity",
  light: {
    green: (running: boolean) => (running ? "Valid so far" : "Valid: the times are the target's"),
    amber: (running: boolean) => (running ? "Valid so far, with care" : "Valid, with care"),
    red: () => "Not valid: do not use these times",
    grey: () => "Nothing to judge yet",
  } as Record<Light, (running: boolean) => string>,
  fewSamples: "fewer than 100 requests: p95 and p99 are rough",
  closeToLimits: "the generator came near its limits: use more threads or another machine before asking for more",
  generatorFacts: (cpu: string, lag: string, late: string, dropped: string) =>
    `Generator: busiest thread ${cpu} CPU · lag p99 ${lag} · ${late} late starts · ${dropped} dropped`,
  valid: "valid",
  notValid: "not valid",
  slos: "Service levels",
  noSlos: "None given. With --slo 'p95(ttft) < 2s' a run says by itself whether it was good enough.",
  noValue: "no value",
  met: "met",
  missed: "missed",
  undecided: (low: string, high: string) => `too close to call: ${low} … ${high}`,

  // charts
  overTime: "Over time",
  chartPicks: "What the charts show",
  request: "Request",
  allRequests: "All requests",
  percentiles: "Percentiles",
  scale: "Scale",
  linear: "linear",
  logarithmic: "log",
  timeRange: "Time range",
  wholeRun: "whole run",
  lastMinute: "last minute",
  last5Minutes: "last 5 min",
  rangeShown: (from: string, to: string) => `${from} – ${to}`,
  dragToZoom: "drag over a chart to zoom, double-click for all",
  throughput: "Throughput",
  perSecond: "a second",
  completed: "completed",
  failed: "Failed",
  usersAndFlight: "Users and requests in flight",
  metric: {
    ttfb: "First byte", ttfe: "First event", ttft: "First token", ttfr: "First reasoning", itl: "Gaps between tokens", tpot: "Time per token",
    e2e: "Full response", max_gap: "Longest gap", e2e_sent: "Full, from the send", server_ttft: "Server's first token", wait: "Wait in spate",
    dns: "Name look-up", connect: "Connect", tls: "TLS", rps: "Requests a second", ok_rps: "Ok a second", goodput: "Goodput",
    failed_share: "Failed share", events_per_s: "Events a second",
  } as Record<string, string>,
  short: { ttfb: "TTFB", ttft: "TTFT", itl: "gaps", e2e: "full" } as Record<string, string>,
  metricHint: {
    ttfb: "start → first byte of the response head", ttfe: "start → first data event; a ping is none",
    ttft: "start → first event with a non-empty answer token", ttfr: "start → first reasoning token",
    itl: "between two successive token events, every gap", tpot: "(last token − first token) / (token events − 1)",
    e2e: "start → the end of the answer", max_gap: "the longest gap of a stream", wait: "start → first byte written",
  } as Record<string, string>,
  heatMaps: "Where the times lay",
  heatUnit: "samples, log",
  heatSpoken: (title: string) => `Heat map of ${title} over time; the table below has its percentiles`,
  distributions: "Distribution",
  eventsChart: "Events of the streams",
  events: "events",
  bytesChart: "Received",
  bytesIn: "received",
  bytesOut: "sent",
  generator: "The generator itself",
  generatorCpu: "CPU of the busiest thread",
  busiest: "CPU",
  generatorLag: "Lag of reading",

  // tables
  sortBy: (title: string) => `Sort by ${title}`,
  requests: "Requests",
  started: "Started",
  ok: "Ok",
  failedShare: "Failed %",
  stalls: "Stalls",
  stallsHint: "gaps over 1 s (--stall)",
  tokens: "Token events",
  tokensHint: "events with answer text; an event is one, however much it carries",
  timesTable: "Times, request by request",
  metricTitle: "Metric",
  count: "Count",
  mean: "mean",
  stdev: "stdev",
  min: "min",
  max: "max",
  allMetrics: "Show every metric",
  fewerMetrics: "Show fewer",
  nodes: "Nodes of the flow",
  nodesHint: "as the stream reports them, ms",
  node: "Node",
  ofTheTime: "Share of the time",
  shareTitle: "Share",
  errors: "Errors",
  noErrors: "No request failed.",
  what: "What",
  firstSeen: "First seen",
  outcome: {
    ok: "ok", http_status: "HTTP status", stream_error: "error in the stream", truncated: "stream cut short", timeout: "timeout", connect: "no connection",
    reset: "connection reset", protocol: "no proper HTTP", check: "the plan's check", abandoned: "hung up", cancelled: "cut by the end", task: "error of the plan",
  } as Record<string, string>,
  ownMetrics: "The plan's own metrics",
  name: "Name",
  unit: "Unit",
  log: "Log",
  logLevel: "At least",
  level: { info: "all", warn: "warnings", error: "errors" } as Record<string, string>,
  noLog: "No lines of this level.",
  runId: "run",
  seed: "seed",

  // steering
  newRun: "New run",
  change: "Change",
  changed: "Asked for; the chart shows it within a second or two.",
  spawnRate: "Spawn rate, /s",
  ratePerSecond: "Rate, /s",
  atOnce: "at once",
  reset: "Reset statistics",
  resetHint: "What is shown begins anew; the run's own outputs keep everything",
  resetDone: "The statistics begin anew; the run's outputs keep everything.",
  stop: "Stop",
  stopHint: "No new work; what is in flight may finish",
  stopAtOnce: "Stop at once",
  stopAsked: "Stopping: what is in flight may finish.",

  // start
  startTitle: "Start a run",
  runUnderWay: "A run is under way: watch it",
  plan: "Plan",
  yours: "yours",
  targetTitle: "Target",
  host: "Address",
  hostHint: "The target's base URL. Empty: the plan's own.",
  params: "Parameters of the plan",
  givenAlready: "given already",
  isNeeded: "needed to start",
  load: "Load",
  loadKind: "Kind of load",
  kind: { users: "Users", stages: "Stages", rate: "Rate", "in-flight": "In flight" } as Record<string, string>,
  kindHint: {
    users: "So many simulated users, each doing one thing after the other with pauses.",
    stages: "Users in steps or ramps: USERS:HOLD, a ramp FROM..TO:HOLD, with commas between.",
    rate: "An open loop: so many tasks start each second, however slow the target gets.",
    "in-flight": "So many requests are open at any time, without pauses.",
  } as Record<string, string>,
  option: {
    users: "Users", "spawn-rate": "Spawn rate", "run-time": "Run time", stages: "Stages", rate: "Rate", "max-in-flight": "Most in flight",
    "in-flight": "In flight", "warm-up": "Warm-up", "stop-timeout": "Stop timeout", timeout: "Request timeout", name: "Name", tag: "Tag", slo: "Service level",
  } as Record<string, string>,
  optionHint: {
    users: "how many at most", "spawn-rate": "users started a second; empty: at once, over 100 users 100/s", "run-time": "5m30s; empty: until stopped",
    stages: "50:5m,100:5m or 0..100:2m", rate: "20/s; in stages 20/s:1m,20..100/s:5m", "max-in-flight": "what is due beyond is dropped",
    "in-flight": "requests held open", "warm-up": "30s: left out of the totals", "stop-timeout": "how long started requests may finish",
    timeout: "60s for a whole request", name: "how this run is called in the history", tag: "KEY=VALUE, to find it again", slo: "p95(ttft) < 1500ms, failed_share < 1%",
  } as Record<string, string>,
  shapePicture: "The load over time",
  moreOptions: "More options",
  addOne: (label: string) => `+ ${label}`,
  remove: (label: string) => `Remove ${label}`,
  whatRuns: "What runs",
  userClasses: "User classes",
  weight: (n: number) => `weight ${short(n)}`,
  tasks: "Tasks",
  allTasks: "all, by their weights",
  start: "Start",
  starting: "Starting …",
  loadOnlyYours: "Load only what is yours to load.",

  // try
  tryTitle: "Look at one stream",
  tryHint: "One user, each task once; every event as it arrives.",
  eachOnce: "each once",
  tryGo: "Try",
  streaming: "streaming …",
  eventsOf: "Events of the stream",
  eventTitle: "Event",
  textTitle: "Text",
  eventKind: { token: "token", reasoning: "reasoning", node: "node", end: "end", error: "error", ping: "ping", other: "other" } as Record<string, string>,
  timelineSpoken: (n: number, end: string) => `${n} events over ${end}`,

  // history
  filter: "Filter",
  filterHint: "name, plan, tag, date …",
  runsFound: (n: number, all: number) => (n === all ? plural(n, "run") : `${count(n)} of ${plural(all, "run")}`),
  noHistory: "No runs are kept yet. Each run is kept as it goes, a killed one up to its last second.",
  pickTwo: (n: number): string => (n === 2 ? "Pick two to compare" : "Pick one more"),
  compareTwo: "Compare the two",
  pickRun: (name: string, at: string) => `Pick ${name} of ${at}`,
  startedAt: "Started",
  verdict: "Verdict",
  duration: "Length",
  compareTitle: "Two runs",
  compareTable: "What differs",
  statistic: "Statistic",
  statisticName: { mean: "mean", per_s: "a second" } as Record<string, string>,
  interval: "95 % interval",
  notComparable: "These two are not comparable:",
  compareVerdict: { faster: "faster", slower: "slower", higher: "higher", lower: "lower", "no difference seen": "no difference seen", "too few requests": "too few requests" } as Record<string, string>,

  // campaigns
  campaigns: "Campaigns",
  noCampaigns: "No campaign has begun yet: spate campaign new NAME --goal TEXT, then spate campaign add NAME RUN … --round TITLE.",
  campaign: "Campaign",
  goal: "Goal",
  judgedBy: "Judged by",
  began: "Began",
  rounds: "Rounds",
  round: "Round",
  changeOf: "Change",
  changesMany: (n: number) => plural(n, "change"),
  trials: "Trials",
  trialsOf: (counting: number, all: number) => (counting === all ? `${all}` : `${counting} of ${all}`),
  trialsLong: (n: number) => plural(n, "trial"),
  doesNotCount: "does not count",
  inFlightShort: "In flight",
  fullMean: "Full, mean",
  fullP95: "Full, p95",
  heldBy: "Held by",
  heldByName: (name: string): string => name, // "dify-api.cpu", "dify-api.cpu (2 of 3)", "the users"
  decision: "Decision",
  decisionName: { open: "open", keep: "keep", revert: "revert" } as Record<string, string>,
  roundsSpoken: (figure: string) => `${figure} of each round, with its 95 % interval`,
  workloadCap: "the workload's cap",
  moreIsBetter: (more: boolean): string => (more ? "more is better" : "less is better"),
  predictionsCame: (came: number, all: number) => `${came} of ${all} predictions came out`,
  hypothesis: "Hypothesis",
  because: "because",
  noted: "Noted",
  noRounds: "No rounds yet.",
  verdictKind: { better: "better", worse: "worse", "no difference": "no difference", inconclusive: "inconclusive" } as Record<string, string>,
  notComparableShort: "not comparable",
  campaignVerdict: (verdict: CampaignVerdict, _parent: string | null): string => verdict.text,
  predictedText: (low: string, high: string, came: string | null, score: string, afterwards: boolean) =>
    `${low} to ${high}${came === null ? "" : `, came ${came}: ${score}${afterwards ? " (said afterwards)" : ""}`}`,

  /** What the program itself says is English already. */
  sentence: (text: string): string => text,
};

export type Texts = typeof en;
