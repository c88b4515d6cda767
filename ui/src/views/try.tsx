// One user, each task once: every event of the stream as it arrives, on a time line.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, messageOf } from "../api";
import { useCell } from "../cell";
import { digits, time } from "../format";
import { readEvents } from "../sse";
import { lang, server, texts } from "../state";
import type { Plan, TryDone, TryEvent, TryRequest } from "../types";
import { Words } from "../words";
import { Field } from "./field";
import { lacking, formOf, settingsOf, type Form } from "./form";

interface Exchange {
  request: TryRequest;
  events: TryEvent[];
  done: TryDone | null;
}

const eventsMax = 5_000;

function place(list: Exchange[], event: string, data: unknown): Exchange[] {
  if (event === "request") return [...list, { request: data as TryRequest, events: [], done: null }];
  const { n } = data as { n: number };
  return list.map((one) => {
    if (one.request.n !== n) return one;
    if (event === "done") return { ...one, done: data as TryDone };
    return one.events.length < eventsMax ? { ...one, events: [...one.events, data as TryEvent] } : one;
  });
}

function TimeLine({ exchange }: { exchange: Exchange }) {
  const t = texts();
  const { events, done } = exchange;
  const end = Math.max(done?.metrics.e2e ?? 0, events[events.length - 1]?.t ?? 0, 1);
  const at = (ms: number) => `${(ms / end) * 100}%`;
  const firsts = (["ttfb", "ttft"] as const).flatMap((m) => {
    const value = done?.metrics[m] ?? (m === "ttft" ? events.find((e) => e.kind === "token")?.t : null);
    return value === null || value === undefined ? [] : [{ m, value }];
  });
  const [ttfb, ttft] = firsts.map((first) => first.value);
  const tight = ttft !== undefined && ttft - ttfb < 0.3 * end; // two labels would lie over each other
  return (
    <div class="timeline" role="img" aria-label={t.timelineSpoken(events.length, time(end))}>
      <div class="lane">
        {events.map((e) => <i key={e.t} class={e.kind} style={{ left: at(e.t) }} title={`${time(e.t)} ${e.name}`} />)}
        {firsts.map(({ m, value }) => <b key={m} class={`${m} ${value > 0.75 * end ? "late" : ""} ${tight && m === "ttfb" ? "mute" : ""}`} style={{ left: at(value) }}><span>{t.short[m]} {time(value)}</span></b>)}
      </div>
      <div class="ends"><span>0</span><span>{time(end)}</span></div>
    </div>
  );
}

