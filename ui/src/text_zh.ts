// 页面的全部中文文字；键与 text_en.ts 一致，由类型保证。
import { clock, count, digits, none, percent, short, sloValue, time } from "./format";
import type { Fault } from "./judge";
import type { Asked, Believe, Came, Texts } from "./text_en";
import { campaignVerdictZh, sentenceZh } from "./text_zh_sentences";
import { signalZh } from "./text_zh_signals";

/** 秒数的中文写法：“45 秒”“5 分 30 秒”。 */
function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return none;
  if (seconds < 99.5) return `${seconds < 9.95 && seconds % 1 >= 0.05 ? seconds.toFixed(1) : Math.round(seconds)} 秒`;
  const s = Math.round(seconds);
  const parts: [number, string][] = [[Math.floor(s / 3600), "小时"], [Math.floor((s % 3600) / 60), "分"], [s % 60, "秒"]];
  return parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`).join(" ").replace(/分$/, "分钟");
}

const level = (a: Asked): string => {
  if (a.kind === "rate") return `每秒最多发起 ${short(a.level)} 个任务`;
  if (a.kind === "in_flight") return `始终保持 ${short(a.level)} 个请求在途`;
  return `${a.stages > 1 ? "最多 " : ""}${short(a.level)} 个用户`;
};

export const zh: Texts = {
  otherLanguage: "English",
  toLight: "切换到浅色",
  toDark: "切换到深色",
  skip: "跳到正文",
  navigation: "页面导航",
  navRun: "运行",
  navStart: "新建",
  navTry: "试跑",
  history: "历史",
  lasting: duration,
  loading: "加载中…",
  again: "重试",
  connection: { connecting: "正在连接…", live: "实时", lost: "连接已断开", denied: "无权访问", over: "已结束", none: "" },
  notConnected: "与 spate 的连接已断开，页面上的数字暂停更新；spate 恢复响应后会自动重连。",
  isOver: "这次运行已经结束，spate 不再应答。本页保留已有数据；历史中有这次运行，可以再生成任何输出：",
  notAllowed: "需要访问令牌：请打开 spate 启动时打印的、带 ?token=… 的地址。",
  nothingRuns: "当前没有测试在运行。可用 spate run 启动一次测试，或用 spate serve 在本页启动。",

  phase: { idle: "空闲", spawning: "用户加入中", steady: "运行中", ending: "正在收尾", ended: "已结束" },
  interrupted: "被中断",
  soFar: "截至导出时，仍在运行",
  ownHosts: "地址由测试计划指定",
  downloads: "下载",
  print: "打印",
  output: {
    json: "完整汇总", html: "含数据的本页报告", "requests.csv": "每个请求一行", "failures.csv": "每种错误一行",
    "history.csv": "每秒一行", hdr: "HdrHistogram 日志", jsonl: "每次请求一行",
  },
  users: "用户数",
  inFlight: "在途请求",
  inFlightMean: "个请求平均在途",
  target: "目标",
  mostAtOnce: (mean) => `峰值；平均 ${mean}`,
  requestsPerSecond: "每秒请求数",
  completedInAll: "个已完成",
  failures: "失败率",
  failedInAll: "个失败",
  goodput: "有效吞吐",
  goodputSub: "满足全部单请求指标",
  goodputNoSlo: "未设指标，成功即计入",
  noSamples: "暂无样本",
  samples: (n) => `${n} 个样本`,
  samplesTitle: "样本数",
  firstSecond: "第一秒还没结束，稍等片刻。",
  noTicks: "这次运行没有留下逐秒记录。",

  story: "结论摘要",
  storyAsked: "测了什么",
  storyCame: "结果如何",
  storyBelieve: "是否可信",
  storyBroke: "先出的问题",
  sentenceGap: "",
  asked: (a) =>
    `用计划 ${a.plan}，${level(a)}${a.stages > 1 ? `，从 ${short(a.lowest)} 起分 ${a.stages} 个阶段` : ""}` +
    `${a.seconds ? `，运行 ${duration(a.seconds)}` : "，直到手动停止"}${a.host ? `，目标为 ${a.host}` : ""}。` +
    (a.slos.length > 0 ? `要求达到：${a.slos.join("；")}。` : ""),
  came: (c: Came) => {
    const out = [
      `${c.running ? "到目前为止，" : ""}${duration(c.seconds)}内完成 ${count(c.completed)} 个请求（每秒 ${digits(c.rps)} 个），` +
        (c.failed === 0 ? "无一失败" : `其中 ${count(c.failed)} 个失败（${percent(c.share)}）`) +
        (c.cancelled > 0 ? `，另有 ${count(c.cancelled)} 个在运行结束时被截断` : "") + "。",
    ];
    for (const r of c.requests) {
      const parts: string[] = [];
      if (r.ttft) parts.push(`一半的回答在 ${time(r.ttft.p50)} 内出首字，95 % 在 ${time(r.ttft.p95)} 内`);
      if (r.itl) parts.push(`字间间隔中位数 ${time(r.itl.p50)}（p99 ${time(r.itl.p99)}）`);
      if (r.e2e) parts.push(`完整响应中位数 ${time(r.e2e.p50)}，p95 为 ${time(r.e2e.p95)}`);
      if (parts.length > 0) out.push(`“${r.name}”：${parts.join("，")}。`);
    }
    return out.join("");
  },
  nothingYet: "还没有任何响应。",
  nothingCame: "没有发出任何请求。",
  believeYes: (b: Believe) =>
    `可信：压测端跟得上（最忙线程 CPU ${percent(b.cpu)}，读取延迟 p99 ${time(b.lag)}），测得的时间就是目标系统的时间。` +
    (b.close ? "不过压测端已接近极限，继续加压前请增加线程或换一台机器。" : "") +
    (b.few ? "但请求数较少，p95、p99 只能作粗略参考。" : "") +
    (b.undecided.length > 0 ? `以下指标离界限太近，尚不能下结论：${b.undecided.join("；")}。` : "") +
    (b.interrupted ? "本次运行被提前结束。" : ""),
  believeNot: (reasons) => `不可信。${reasons.map((r) => r.replace(/[。.]$/, "")).join("；")}。`,
  nothingBroke: (slos) => (slos ? "没有问题：无请求失败，所有指标均达标。" : "没有问题：无请求失败。"),
  nothingBrokeYet: (slos) => (slos ? "目前没有：无失败，指标均达标。" : "目前没有。"),
  fault: (f: Fault) => {
    if (f.kind === "error") {
      return `“${f.name}”出现${zh.outcome[f.outcome] ?? f.outcome}（${f.detail}），共 ${count(f.count)} 次${f.at !== null ? `，首次在 ${clock(f.at)}` : ""}`;
    }
    if (f.kind === "slo") return f.value === null ? `指标 ${f.expr} 没有数据` : `指标 ${f.expr} 未达标（实际 ${sloValue(f.value, f.unit)}）`;
    if (f.kind === "stalls") return `“${f.name}”卡顿 ${count(f.count)} 次（间隔超过 1 秒）`;
    return `压测端自身跟不上${f.at !== null ? `，始于 ${clock(f.at)}` : ""}`;
  },
  firstFault: (text) => `${text}。`,
  furtherFaults: (texts) => `此外：${texts.join("；")}。`,

  validity: "结果可信度",
  light: {
    green: (running) => (running ? "目前有效" : "有效：测得的就是目标系统的时间"),
    amber: (running) => (running ? "目前有效，但需留意" : "有效，但需留意"),
    red: () => "无效：请勿使用这些时间",
    grey: () => "尚无可判断的数据",
  },
  fewSamples: "请求不足 100 个，p95 与 p99 仅供参考",
  closeToLimits: "压测端已接近极限，继续加压前请增加线程或换一台机器",
  generatorFacts: (cpu, lag, late, dropped) => `压测端：最忙线程 CPU ${cpu} · 读取延迟 p99 ${lag} · 迟发 ${late} · 丢弃 ${dropped}`,
  valid: "有效",
  notValid: "无效",
  slos: "服务指标",
  noSlos: "未设置。加上 --slo 'p95(ttft) < 2s'，每次运行就能自己判断是否达标。",
  noValue: "无数据",
  met: "达标",
  missed: "未达标",
  undecided: (low, high) => `太接近界限，尚不能断定：${low} … ${high}`,

  overTime: "随时间变化",
  chartPicks: "图表显示内容",
  request: "请求",
  allRequests: "全部请求",
  percentiles: "百分位",
  scale: "刻度",
  linear: "线性",
  logarithmic: "对数",
  timeRange: "时间范围",
  wholeRun: "全程",
  lastMinute: "最近 1 分钟",
  last5Minutes: "最近 5 分钟",
  rangeShown: (from, to) => `${from} – ${to}`,
  dragToZoom: "在图上拖动可放大，双击恢复全程",
  throughput: "吞吐量",
  perSecond: "每秒",
  completed: "完成",
  failed: "失败",
  usersAndFlight: "用户数与在途请求",
  metric: {
    ttfb: "首字节", ttfe: "首事件", ttft: "首字延迟", ttfr: "首个思考字", itl: "字间间隔", tpot: "平均每字耗时",
    e2e: "完整响应", max_gap: "最长间隔", e2e_sent: "完整响应（自发送起）", server_ttft: "服务端自报首字", wait: "压测端内等待",
    dns: "域名解析", connect: "建立连接", tls: "TLS 握手", rps: "每秒请求数", ok_rps: "每秒成功数", goodput: "有效吞吐",
    failed_share: "失败率", events_per_s: "每秒事件数",
  },
  short: { ttfb: "TTFB", ttft: "首字", itl: "间隔", e2e: "完整" },
  metricHint: {
    ttfb: "开始 → 响应头的第一个字节", ttfe: "开始 → 第一个数据事件（ping 不算）",
    ttft: "开始 → 第一个含非空回答文字的事件", ttfr: "开始 → 第一个思考文字",
    itl: "相邻两个文字事件之间，逐个记录", tpot: "（末字 − 首字）/（文字事件数 − 1）",
    e2e: "开始 → 回答结束", max_gap: "一条流中最长的间隔", wait: "开始 → 写出第一个字节",
  },
  heatMaps: "耗时分布热图",
  heatUnit: "样本数，对数轴",
  heatSpoken: (title) => `${title}随时间变化的热图；百分位数值见下方表格`,
  distributions: "分布",
  eventsChart: "流事件",
  events: "事件",
  bytesChart: "接收流量",
  bytesIn: "接收",
  bytesOut: "发送",
  generator: "压测端自身",
  generatorCpu: "最忙线程的 CPU",
  busiest: "CPU",
  generatorLag: "读取延迟",

  sortBy: (title) => `按${title}排序`,
  requests: "请求",
  started: "发起",
  ok: "成功",
  failedShare: "失败率",
  stalls: "卡顿",
  stallsHint: "超过 1 秒的间隔（--stall）",
  tokens: "文字事件",
  tokensHint: "带回答文字的事件数；一个事件无论带多少文字都算一个",
  timesTable: "各请求耗时明细",
  metricTitle: "指标",
  count: "次数",
  stdev: "标准差",
  min: "最小",
  max: "最大",
  allMetrics: "显示全部指标",
  fewerMetrics: "只看常用指标",
  nodes: "流程节点",
  nodesHint: "由流自身上报，毫秒",
  node: "节点",
  ofTheTime: "耗时占比",
  shareTitle: "占比",
  errors: "错误",
  noErrors: "没有请求失败。",
  what: "内容",
  firstSeen: "首次出现",
  outcome: {
    ok: "成功", http_status: "HTTP 状态错误", stream_error: "流内错误", truncated: "流被截断", timeout: "超时", connect: "无法连接",
    reset: "连接被重置", protocol: "协议错误", check: "计划校验不通过", abandoned: "主动挂断", cancelled: "随运行结束截断", task: "计划出错",
  },
  ownMetrics: "计划自定义指标",
  name: "名称",
  unit: "单位",
  log: "日志",
  logLevel: "最低级别",
  level: { info: "全部", warn: "警告", error: "错误" },
  noLog: "没有该级别的日志。",
  runId: "运行",
  seed: "随机种子",

  newRun: "新建运行",
  change: "调整",
  changed: "已下发，一两秒内即可在图上看到。",
  spawnRate: "加入速度（个/秒）",
  ratePerSecond: "速率（个/秒）",
  atOnce: "立即",
  reset: "重置统计",
  resetHint: "页面上的统计重新开始；运行自身的输出不受影响",
  resetDone: "统计已重新开始；运行自身的输出不受影响。",
  stop: "停止",
  stopHint: "不再发起新任务，在途请求可以跑完",
  stopAtOnce: "立即停止",
  stopAsked: "正在停止：等待在途请求跑完。",

  startTitle: "新建运行",
  runUnderWay: "已有测试在运行，点此查看",
  plan: "测试计划",
  yours: "自有",
  targetTitle: "目标",
  host: "地址",
  hostHint: "目标的根地址；留空则使用计划自带的地址。",
  params: "计划参数",
  givenAlready: "已提供",
  isNeeded: "必填，请先填写",
  load: "负载",
  loadKind: "负载类型",
  kind: { users: "用户数", stages: "分阶段", rate: "固定速率", "in-flight": "固定并发" },
  kindHint: {
    users: "模拟这么多用户，每个用户依次做事，其间有停顿。",
    stages: "用户数分台阶或斜坡变化：用户数:时长，斜坡写作 起..止:时长，用逗号分隔。",
    rate: "开环：每秒发起这么多任务，无论目标变得多慢。",
    "in-flight": "任何时刻都保持这么多请求在途，没有停顿。",
  },
  option: {
    users: "用户数", "spawn-rate": "加入速度", "run-time": "运行时长", stages: "阶段", rate: "速率", "max-in-flight": "最大在途数",
    "in-flight": "在途请求数", "warm-up": "预热", "stop-timeout": "收尾时限", timeout: "请求超时", name: "名称", tag: "标签", slo: "服务指标",
  },
  optionHint: {
    users: "最多多少个", "spawn-rate": "每秒加入的用户数；留空为立即全部加入，超过 100 个时每秒 100 个", "run-time": "如 5m30s；留空则直到手动停止",
    stages: "如 50:5m,100:5m 或 0..100:2m", rate: "如 20/s；分阶段如 20/s:1m,20..100/s:5m", "max-in-flight": "超出部分会被丢弃并计数",
    "in-flight": "始终保持的请求数", "warm-up": "如 30s，不计入总计", "stop-timeout": "停止后，在途请求最多还能跑多久",
    timeout: "如 60s，单个请求的总时限", name: "在历史中显示的名字", tag: "键=值，方便以后查找", slo: "如 p95(ttft) < 1500ms、failed_share < 1%",
  },
  shapePicture: "负载随时间的形状",
  moreOptions: "更多选项",
  addOne: (label) => `+ ${label}`,
  remove: (label) => `移除${label}`,
  whatRuns: "运行范围",
  userClasses: "用户类别",
  weight: (n) => `权重 ${short(n)}`,
  tasks: "任务",
  allTasks: "全部，按权重",
  start: "开始",
  starting: "正在启动…",
  loadOnlyYours: "请只对自己有权压测的系统施压。",

  tryTitle: "观察一条流",
  tryHint: "一个用户，每个任务执行一次；事件到达即显示。",
  eachOnce: "每个一次",
  tryGo: "试跑",
  streaming: "接收中…",
  eventsOf: "流事件列表",
  eventTitle: "事件",
  textTitle: "内容",
  eventKind: { token: "文字", reasoning: "思考", node: "节点", end: "结束", error: "错误", ping: "ping", other: "其他" },
  timelineSpoken: (n, end) => `${end}内共 ${n} 个事件`,

  filter: "筛选",
  filterHint: "名称、计划、标签、日期…",
  runsFound: (n, all) => (n === all ? `共 ${count(n)} 次运行` : `${count(all)} 次运行中的 ${count(n)} 次`),
  noHistory: "还没有历史记录。每次运行都会边跑边存，中途被杀也能保留到最后一秒。",
  pickTwo: (n) => (n === 2 ? "选两次运行来对比" : "再选一次"),
  compareTwo: "对比所选两次",
  pickRun: (name, at) => `选择 ${at} 的 ${name}`,
  startedAt: "开始时间",
  verdict: "结论",
  duration: "时长",
  compareTitle: "两次运行对比",
  compareTable: "差异",
  statistic: "统计量",
  statisticName: { mean: "平均", per_s: "每秒" },
  interval: "95 % 区间",
  notComparable: "这两次运行不可比：",
  compareVerdict: { faster: "更快", slower: "更慢", higher: "更高", lower: "更低", "no difference seen": "未见差异", "too few requests": "请求太少" },

  diagnosis: "瓶颈在哪里",
  confidence: { none: "无法判断", low: "把握较低", medium: "把握中等", high: "把握较高" },
  witnesses: "证据",
  alsoNear: "也接近上限的",
  exonerated: "已排除的",
  notSeen: "看不到的",
  nextChange: "下一步改动",
  predicted: "预测",
  refutedBy: "何种结果可推翻",
  risk: "风险",
  targetSeen: "被测系统同期状况",
  signalText: (signal, what) => signalZh[signal] ?? what,
  allSignals: "全部指标",
  signal: "指标",
  subject: "对象",
  mean: "平均",
  coveredTitle: "采到的时间",
  howToSee: "如何复现",
  settingsSeen: "配置",
  limitOf: (subject) => `${subject} 上限`,
  moreLines: (n) => `另有 ${n} 条见表格`,
  watchedBy: (series, sources) => `${sources} 个观察器，${series} 条序列`,

  campaigns: "调优",
  noCampaigns: "还没有调优活动：先 spate campaign new NAME --goal TEXT，再 spate campaign add NAME RUN … --round TITLE。",
  campaign: "调优活动",
  goal: "目标",
  judgedBy: "评判指标",
  began: "开始日期",
  rounds: "轮次",
  round: "轮",
  changeOf: "改动",
  changesMany: (n) => `${n} 处改动`,
  trials: "试验",
  trialsOf: (counting, all) => (counting === all ? `${all}` : `${all} 次中 ${counting} 次`),
  trialsLong: (n) => `${n} 次试验`,
  doesNotCount: "不计入",
  inFlightShort: "在途",
  fullMean: "完整响应平均",
  fullP95: "完整响应 p95",
  heldBy: "受限于",
  heldByName: (name) => (name === "the users" ? "用户数" : name.replace(/ \((\d+) of (\d+)\)$/, "（$2 次中 $1 次）")),
  decision: "决定",
  decisionName: { open: "未定", keep: "保留", revert: "撤回" },
  roundsSpoken: (figure) => `各轮的 ${figure} 及其 95 % 区间`,
  workloadCap: "负载自身的上限",
  moreIsBetter: (more) => (more ? "越大越好" : "越小越好"),
  predictionsCame: (came, all) => `${all} 次预测中 ${came} 次应验`,
  hypothesis: "假设",
  because: "依据",
  noted: "备注",
  noRounds: "还没有轮次。",
  verdictKind: { better: "更好", worse: "更差", "no difference": "无差异", inconclusive: "尚无定论" },
  notComparableShort: "不可比",
  campaignVerdict: (verdict, parent) => campaignVerdictZh(verdict, parent),
  predictedText: (low, high, came, score, afterwards) =>
    `${low} 至 ${high}${came === null ? "" : `，实际 ${came}：${{ "as predicted": "应验", below: "偏低", above: "偏高" }[score] ?? score}${afterwards ? "（事后才说）" : ""}`}`,

  sentence: sentenceZh,
};
