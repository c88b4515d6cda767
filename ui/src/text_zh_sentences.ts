// 程序自身的英文句子（可信度原因、处理建议）的中文。带数字的用样式匹配，其余整句对照；没有对照的原样显示。
import type { CampaignVerdict } from "./types";

const patterns: [RegExp, string][] = [
  [/^(.+) was (\d+) % busy \(limit (\d+) %\): .*$/, "$1 CPU 占用 $2 %（上限 $3 %）：测得的时间含有压测端自身的排队；请增加 --threads 或换一台机器"],
  [/^the generator's own cgroup was throttled: it used its CPU limit up in (\d+) periods and stood still for ([^;]+); .*$/,
    "压测端所在 cgroup 被限流：有 $1 个周期用尽 CPU 配额，共停顿 $2；请提高或取消配额（cpu.max、容器的 --cpus、Pod 的 limits.cpu）"],
  [/^(.+) waited for a CPU (\d+) % of the time \(limit (\d+) %\), (\d+) % of what it could have run in: .*$/,
    "$1 有 $2 % 的时间在等 CPU（上限 $3 %），占其可运行时间的 $4 %：CPU 被其他程序占用；请把它们移走，或用 taskset 给压测端独占的 CPU"],
  [/^bytes waited for the generator: lag p99 ([\d.]+) ms .*$/, "数据在等压测端读取：从内核收到到读出的延迟 p99 为 $1 ms（上限 10 ms）；请增加 --threads、减少用户或换一台机器"],
  [/^the generator's timers ran late: p99 ([\d.]+) ms .*$/, "压测端定时器迟到：p99 为 $1 ms（上限 25 ms）；CPU 不足或计划计算太久，请增加 --threads 或移走其他程序"],
  [/^(\S+) of (\S+) tasks \(([\d.]+) %\) began over 10 ms after they were due .*$/, "$2 个任务中有 $1 个（$3 %）比应有时刻晚了 10 ms 以上才开始（上限 1 %）：实际负载与要求不符；请增加 --threads 或换一台机器"],
  [/^(\S+) starts(?: \(([\d.]+) % of (\S+)\))? that were due were dropped: .*$/, "有 $1 次到期的发起被丢弃：实际负载与要求不符；请调高 --max-in-flight，或降低到目标能承受的速率"],
  [/^Little's law does not close for the users: ([\d.]+) were there, but tasks and pauses account for ([\d.]+) \(([\d.]+) % off.*$/,
    "用户的利特尔法则不成立：实有 $1 个，任务与停顿只能解释 $2 个（相差 $3 %，上限 5 %）：其余时间耗在压测端；请增加 --threads 或换一台机器"],
  [/^Little's law does not close for the requests: ([\d.]+) were in flight, but requests a second times their time gives ([\d.]+) \(([\d.]+) % off.*$/,
    "请求的利特尔法则不成立：在途 $1 个，而速率乘耗时得 $2 个（相差 $3 %，上限 5 %）：请求在压测端内等待；请增加 --threads 或换一台机器"],
  [/^(\S+) connections found no local port .*$/, "$1 个连接拿不到本地端口（EADDRNOTAVAIL）：请保持长连接，放宽 net.ipv4.ip_local_port_range，或使用多个源地址"],
  [/^(\S+) connections found no file descriptor \(EMFILE\).*$/, "$1 个连接拿不到文件描述符（EMFILE）：请用 ulimit -n 调高上限，或减少用户"],
  [/^requests went through the proxy (.+): their times are its too$/, "请求经过代理 $1：耗时也包含代理的部分"],
  [/^metric '(.+)': values below 0\.0005 are counted as 0 \((\S+) of them\).*$/, "指标 $1：小于 0.0005 的值按 0 计（共 $2 个），因为只保留三位小数；请换用更小的单位"],
  [/^metric '(.+)': values over (\S+) are counted as that \((\S+) of them\).*$/, "指标 $1：大于 $2 的值按该值计（共 $3 个）；请换用更大的单位"],
  [/^no request was completed: of (\S+) started, (\S+) were abandoned and (\S+) cut by the end\..*$/,
    "没有请求完成：发起 $1 个，其中 $2 个被主动挂断，$3 个在结束时被截断；无从得知目标的响应情况"],
  [/^(A|B) still goes on$/, "$1 还在运行"],
  [/^(A|B) was cut off: .*$/, "$1 被中途切断：无法判断其压测端是否跟得上负载"],
  [/^(A|B) is invalid: .*$/, "$1 无效：原因见其页面，或用 spate report 查看"],
  [/^(A|B) was steady for (\d+) s; an interval needs (\d+) s and more$/, "$1 的平稳段只有 $2 秒，至少 $3 秒才能给出区间"],
  [/^other plans: A ran (.+), B (.+)$/, "测试计划不同：A 用 $1，B 用 $2"],
  [/^the text of (.+) was another one in B$/, "B 运行时 $1 的内容已经改动"],
  [/^other loads: A had (.+), B (.+?)(?:, of other lengths or between)?$/, "负载不同：A 为 $1，B 为 $2"],
  [/^the longest steady part of A is in stage (\d+), of B in stage (\d+)$/, "最长的平稳段，A 在第 $1 阶段，B 在第 $2 阶段"],
  [/^the load was changed while it ran: the longest steady part of A had (.+), of B (.+)$/, "运行中改过负载：最长的平稳段，A 为 $1，B 为 $2"],
  [/^A was made by spate (\S+), B by (\S+)$/, "A 由 spate $1 运行，B 由 spate $2 运行"],
  [/^other parameters of the plan: (.+)$/, "计划参数不同：$1"],
  [/^of (\d+) rows about (\d+) show a difference by chance alone$/, "$1 行中约有 $2 行仅因偶然就会显示差异"],
  [/^only (A|B) has requests such as '(.+)'$/, "只有 $1 有“$2”这类请求"],
  [/^the books do not close: .*$/, "账目不平：发起数不等于成功、失败、挂断与截断之和；这是 spate 的缺陷，请附上计划反馈给我们"],
];

const campaignPatterns: [RegExp, string][] = [
  [/^trial (\d+) does not count: (.+) is invalid: 'spate report' says why$/, "第 $1 次试验不计入：$2 不可信，原因见 spate report"],
  [/^trial (\d+) does not count: (.+) was cut off: .*$/, "第 $1 次试验不计入：$2 中途被切断"],
  [/^trial (\d+) does not count: (.+) is not in the history any more$/, "第 $1 次试验不计入：$2 已不在历史中"],
  [/^trial (\d+) does not count: (.+) was never steady: .*$/, "第 $1 次试验不计入：$2 的负载一直在变化，没有稳定段"],
  [/^(\d+) changes at once: .*$/, "一次改了 $1 处：看到的是它们合起来的效果"],
  [/^no change is written down: against '(.+)' this shows how much runs differ by themselves$/, "没有记录改动：与“$1”相比，看到的是运行之间自身的差异"],
  [/^(\d+) users who pause ([\d.]+) s between two requests can't pass ([\d.,]+)\/s, .* at (\d+) % of that: .*$/,
    "$1 个用户、两次请求之间停顿 $2 秒，无论目标多快都超不过 $3/s，而这一轮已到其 $4 %：碰到的是负载自身的上限，不是目标的上限。增加用户、改用 --rate 或 spate capacity 才能看到更多"],
  [/^([\d.]+)\/s were asked for and ([\d.]+)\/s came: .*$/, "要求 $1/s，实到 $2/s：此处速率分不出各轮的好坏，应看耗时（--figure 'p95(e2e)'）或 spate capacity 的上限"],
  [/^'(.+)' promises ([\d.]+) %; trials like those of '(.+)' show changes from about ([\d.]+) % on: .*$/,
    "“$1”预期变化 $2 %，而像“$3”那样的试验约从 $4 % 起才看得出：需要更多试验，或换一步"],
  [/^other parameters of the plan: (.+)$/, "计划的其他参数不同：$1"],
  [/^other plans: (.+) ran (.+), (.+) (.+)$/, "计划不同：$1 运行 $2，$3 运行 $4"],
  [/^the text of (.+) was another one in (.+)$/, "$2 中 $1 的内容不同"],
  [/^other loads: (.+) had (.+), (.+) (\d.+)$/, "负载不同：$1 为 $2，$3 为 $4"],
];
patterns.push(...campaignPatterns);

const whole: Record<string, string> = {
  "the prediction was said after its first trial had begun: it is not scored": "预测是在第一次试验开始之后才说的：不计分",
  "one trial a side is no test: restarts, caches and the time of day change figures too. Three a side are the least that say something, five are better":
    "每侧一次试验不算检验：重启、缓存和时段也会改变数字。每侧至少三次才有说服力，五次更好",
  "trials before and after a change followed one another: what else changed with the time is in the verdicts too. A B B A would take it out":
    "改动前后的试验是先后做的：随时间变化的其他因素也在结论里。按 A B B A 交替可以排除",
  "the target is on this machine: it shares the CPU with the generator": "目标就在本机，与压测端共用 CPU",
  "the run still goes on: these are its seconds so far": "这次运行还在继续：以下是目前为止的逐秒数据",
  "the run was cut off: its process ended before it could judge it; these are its seconds up to then":
    "这次运行被中途切断：进程在作出判断前就结束了；以下是到那时为止的逐秒数据",
  "no samples": "没有样本",
  "no samples: no time was measured": "没有样本：没有测量时间",
  "no samples: no request or task of this name": "没有样本：没有这个名字的请求或任务",
  "no samples: no node of this title": "没有样本：没有这个标题的节点",
  "no samples: no metric of this name": "没有样本：没有这个名字的指标",
  "the run has no end": "这次运行没有正常结束",
  "more of the plan's own metrics had values out of their range": "还有其他自定义指标的值超出范围",
  "one run a side: the intervals are of these two runs and leave out how much runs differ from day to day":
    "每侧只有一次运行：区间只反映这两次运行本身，不含日与日之间的波动",
  "check the key: the target did not accept it (-e key=app-…)": "检查密钥：目标不接受它（-e key=app-…）",
  "the key is known but may not do this: is the app's API switched on, and is it a key of this app or dataset?":
    "密钥有效但无权限：应用的 API 是否已开启？密钥是否属于这个应用或知识库？",
  "the conversation is gone: each user begins its own; do not share ids": "会话已不存在：每个用户应各自新建，不要共用 id",
  "check the address: --host ends before /v1 (http://server), and ids in the path exist on this server":
    "检查地址：--host 写到 /v1 之前（http://server），并确认路径里的 id 在该服务器上存在",
  "the target limits the rate: fewer users (-u), a slower rate or more think time, or raise its limit (in Dify an app's maximum of active requests, and the knowledge base's rate limit)":
    "目标限流：减少用户（-u）、降低速率或增加停顿，或调高目标的限制（Dify 中为应用的最大活跃请求数与知识库限流）",
  "the app can't run: set its model and publish it in Dify": "应用无法运行：在 Dify 中配置模型并发布",
  "the key belongs to another kind of app: dify:chat is for chat, agent and chatflow apps, dify:completion for text generators, dify:workflow for workflows":
    "密钥属于另一类应用：dify:chat 用于聊天、Agent 与 Chatflow，dify:completion 用于文本生成，dify:workflow 用于工作流",
  "set the key of the app's model provider in Dify (Settings → Model Provider)": "在 Dify 的“设置 → 模型供应商”中填写密钥",
  "the model provider's quota is used up: top it up, or give the app another model for the test": "模型供应商配额已用尽：充值，或为测试换一个模型",
  "the app's model is not there any more: choose one in the app and publish it": "应用所用模型已不存在：重新选择并发布",
  "the model's provider refused the call: look at its limits and its log, or put a mock model behind the app (the API layer alone is what many tests want)":
    "模型供应商拒绝了调用：查看其限额与日志，或在应用后面接一个模拟模型（很多测试只需要测 API 层）",
  "the knowledge base is not indexed yet: wait until it is": "知识库尚未建好索引，请等待完成",
  "the target does not like the request: compare its fields with the target's API (spate try prints one exchange; a Dify app's inputs: GET /v1/parameters)":
    "目标不接受这个请求：对照目标的 API 检查字段（spate try 会打印一次完整交互；Dify 应用的输入见 GET /v1/parameters）",
  "the path exists, but not for this method: check --host and the path": "路径存在但不支持该方法：检查 --host 与路径",
  "the request is too large for the target or the gateway before it": "请求体超过目标或前置网关的限制",
  "the target does not take this content type or file type": "目标不接受这种内容类型或文件类型",
  "the request's fields are not what the target expects: see the detail": "请求字段不符合目标的要求，见详情",
  "an error inside the target: its own log says which (Dify: docker logs of the api)": "目标内部出错，原因见其日志（Dify：api 容器的 docker logs）",
  "the gateway got no answer from the app behind it: is that up? look at the gateway's error log": "网关得不到后端应答：后端是否在运行？查看网关错误日志",
  "the target or its gateway is overloaded or not ready: fewer users, or look at its log": "目标或网关过载或未就绪：减少用户，或查看其日志",
  "the gateway gave up waiting for the app: the app is too slow under this load, or the gateway's timeout too short (nginx: proxy_read_timeout)":
    "网关等后端超时：应用在此负载下太慢，或网关超时太短（nginx：proxy_read_timeout）",
  "an error inside the target: its own log says which": "目标内部出错，原因见其日志",
  "the app refused its inputs: compare them with the app's (GET /v1/parameters)": "应用拒绝了输入：对照应用的参数检查（GET /v1/parameters）",
  "somebody stopped the run at the target": "有人在目标端停止了这次运行",
  "a node of the flow failed: the app's log in Dify shows the run and the node": "流程中有节点失败：Dify 的应用日志会显示是哪次运行、哪个节点",
  "an error inside the target, told in the stream: its own log says which (often a pool that is used up)": "目标在流中报告内部错误，原因见其日志（常见于连接池耗尽）",
  "the target reported an error inside the stream: its own log says more": "目标在流中报告了错误，详见其日志",
  "the stream ended without its last event: look for a worker that was killed or restarted, and for a gateway that limits a response's time":
    "流没有结束事件就断了：检查是否有工作进程被杀或重启，以及网关是否限制了响应时长",
  "no connection in time: is the address right, and is a firewall in between?": "连接超时：地址是否正确？中间是否有防火墙？",
  "the name server does not answer: check the network of this machine": "域名服务器无应答：检查本机网络",
  "the answer stalled: the target stopped sending in the middle; look at the model and at buffering gateways": "回答中途停住：目标不再发送；检查模型以及会缓冲的网关",
  "nothing came back in time: the target queues (its workers are busy), or the timeout is too short for it": "超时仍无响应：目标在排队（工作进程都忙），或超时设得太短",
  "the target is slower than the timeout: fewer users, or a longer --timeout if it may take so long": "目标比超时还慢：减少用户；若确实需要这么久，请加大 --timeout",
  "nothing listens there: is the server up? check --host": "该地址没有服务在监听：服务是否启动？检查 --host",
  "the name is unknown: check --host for a typing error, and this machine's DNS": "域名不存在：检查 --host 是否写错，以及本机 DNS",
  "the name could not be looked up: check --host, and this machine's DNS": "域名解析失败：检查 --host 与本机 DNS",
  "the server's certificate has expired: renew it there; --insecure goes on without the check": "服务器证书已过期：请在服务器上更新；--insecure 可跳过检查",
  "the certificate is another host's: call the server by the name in it; --insecure goes on without the check": "证书属于别的主机：请用证书中的域名访问；--insecure 可跳过检查",
  "trust the certificate with --cacert FILE, or go on without the check with --insecure": "用 --cacert FILE 信任该证书，或用 --insecure 跳过检查",
  "name the authority that signed the certificate with --cacert FILE, or go on without the check with --insecure": "用 --cacert FILE 指定签发机构的证书，或用 --insecure 跳过检查",
  "the server wants a client certificate: --cert FILE --key FILE": "服务器要求客户端证书：--cert FILE --key FILE",
  "the server speaks no TLS there: is the URL to be http:// ?": "该端口不是 TLS：地址是否应为 http://？",
  "no secure connection: is it https at this port, and does the server speak TLS 1.2 or later?": "无法建立安全连接：该端口是否为 https？服务器是否支持 TLS 1.2 及以上？",
  "the server's certificate is not accepted: --cacert FILE trusts its authority": "不接受服务器证书：可用 --cacert FILE 信任其签发机构",
  "this machine's limit of open files is reached: ulimit -n, then start again": "本机打开文件数已达上限：用 ulimit -n 调高后重新启动",
  "this machine has no free port left: keep connections alive (connection = \"user\"), make them from several addresses (--source), or widen net.ipv4.ip_local_port_range":
    "本机没有空闲端口：请保持长连接（connection = \"user\"），用多个源地址（--source），或放宽 net.ipv4.ip_local_port_range",
  "the proxy wants user and password: --proxy http://user:password@host:port (or the same in https_proxy)":
    "代理要求用户名和密码：--proxy http://user:password@host:port（或在 https_proxy 中同样设置）",
  "the proxy did not lead to the target: look at its log, at --proxy, and at https_proxy … of the environment (--proxy '' goes without)":
    "代理没有通到目标：查看代理日志、--proxy 以及环境变量 https_proxy 等（--proxy '' 表示不用代理）",
  "there is no way to this address from here: check --host and the network": "从本机到不了该地址：检查 --host 与网络",
  "no connection to the target: check --host and whether the server is up": "连不上目标：检查 --host 以及服务是否启动",
  "the target closed the connection in the middle: a worker that crashed or was killed (memory?), or a gateway's limit of connections":
    "目标中途关闭了连接：工作进程崩溃或被杀（内存不足？），或网关限制了连接数",
  "the server speaks TLS there: write https:// in --host": "该端口是 TLS：请在 --host 中写 https://",
  "the answer is no event stream: is it the streaming path, and does the request ask for streaming?": "响应不是事件流：路径是否为流式接口？请求是否要求了流式返回？",
  "an answer larger than spate's limit: look at what the target sends (spate try)": "响应超过 spate 的上限：用 spate try 看看目标发了什么",
  "what came back is no proper HTTP: does something else listen at this port?": "返回的不是正常的 HTTP：该端口是否是别的服务？",
  "the plan's own check said no: spate try shows the whole answer": "计划自带的校验不通过：用 spate try 查看完整回答",
  "a mistake in the plan at the line named here: spate try runs each task once": "计划在所示行有错误：spate try 会把每个任务跑一次",
  "an error of the plan at the line named here: spate try runs each task once": "计划在所示行出错：spate try 会把每个任务跑一次",
};

// 内置计划的说明与参数
const plans: Record<string, string> = {
  "one question to a Dify chat app (chatbot, agent or chatflow), streamed.": "向 Dify 聊天应用（聊天助手、Agent 或 Chatflow）提一个问题，流式返回。",
  "one call of a Dify completion app, streamed.": "调用一次 Dify 文本生成应用，流式返回。",
  "one run of a Dify workflow app, streamed.": "运行一次 Dify 工作流应用，流式返回。",
  "one search in a Dify knowledge base (hybrid search).": "在 Dify 知识库中检索一次（混合检索）。",
  "one prompt to any server with OpenAI's chat completions, streamed.": "向任一兼容 OpenAI chat completions 的服务发一个提示，流式返回。",
  "GET one URL, again and again.": "反复 GET 同一个 URL。",
  "The three scenarios of the published Dify test: a simple chatflow, a complex agent flow, knowledge retrieval.":
    "公开的 Dify 压测中的三个场景：简单 Chatflow、复杂 Agent 流程、知识库检索。",
  "the app's API key (app-…)": "应用的 API 密钥（app-…）",
  "what each user asks": "每个用户提的问题",
  "the app's input variables, as JSON": "应用的输入变量，JSON",
  "shortest pause between two questions, seconds": "两次提问之间最短的停顿，秒",
  "shortest pause between two calls, seconds": "两次调用之间最短的停顿，秒",
  "shortest pause between two runs, seconds": "两次运行之间最短的停顿，秒",
  "shortest pause between two searches, seconds": "两次检索之间最短的停顿，秒",
  "shortest pause between two prompts, seconds": "两次提示之间最短的停顿，秒",
  "longest pause, seconds": "最长的停顿，秒",
  "pause between two requests, seconds": "两次请求之间的停顿，秒",
  "seconds until an answer is given up": "等待回答的时限，秒",
  "the text input named query": "名为 query 的文本输入",
  "further input variables, as JSON": "其余输入变量，JSON",
  "the workflow's input variables, as JSON": "工作流的输入变量，JSON",
  "the knowledge API key (dataset-…)": "知识库 API 密钥（dataset-…）",
  "the knowledge base's id": "知识库的 id",
  "what each user searches for": "每个用户检索的内容",
  "hybrid_search, semantic_search, full_text_search or keyword_search": "hybrid_search、semantic_search、full_text_search 或 keyword_search（混合、语义、全文、关键词）",
  "the API key, where the server wants one": "API 密钥（服务需要时）",
  "the model's name": "模型名称",
  "what each user says": "每个用户的提示",
  "the longest answer": "回答的最大长度",
  "the path behind --host, or a whole URL; else --host itself": "--host 之后的路径，或完整 URL；留空则为 --host 本身",
  "API key of the simple chatflow (start → answer)": "简单 Chatflow（开始 → 回复）的 API 密钥",
  "API key of the complex chatflow": "复杂 Chatflow 的 API 密钥",
  "knowledge API key (dataset-…)": "知识库 API 密钥（dataset-…）",
  "id of the knowledge base": "知识库的 id",
};

const threads: [RegExp, string][] = [
  [/^an engine thread/, "一个压测线程"],
  [/^engine thread (\d+) of (\d+)/, "第 $1/$2 号压测线程"],
];

const signed = (x: number): string => `${x < 0 ? "-" : "+"}${Math.abs(x * 100).toFixed(Math.abs(x) < 0.0995 ? 1 : 0)}`;

/** 由数字组成的结论，与英文句子说的是同一件事。 */
export function campaignVerdictZh(v: CampaignVerdict, parent: string | null): string {
  if (v.kind === null) return v.reasons.length > 0 ? `与“${parent}”不可比：${v.reasons.map(sentenceZh).join("；")}` : "还没有计入的试验";
  const head = { better: `比“${parent}”更好`, worse: `比“${parent}”更差`, "no difference": `与“${parent}”无差异`, inconclusive: `与“${parent}”相比尚无定论` }[v.kind];
  if (typeof v.delta !== "number" || !v.n) return head;
  const n = `n = ${v.n[0]} + ${v.n[1]}${v.interleaved ? "，交替进行" : ""}`;
  const range = typeof v.low === "number" && typeof v.high === "number" ? `${signed(v.low)} … ${signed(v.high)} %` : null;
  if (!v.tested) return `${head}：${signed(v.delta)} %（${range ? `运行内 95 %：${range}，` : ""}${n}）：不含重启与日间波动，不算检验`;
  const p = v.p ?? 1;
  const least = v.p_least ?? 1;
  const ranks = least > 0.05 ? "；样本这么少，秩检验不可能低于 0.05" : p <= least * 1.000001 ? "，为此 n 下的最小值" : "";
  const more = v.kind === "inconclusive" ? `；这么多试验约从 ${((v.least_change ?? 0) * 100).toFixed(1)} % 起才看得出变化` : "";
  return `${head}：${signed(v.delta)} %（95 %：${range}，${n}，运行间离散 ${((v.spread ?? 0) * 100).toFixed(1)} %，Mann-Whitney p = ${p.toPrecision(2)}${ranks}）${more}`;
}

export function sentenceZh(text: string): string {
  const known = whole[text] ?? plans[text];
  if (known) return known;
  for (const [pattern, chinese] of patterns) {
    if (!pattern.test(text)) continue;
    const said = text.replace(pattern, chinese);
    return threads.reduce((sum, [thread, words]) => sum.replace(thread, words), said);
  }
  return text;
}
