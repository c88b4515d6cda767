// The page: a report where data stands inside it, else the live page of the server that it came from.
import { render } from "preact";
import { useCell } from "./cell";
import { startLive } from "./live";
import { wearPalette } from "./palette";
import {
  chooseLang, chooseTheme, connection, fromPage, isOver, lang, liveRun, printing, route, server, texts, theme, wearChoices, type RunData,
} from "./state";
import type { Campaign, PageData } from "./types";
import { CampaignBody, CampaignsView, CampaignView } from "./views/campaigns";
import { CompareView } from "./views/compare";
import { HistoryView, PastRunView } from "./views/history";
import { RunView } from "./views/run";
import { StartView } from "./views/start";
import { TryView } from "./views/try";

function Switches() {
  const t = texts();
  return (
    <div class="switches noprint">
      <button type="button" class="quiet" onClick={() => chooseLang(lang.value === "zh" ? "en" : "zh")} data-testid="lang"
        lang={lang.value === "zh" ? "en" : "zh-CN"}>{t.otherLanguage}</button>
      <button type="button" class="quiet" onClick={() => chooseTheme(theme.value === "dark" ? "light" : "dark")} data-testid="theme"
        aria-label={theme.value === "dark" ? t.toLight : t.toDark} title={theme.value === "dark" ? t.toLight : t.toDark}>
        <span aria-hidden="true">{theme.value === "dark" ? "☀" : "☾"}</span>
      </button>
    </div>
  );
}

const Logo = () => (
  <span class="logo">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 7c4-4 6 4 10 0s6 4 10 0M2 13c4-4 6 4 10 0s6 4 10 0M2 19c4-4 6 4 10 0s6 4 10 0" /></svg>
    spate
  </span>
);

function Line() {
  const t = texts();
  const state = useCell(connection);
  const shown = isOver() ? "over" : state;
  if (state === "none") return null;
  return <span class={`line ${shown}`} role="status" data-testid="connection" data-state={shown}>{t.connection[shown]}</span>;
}

/** Why the numbers stand still. */
function Still() {
  const t = texts();
  const state = useCell(connection);
  const id = useCell(liveRun)?.begin.id;
  if (isOver()) {
    return (
      <p class="banner noprint" role="status" data-testid="over">
        {t.isOver} <code>spate report {id} <span class="nowrap">--out csv=run</span></code>
      </p>
    );
  }
  if (state !== "lost" && state !== "denied") return null;
  return <p class="banner bad noprint" role="alert" data-testid="lost">{state === "lost" ? t.notConnected : t.notAllowed}</p>;
}

function Nav() {
  const t = texts();
  const at = useCell(route) || "#/run";
  const can = useCell(server)?.can;
  const items: [string, string, boolean][] = [
    ["#/run", t.navRun, true],
    ["#/start", t.navStart, can?.start ?? false],
    ["#/try", t.navTry, can?.try ?? false],
    ["#/history", t.history, can?.history ?? false],
    ["#/campaigns", t.campaigns, can?.history ?? false],
  ];
  return (
    <nav aria-label={t.navigation}>
      {items.filter(([, , shown]) => shown).map(([href, text]) => (
        <a key={href} href={href} aria-current={at.startsWith(href) || (href === "#/history" && at.startsWith("#/compare")) ? "page" : undefined}>{text}</a>
      ))}
    </nav>
  );
}

function LivePage() {
  const t = texts();
  const run = useCell(liveRun);
  const state = useCell(server);
  const lost = useCell(connection) === "lost";
  if (run && state) return <RunView key={run.begin.id} run={run} live running={["spawning", "steady", "ending"].includes(state.phase)} />;
  if (!state) return <p class="empty tall" role="status">{lost ? t.notConnected : t.loading}</p>;
  return state.can.start ? <StartView /> : <p class="empty tall" role="status">{t.nothingRuns}</p>;
}

function Where() {
  const parts = useCell(route).replace(/^#\//, "").split("/").map(decodeURIComponent);
  if (parts[0] === "start") return <StartView />;
  if (parts[0] === "try") return <TryView />;
  if (parts[0] === "history") return parts[1] ? <PastRunView id={parts[1]} /> : <HistoryView />;
  if (parts[0] === "campaigns") return parts[1] ? <CampaignView name={parts[1]} /> : <CampaignsView />;
  if (parts[0] === "compare" && parts[2]) return <CompareView a={parts[1]} b={parts[2]} />;
  return <LivePage />;
}

/** What a report has inside: a run or a campaign. null: the live page. */
type Report = { run: RunData } | { campaign: Campaign } | null;

function Reported({ report }: { report: NonNullable<Report> }) {
  if ("campaign" in report) return <CampaignBody campaign={report.campaign} report />;
  return <RunView run={report.run} live={false} running={false} report />;
}

function Page({ report }: { report: Report }) {
  useCell(lang);
  const t = texts();
  useCell(theme);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>{t.skip}</a>
      <div class="top">
        <Logo />
        {report ? <span class="spring" /> : <Nav />}
        {!report && <Line />}
        <Switches />
      </div>
      {!report && <Still />}
      <main id="main" tabIndex={-1}>{report ? <Reported report={report} /> : <Where />}</main>
    </>
  );
}

function embedded(): Report {
  const inside = document.getElementById("page-data")?.textContent?.trim();
  if (!inside) return null;
  const held = JSON.parse(inside) as PageData | Campaign;
  return held.schema === "spate.campaign/1" ? { campaign: held as Campaign } : { run: fromPage(held as PageData) };
}

const report = embedded();
wearChoices();
const wear = () => wearPalette(printing.value ? "light" : theme.value);
[theme, printing].forEach((cell) => cell.watch(wear));
wear();
if (report) document.title = `${"campaign" in report ? report.campaign.name : report.run.begin.name} · spate`;
render(<Page report={report} />, document.getElementById("page") as HTMLElement);
if (!report) startLive();
