// What the page's tests share: a browser that reaches nothing but its own server, numbers read from the page, waiting.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch } from "../../ui/dev/browser.mjs";

const require = createRequire(new URL("../../ui/package.json", import.meta.url));
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const waitMs = 20_000; // at most; a busy machine gets its time

/** A page whose requests to other hosts, errors and complaints fail the test at its end. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", bypassCSP: false, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (url && new URL(request.url()).host !== new URL(url).host && !request.url().startsWith("data:")) faults.push(`asked ${request.url()}`);
  });
  page.setDefaultTimeout(waitMs);
  page.finish = async () => {
    await context.close();
    assert.deepEqual(faults, []);
  };
  if (url) await page.goto(url);
  return page;
}

export const id = (name) => `[data-testid="${name}"]`;

/** "1,234" or "12.3 %" → the number. */
export const number = (text) => Number(text.replace(/[^\d.-]/g, ""));

export async function until(what, check) {
  const end = Date.now() + waitMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Faults of access that axe calls serious or critical. */
export async function accessFaults(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join(" | ")}`);
}

/** The table's cells as the page shows them: rows of { column key: text }. */
export const rowsOf = (page, table) =>
  page.$$eval(`${id(table)} tbody tr`, (rows) =>
    rows.map((row) => Object.fromEntries([...row.querySelectorAll("[data-col]")].map((cell) => [cell.dataset.col, cell.textContent.trim()]))));

export { launch };
