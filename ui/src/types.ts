// The documents of docs/web-api.md. Times in ms unless the name ends in _s or _per_s; null is undefined, never 0.

export type HeatRow = [bucket: number, count: number];

export interface Spread {
  n: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
  heat: HeatRow[];
}

export type Timed = "ttfb" | "ttft" | "itl" | "e2e";
export const timedMetrics: Timed[] = ["ttft", "itl", "e2e", "ttfb"];

export interface TickRequest extends Record<Timed, Spread | null> {
  name: string;
  user_class: string;
  task: string;
  ok: number;
  failed: number;
}

export interface Tick {
  n: number;
  t: number;
  part: "warm" | "ramp" | "steady" | "drain";
  users: number;
  users_target: number;
  in_flight: number;
  rate_target: number | null;
  stage: number | null;
  rps: number;
  ok_rps: number;
  failed_per_s: number;
  goodput: number | null;
  events_per_s: number;
  in_bytes_per_s: number;
  cpu_share: number | null;
  lag_p99: number | null;
  late_starts: number;
  dropped_starts: number;
  requests: TickRequest[];
  all: Record<Timed, Spread | null>;
}

export interface Stage {
  from: number;
  to: number;
  hold_s: number | null;
  begin_s: number;
}

export type LoadKind = "users" | "rate" | "in_flight";

export interface Begin {
  id: string;
  name: string;
  plan: string;
  host: string;
  started: string;
  version: string;
  seed: number;
  tags: Record<string, string>;
  load?: { kind: LoadKind } | null;
  run_time_s: number | null;
  stages: Stage[];
  slos: string[];
  kind: LoadKind;
}

export interface Hist {
  count: number;
  min: number;
  mean: number;
  stdev: number;
  p50: number;
  p75: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
}

export interface SummaryRequest {
  name: string;
  user_class: string;
  task: string;
  role?: string;
  count: number;
  ok: number;
  failed: number;
  rps: number;
  outcomes: Record<string, number>;
  metrics: Record<string, Hist | null>;
  failed_metrics: { e2e: Hist | null };
  stalls: number;
  tokens: { events: number; reported_prompt: number; reported_completion: number };
  abandoned_age?: Hist | null;
  cancelled_age?: Hist | null;
}

export interface SloResult {
  expr: string;
  value: number | null;
  met: boolean;
  unit?: string | null;
  why?: string | null;
  confidence?: { low: number; high: number; undecided: boolean; text: string } | null;
  windows?: { worst_begin_s: number | null; missed: number; count: number } | null;
}

export interface SummaryError {
  name: string;
  outcome: string;
  detail: string;
  count: number;
  first_s: number;
  remedy?: string | null;
}

export interface Totals {
  started: number;
  ok: number;
  failed: number;
  abandoned: number;
  cancelled: number;
  rps: number | null;
  ok_rps: number | null;
  goodput: number | null;
  events: number;
  events_per_s: number | null;
  bytes_in: number;
  bytes_out: number;
  rate_limited?: number;
  open_at_end?: { count: number; oldest: number | null };
}

export interface Watched {
  signal: string;
  unit: string;
  what: string;
  subject: string;
  detail: string;
  source: string;
  query: string;
  mean: number | null;
  min: number | null;
  max: number | null;
  points: number;
  covered: number;
  chart: { t: number[]; v: (number | null)[] };
}

export interface Watch {
  can_see: { source: string; what: string }[];
  can_not_see: { source: string; what: string }[];
  settings: { subject: string; key: string; value: string }[];
  series: Watched[];
  left_out: number;
}

export interface Evidence {
  text: string;
  resource: string | null;
  query: string | null;
}

export interface Diagnosis {
  claim: string | null;
  culprit: string | null;
  confidence: "none" | "low" | "medium" | "high";
  witnesses: Evidence[];
  exonerated: Evidence[];
  unseen: string[];
  next: { change: string; predicted: string | null; refuted_by?: string | null; risk?: string | null } | null;
  also?: Evidence[];
  why_not?: string | null;
}

export interface Summary {
  schema: string;
  version: string;
  partial?: boolean;
  run: {
    id: string;
    name: string;
    plan: string;
    host: string;
    started: string;
    duration_s: number;
    measured_s: number;
    warm_up_s: number;
    users_max: number;
    threads: number;
    seed: number;
    tags: Record<string, string>;
    interrupted?: boolean;
    aborted?: string | null;
  };
  validity: {
    valid: boolean;
    reasons: string[];
    notes?: string[];
    generator: {
      cpu_share: number | null;
      loop_lag_ms: Hist | null;
      lag_ms: Hist | null;
      late_starts: number;
      dropped_starts: number;
    };
    little: { closure_error: number | null };
  };
  totals: Totals;
  requests: SummaryRequest[];
  nodes: { title: string; type: string; count: number; failed: number; elapsed: Hist | null }[];
  errors: SummaryError[];
  slo: SloResult[];
  custom: ({ name: string; unit: string } & Partial<Hist>)[];
  load?: { kind: LoadKind; users_mean: number | null; in_flight_mean: number | null };
  notes?: string[];
  diagnosis?: Diagnosis | null;
  watch?: Watch | null;
}

