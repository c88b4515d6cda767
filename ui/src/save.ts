// Files that the page makes itself, where no server is left to make them: the summary, and this page with its data.
import type { RunData } from "./state";

/** A '<' stands in strings alone in JSON; nothing in it may end the script element that it stands in. */
export const inScript = (document: unknown): string => JSON.stringify(document).replace(/</g, "\\u003c");

/** This page as it came from the server, with the run inside: what --out html writes. */
export function reportOf(run: RunData): string {
  const root = document.documentElement.cloneNode(true) as HTMLElement;
  const data = { schema: "spate.page/1", begin: run.begin, ticks: run.ticks, summary: run.summary, log: run.log };
  for (const name of root.getAttributeNames()) root.removeAttribute(name); // the reader chooses language and theme
  root.querySelector("#page")?.replaceChildren();
  const inside = root.querySelector("#page-data");
  if (inside) inside.textContent = inScript(data);
  return `<!doctype html>\n${root.outerHTML}\n`;
}

export function saveFile(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may ask where to first
}
