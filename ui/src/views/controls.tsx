// What can be done to a run under way: its users or rate, an end, the statistics anew.
import { useState } from "preact/hooks";
import { api, messageOf } from "../api";
import { useCell } from "../cell";
import { lang, server, texts, type RunData } from "../state";

export function Controls({ run, running }: { run: RunData; running: boolean }) {
  const t = (useCell(lang), texts());
  const state = useCell(server);
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  const [stopping, setStopping] = useState(false);
  const rated = run.begin.kind === "rate";
  const act = (call: () => Promise<unknown>, done: string) => {
    setSaid(null);
    call().then(() => setSaid({ bad: false, text: done }), (error) => setSaid({ bad: true, text: messageOf(error) }));
  };
  if (!running || !state) {
    return state?.can.start ? (
      <p class="controls noprint">
        <a class="button main" href="#/start">{t.newRun}</a>
      </p>
    ) : null;
  }
  const change = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const level = Number(form.get("level"));
    const speed = String(form.get("speed") ?? "").trim();
    if (rated) act(() => api.rate(level), t.changed);
    else act(() => api.users(level, speed === "" ? null : Number(speed)), t.changed);
  };
  const stop = (atOnce: boolean) => {
    setStopping(true);
    act(() => api.stop(atOnce), t.stopAsked);
  };
  return (
    <div class="controls noprint" data-testid="controls">
      {state.can.change && (
        <form onSubmit={change}>
          <label>
            {rated ? t.ratePerSecond : run.begin.kind === "in_flight" ? t.inFlight : t.users}
            <input name="level" type="number" min="0" step={rated ? "any" : "1"} required data-testid="change-level"
              placeholder={String((rated ? run.ticks.at(-1)?.rate_target : run.ticks.at(-1)?.users_target) ?? "")} />
          </label>
          {!rated && (
            <label>
              {t.spawnRate}
              <input name="speed" type="number" min="0" step="any" placeholder={t.atOnce} data-testid="change-speed" />
            </label>
          )}
          <button type="submit" data-testid="change">{t.change}</button>
        </form>
      )}
      <span class="spring" />
      <button type="button" class="quiet" onClick={() => act(api.reset, t.resetDone)} title={t.resetHint} data-testid="reset">{t.reset}</button>
      {state.can.stop && (
        <>
          {(stopping || state.phase === "ending") && (
            <button type="button" class="danger quiet" onClick={() => stop(true)} data-testid="stop-now">{t.stopAtOnce}</button>
          )}
          <button type="button" class="danger" disabled={state.phase === "ending"} onClick={() => stop(false)} title={t.stopHint} data-testid="stop">
            {state.phase === "ending" ? t.phase.ending : t.stop}
          </button>
        </>
      )}
      {said && <p role="status" class={said.bad ? "bad" : "note"} data-testid="controls-said">{said.text}</p>}
    </div>
  );
}
