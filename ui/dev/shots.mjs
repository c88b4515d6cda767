// Pictures of the page over the fake server, to look at: node dev/shots.mjs FOLDER [NAME…]
import { mkdirSync, writeFileSync } from "node:fs";
import { launch } from "./browser.mjs";
import { pastRuns } from "./data.mjs";
import { startFake } from "./fake.mjs";

const [folder = "/tmp/shots", ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const fake = await startFake({ tickMs: 40 });
fake.launch({ id: "live", name: "dify:three-scenarios", users: 60, spawnRate: 5, runTime: 300 });
const [a, b] = ["20261127-164000-1163", "20261127-170911-1177"];
const report = `${folder}/report.html`;
const page3 = JSON.stringify(pastRuns()[0].page()).replace(/</g, "\\u003c");
writeFileSync(report, fake.html.replace('id="page-data"></script>', () => `id="page-data">${page3}</script>`));

const views = {
  live: { hash: "#/run", wait: 2500 },
  start: { hash: "#/start" },
  try: { hash: "#/try", act: async (page) => { await page.fill("#try-host", "http://127.0.0.1:5001"); await page.fill("#try-set-key", "app-x"); await page.click("[data-testid=try-go]"); await page.waitForTimeout(1500); } },
  history: { hash: "#/history" },
  past: { hash: "#/history/20261127-181502-1201" },
  invalid: { hash: "#/history/20261126-090000-0933" },
  compare: { hash: `#/compare/${a}/${b}` },
  campaigns: { hash: "#/campaigns" },
  campaign: { hash: "#/campaigns/tune" },
  report: { file: report },
};
const browser = await launch();
for (const [name, view] of Object.entries(views)) {
  for (const [width, lang, theme] of [[1280, "en", "dark"], [1280, "zh", "light"], [360, "zh", "dark"], [360, "en", "light"]]) {
    const file = `${name}-${width}-${lang}-${theme}`;
    if (only.length > 0 && !only.some((o) => file.startsWith(o))) continue;
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme, locale: lang === "zh" ? "zh-CN" : "en-US" });
    page.on("console", (m) => m.type() === "error" && console.log(file, m.text()));
    page.on("pageerror", (e) => console.log(file, String(e)));
    await page.goto(view.file ? `file://${view.file}` : `${fake.url}${view.hash}`);
    await page.waitForTimeout(view.wait ?? 900);
    await view.act?.(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) console.log(`${file}: ${wide} px too wide`);
    await page.screenshot({ path: `${folder}/${file}.png`, fullPage: true });
    if (view.file && width === 1280 && lang === "en") await page.pdf({ path: `${folder}/report.pdf`, format: "A4" });
    await page.close();
  }
}
await browser.close();
await fake.close();