function EventList({ events }: { events: TryEvent[] }) {
  const t = texts();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [events.length]);
  return (
    <div class="scroll events" ref={list} tabIndex={0} role="region" aria-label={t.eventsOf}>
      <table>
        <thead>
          <tr><th scope="col">ms</th><th scope="col">+</th><th scope="col" class="words">{t.eventTitle}</th><th scope="col" class="words">{t.textTitle}</th></tr>
        </thead>
        <tbody>
          {events.map((e, i) => (
            <tr key={i} class={e.kind}>
              <td>{e.t.toFixed(1)}</td>
              <td>{i > 0 ? digits(e.t - events[i - 1].t) : ""}</td>
              <td class="words"><span class={`kind ${e.kind}`}>{t.eventKind[e.kind] ?? e.kind}</span> {e.name}</td>
              <td class="words text">{e.text ?? (e.data === null || e.data === undefined ? "" : JSON.stringify(e.data))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ExchangeView({ exchange }: { exchange: Exchange }) {
  const t = texts();
  const { request, events, done } = exchange;
  const answer = events.filter((e) => e.kind === "token").map((e) => e.text ?? "").join("");
  return (
    <section class="panel exchange" data-testid="exchange">
      <h2>
        {request.name}
        {done && <span class={`badge ${done.outcome === "ok" ? "on" : "bad"}`}>{t.outcome[done.outcome] ?? done.outcome}</span>}
        {!done && <span class="badge">{t.streaming}</span>}
      </h2>
      <p class="facts"><code>{request.method} {request.url}</code></p>
      <TimeLine exchange={exchange} />
      {done && (
        <dl class="numbers">
          {Object.entries(done.metrics).filter(([, v]) => v !== null).map(([m, v]) => (
            <div key={m}><dt title={t.metricHint[m]}>{t.metric[m] ?? m}</dt><dd>{time(v)}</dd></div>
          ))}
          {done.status !== null && <div><dt>HTTP</dt><dd>{done.status}</dd></div>}
        </dl>
      )}
      {done?.detail && <p class="bad">{done.detail}</p>}
      {done?.remedy && <p class="remedy">→ <Words text={t.sentence(done.remedy)} /></p>}
      {answer && <blockquote>{answer}</blockquote>}
      {events.length > 0 && <EventList events={events} />}
    </section>
  );
}

export function TryView() {
  useCell(lang);
  const t = texts();
  const state = useCell(server);
  const [plans, setPlans] = useState<Plan[] | null>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [fault, setFault] = useState<string | null>(null);
  const [abort, setAbort] = useState<AbortController | null>(null);
  useEffect(() => {
    api.plans().then((found) => {
      setPlans(found);
      if (found.length > 0) setForm(formOf(found[0]));
    }, (error) => setFault(messageOf(error)));
  }, []);
  useEffect(() => () => abort?.abort(), [abort]);
  const plan = plans?.find((p) => p.name === form?.plan);
  if (!form || !plan) return fault ? <p class="empty tall bad">{fault}</p> : <p class="empty tall" role="status">{t.loading}</p>;
  const go = async (event: Event) => {
    event.preventDefault();
    const missing = lacking(plan, form);
    if (missing.length > 0) return setFault(`${missing.join(", ")}: ${t.isNeeded}`);
    const control = new AbortController();
    setAbort(control);
    setFault(null);
    setExchanges([]);
    try {
      const request = { plan: plan.name, task: form.task || null, host: form.host.trim(), settings: settingsOf(form), options: {} };
      const response = await api.try(request, control.signal);
      await readEvents(response, (e) => e.event !== "end" && setExchanges((list) => place(list, e.event, JSON.parse(e.data))));
    } catch (error) {
      if (!control.signal.aborted) setFault(messageOf(error));
    }
    return setAbort(null);
  };
  const tasks = plan.classes.flatMap((c) => c.tasks.map((task) => task.name));
  return (
    <div class="try">
      <form class="start" onSubmit={go} noValidate>
        <h1>{t.tryTitle}</h1>
        <p class="hint">{t.tryHint}</p>
        <fieldset>
          <legend>{t.plan}</legend>
          <div class="fields">
            <div class="field">
              <label for="try-plan">{t.plan}</label>
              <select id="try-plan" value={plan.name} onChange={(e) => {
                const next = plans?.find((p) => p.name === e.currentTarget.value);
                if (next) setForm(formOf(next, form));
              }}>
                {plans?.map((p) => <option key={p.name} value={p.name}>{p.name}</option>)}
              </select>
            </div>
            {tasks.length > 1 && (
              <div class="field">
                <label for="try-task">{t.tasks}</label>
                <select id="try-task" value={form.task} onChange={(e) => setForm({ ...form, task: e.currentTarget.value })}>
                  <option value="">{t.eachOnce}</option>
                  {tasks.map((task) => <option key={task} value={task}>{task}</option>)}
                </select>
              </div>
            )}
            <Field id="try-host" label={t.host} value={form.host} mode="url" placeholder="http://127.0.0.1:5001"
              onInput={(host) => setForm({ ...form, host })} />
            {plan.params.map((p) => (
              <Field key={p.name} id={`try-set-${p.name}`} label={p.name} hint={t.sentence(p.description)} value={form.settings[p.name] ?? ""} secret={p.secret}
                required={p.required && !p.set} placeholder={p.set ? t.givenAlready : (p.default ?? "")}
                onInput={(value) => setForm({ ...form, settings: { ...form.settings, [p.name]: value } })} />
            ))}
          </div>
        </fieldset>
        {fault && <p class="fault" role="alert">{fault}</p>}
        <div class="submit">
          {abort ? (
            <button type="button" class="danger" onClick={() => abort.abort()}>{t.stop}</button>
          ) : (
            <button type="submit" class="main" disabled={!state?.can.try} data-testid="try-go">{t.tryGo}</button>
          )}
        </div>
      </form>
      <div aria-live="polite">{exchanges.map((one) => <ExchangeView key={one.request.n} exchange={one} />)}</div>
    </div>
  );
}