export interface LogLine {
  t: number;
  level: "info" | "warn" | "error";
  text: string;
}

export interface PageData {
  schema: string;
  begin: Begin;
  ticks: Tick[];
  summary: Summary | null;
  log: LogLine[];
}

export interface PlanParam {
  name: string;
  description: string;
  default: string | null;
  secret: boolean;
  required: boolean;
  set: boolean;
}

export interface Plan {
  name: string;
  description: string;
  builtin: boolean;
  classes: { name: string; weight: number; tasks: { name: string; weight: number }[] }[];
  params: PlanParam[];
  host: string;
  load: Record<string, string | null>;
  slos: string[];
  error: string | null;
}

export interface ServerState {
  version: string;
  mode: "run" | "serve";
  phase: "idle" | "spawning" | "steady" | "ending" | "ended";
  begin: Begin | null;
  ticks: number;
  first?: number; // ticks below it were dropped by a reset
  elapsed_s: number;
  can: { start: boolean; change: boolean; stop: boolean; history: boolean; try: boolean };
  outputs: string[];
  now: string;
}

export type Options = Record<string, string | string[]>;

export interface HistoryRow {
  id: string;
  name: string;
  plan: string;
  host: string;
  started: string;
  duration_s: number | null;
  state: "finished" | "interrupted" | "running";
  users_max: number | null;
  rps: number | null;
  failed_share: number | null;
  ttft_p95: number | null;
  e2e_p95: number | null;
  valid: boolean | null;
  slos_met: boolean | null;
  tags: Record<string, string>;
}

export interface Comparison {
  comparable: boolean;
  reasons: string[];
  note: string;
  notes?: string[]; // the note among them
  rows: {
    name: string | null; // null: all requests
    user_class: string;
    task: string;
    metric: string;
    statistic: string;
    a: number | null;
    b: number | null;
    ratio: number | null;
    low: number | null;
    high: number | null;
    verdict: string;
  }[];
}

export interface CampaignRow {
  name: string;
  goal: string;
  began: string;
  slos: string[];
  figure: string;
  rounds: number;
}

export interface CampaignTrial {
  id: string;
  kind: "run" | "capacity";
  started: string | null;
  counts: boolean;
  why: string | null;
  value: number | null;
  low: number | null;
  high: number | null;
  held_by: string | null;
}

export type VerdictKind = "better" | "worse" | "no difference" | "inconclusive";

/** Against the round that was kept last before; kind null: there can't be one, and the reasons say why. */
export interface CampaignVerdict {
  kind: VerdictKind | null;
  text: string;
  reasons: string[];
  tested?: boolean;
  interleaved?: boolean;
  delta?: number | null;
  low?: number | null;
  high?: number | null;
  n?: [number, number];
  p?: number | null;
  p_least?: number | null;
  spread?: number | null;
  least_change?: number | null;
}

export interface CampaignRound {
  title: string;
  parent: string | null;
  added: string | null;
  hypothesis: string | null;
  changes: { component: string; key: string; old: string | null; new: string | null; source: string; text: string }[];
  trials: CampaignTrial[];
  counting: number;
  figure: {
    value: number | null;
    low: number | null;
    high: number | null;
    rps: number | null;
    failed_share: number | null;
    e2e_mean: number | null;
    e2e_p95: number | null;
    users: number | null;
    in_flight: number | null;
    cap_per_s: number | null;
    slos_met: boolean | null;
  };
  held_by: string | null;
  verdict: CampaignVerdict | null;
  prediction: {
    figure: string;
    low: number;
    high: number;
    because: string | null;
    afterwards: boolean;
    came: number | null;
    score: "open" | "as predicted" | "below" | "above";
  } | null;
  decision: "open" | "keep" | "revert";
  noted: string[];
  notes: string[];
}

export interface Campaign {
  schema: "spate.campaign/1";
  version: string;
  name: string;
  goal: string;
  began: string;
  slos: string[];
  figure: string;
  more_is_better: boolean;
  rounds: CampaignRound[];
  predictions: { scored: number; as_predicted: number };
  notes: string[];
}

export interface TryRequest {
  n: number;
  name: string;
  method: string;
  url: string;
  t: number;
}

export interface TryEvent {
  n: number;
  t: number;
  name: string;
  kind: "token" | "reasoning" | "node" | "end" | "error" | "ping" | "other";
  text: string | null;
  data: unknown;
}

export interface TryDone {
  n: number;
  outcome: string;
  status: number | null;
  detail: string | null;
  remedy: string | null;
  metrics: Record<string, number | null>;
}
