// The run's files: from the server; where that is gone, what the page can make of what it has.
import { useEffect, useRef } from "preact/hooks";
import { useCell } from "../cell";
import { reportOf, saveFile } from "../save";
import { connection, lang, server, texts, type RunData } from "../state";

interface File {
  kind: string;
  href?: string;
  make?: () => void;
}

function ownFiles(run: RunData): File[] {
  const name = `spate-${run.begin.id}`;
  const summary = run.summary;
  return [
    ...(summary ? [{ kind: "json", make: () => saveFile(`${name}.json`, "application/json", `${JSON.stringify(summary)}\n`) }] : []),
    { kind: "html", make: () => saveFile(`${name}.html`, "text/html", reportOf(run)) },
  ];
}

export function Downloads({ run }: { run: RunData }) {
  const t = (useCell(lang), texts());
  const outputs = useCell(server)?.outputs ?? [];
  const lost = useCell(connection) === "lost";
  const files = lost ? ownFiles(run) : outputs.map((kind): File => ({ kind, href: `/api/out/${kind}` }));
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = () => menu.current && (menu.current.open = false);
    const outside = (event: Event) => !menu.current?.contains(event.target as Node) && close();
    const escape = (event: KeyboardEvent) => event.key === "Escape" && close();
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape);
    };
  }, []);
  if (files.length === 0) return null;
  return (
    <details class="menu" ref={menu}>
      <summary>{t.downloads}</summary>
      <ul onClick={() => menu.current && (menu.current.open = false)}>
        {files.map(({ kind, href, make }) => (
          <li key={kind}>
            {make ? <button type="button" class="link" onClick={make} data-testid={`out-${kind}`}>{kind}</button>
              : <a href={href} download data-testid={`out-${kind}`}>{kind}</a>}{" "}
            <span>{t.output[kind] ?? ""}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
