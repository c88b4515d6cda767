// Bundles the page into one HTML file with everything inline: node build.mjs OUT.html [DEPFILE TARGET]
// Nothing in it may ask another host for anything; this is where that is held.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const gzipMax = 150_000;
const otherHost = /(?:https?|wss?):\/\/(?!www\.w3\.org\/)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/i; // w3.org: names of XML, never asked

export async function bundle() {
  const made = await build({
    absWorkingDir: here,
    entryPoints: ["src/main.tsx"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: "out",
    format: "iife",
    target: ["chrome100", "firefox100", "safari15.4"],
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const css = await build({
    absWorkingDir: here, stdin: { contents: '@import "uplot/dist/uPlot.min.css"; @import "./src/style.css";', loader: "css", resolveDir: here },
    bundle: true, minify: true, write: false, metafile: true, outdir: "out", charset: "utf8",
  });
  const script = made.outputFiles[0].text.trimEnd().replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
  const html = readFileSync(resolve(here, "src/index.html"), "utf8")
    .replace("/*STYLE*/", () => css.outputFiles[0].text.trimEnd())
    .replace("/*SCRIPT*/", () => script);
  const inputs = [...Object.keys(made.metafile.inputs), ...Object.keys(css.metafile.inputs).filter((i) => i !== "<stdin>"), "src/index.html", "build.mjs"];
  const url = otherHost.exec(html);
  if (url) throw new Error(`the page names another host: ${url[0]}`);
  return { html, inputs };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, depfile, target] = process.argv.slice(2);
  const { html, inputs } = await bundle();
  const packed = gzipSync(html, { level: 9 }).length;
  if (packed > gzipMax) throw new Error(`the page has ${packed} bytes packed; ${gzipMax} are the limit`);
  writeFileSync(out, html);
  if (depfile) writeFileSync(depfile, `${target}: ${inputs.map((i) => resolve(here, i).replace(/ /g, "\\ ")).join(" ")}\n`);
  else console.log(`${relative(process.cwd(), out)}: ${html.length} bytes, ${packed} packed`);
}
