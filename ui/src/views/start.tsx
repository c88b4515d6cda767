// The start of a run: plan, parameters, load, service levels. Each field is checked as typed, by the server, in the
// command line's words.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError, messageOf } from "../api";
import { useCell } from "../cell";
import { seconds, stagePoints, userPoints, type Point } from "../shape";
import { lang, server, texts } from "../state";
import type { Plan } from "../types";
import { Field } from "./field";
import { formOf, kindFields, kinds, lacking, moreFields, optionsOf, settingsOf, type Form, type Kind } from "./form";

const checkAfterMs = 250;

function Shape({ form }: { form: Form }) {
  const t = texts();
  const f = form.fields;
  const end = seconds(f["run-time"] ?? "");
  const level = Number.parseFloat(form.kind === "rate" ? (f.rate ?? "") : (f[form.kind] ?? ""));
  let points: Point[] | null = null;
  if (form.kind === "stages" || /:/.test(f.rate ?? "")) points = stagePoints(form.kind === "stages" ? (f.stages ?? "") : (f.rate ?? ""));
  else if (level > 0) points = userPoints(level, form.kind === "users" && f["spawn-rate"] ? Number.parseFloat(f["spawn-rate"]) : Infinity, end);
  if (!points) return null;
  const wide = points[points.length - 1][0] || 1;
  const high = Math.max(...points.map((p) => p[1])) || 1;
  const path = points.map(([x, y]) => `${((x / wide) * 300).toFixed(1)},${(58 - (y / high) * 50).toFixed(1)}`);
  return (
    <svg class="shape" viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-label={t.shapePicture}>
      <polygon points={`0,58 ${path.join(" ")} 300,58`} />
      <polyline points={path.join(" ")} />
    </svg>
  );
}

function PlanPicker({ plans, chosen, onChoose }: { plans: Plan[]; chosen: string; onChoose: (plan: Plan) => void }) {
  const t = texts();
  return (
    <fieldset class="plans">
      <legend>{t.plan}</legend>
      <div class="cards">
        {plans.map((plan) => (
          <label key={plan.name} class={plan.name === chosen ? "chosen" : ""}>
            <input type="radio" name="plan" value={plan.name} checked={plan.name === chosen} onChange={() => onChoose(plan)} />
            <b>{plan.name}</b>
            <span>{plan.error ? <em class="bad">{plan.error}</em> : t.sentence(plan.description)}</span>
            {!plan.builtin && <small class="tag">{t.yours}</small>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Params({ plan, form, edit, faults }: PartProps & { plan: Plan }) {
  const t = texts();
  if (plan.params.length === 0) return null;
  return (
    <fieldset>
      <legend>{t.params}</legend>
      <div class="fields">
        {plan.params.map((p) => (
          <Field
            key={p.name}
            id={`set-${p.name}`}
            label={p.name}
            hint={t.sentence(p.description)}
            value={form.settings[p.name] ?? ""}
            secret={p.secret}
            required={p.required && !p.set}
            placeholder={p.set ? t.givenAlready : (p.default ?? "")}
            fault={faults[`set-${p.name}`] ?? faults[p.name]}
            onInput={(value) => edit({ settings: { ...form.settings, [p.name]: value } }, `set-${p.name}`)}
          />
        ))}
      </div>
    </fieldset>
  );
}

interface PartProps {
  form: Form;
  faults: Record<string, string>;
  edit: (change: Partial<Form>, field: string) => void;
}

function LoadFields({ form, faults, edit }: PartProps) {
  const t = texts();
  const option = (name: string) => (
    <Field
      key={name}
      id={name}
      label={t.option[name]}
      hint={t.optionHint[name]}
      value={form.fields[name] ?? ""}
      fault={faults[name]}
      wide={name === "stages"}
      onInput={(value) => edit({ fields: { ...form.fields, [name]: value } }, name)}
    />
  );
  const choose = (kind: Kind) => edit({ kind }, "kind");
  return (
    <fieldset>
      <legend>{t.load}</legend>
      <div class="group kinds" role="radiogroup" aria-label={t.loadKind}>
        {kinds.map((kind) => (
          <label key={kind} class={form.kind === kind ? "chosen" : ""}>
            <input type="radio" name="kind" value={kind} checked={form.kind === kind} onChange={() => choose(kind)} /> {t.kind[kind]}
          </label>
        ))}
      </div>
      <p class="hint">{t.kindHint[form.kind]}</p>
      <div class="fields">{kindFields[form.kind].map(option)}</div>
      <Shape form={form} />
      <details>
        <summary>{t.moreOptions}</summary>
        <div class="fields">{moreFields.map(option)}</div>
        <Several id="tag" label={t.option.tag} hint={t.optionHint.tag} values={form.tags} faults={faults}
          onChange={(tags) => edit({ tags }, "tag")} />
      </details>
    </fieldset>
  );
}

/** The server names the field; which of several it is about, the quoted text says. */
function blamed(values: string[], fault: string | undefined): number {
  if (!fault) return -1;
  const at = values.findIndex((value) => value.trim() !== "" && fault.includes(value.trim()));
  return at >= 0 ? at : values.length - 1;
}

function Several(p: { id: string; label: string; hint: string; values: string[]; faults: Record<string, string>; onChange: (values: string[]) => void }) {
  const t = texts();
  return (
    <div class="several">
      {p.values.map((value, i) => (
        <Field
          key={i}
          id={`${p.id}-${i}`}
          label={i === 0 ? p.label : `${p.label} ${i + 1}`}
          hint={i === 0 ? p.hint : undefined}
          value={value}
          wide
          fault={i === blamed(p.values, p.faults[p.id]) ? p.faults[p.id] : undefined}
          onInput={(text) => p.onChange(p.values.map((v, k) => (k === i ? text : v)))}
          onRemove={p.values.length > 1 ? () => p.onChange(p.values.filter((_, k) => k !== i)) : undefined}
          removeLabel={t.remove(`${p.label} ${i + 1}`)}
        />
      ))}
      <button type="button" class="quiet" onClick={() => p.onChange([...p.values, ""])}>{t.addOne(p.label)}</button>
    </div>
  );
}

function ClassPicks({ plan, form, edit }: PartProps & { plan: Plan }) {
  const t = texts();
  const tasks = [...new Set(plan.classes.flatMap((c) => c.tasks.map((task) => task.name)))];
  if (plan.classes.length < 2 && tasks.length < 2) return null;
  const turn = (name: string) => {
    const all = plan.classes.map((c) => c.name);
    const before = form.classes.length > 0 ? form.classes : all;
    const next = before.includes(name) ? before.filter((c) => c !== name) : [...before, name];
    edit({ classes: next.length === all.length || next.length === 0 ? [] : all.filter((c) => next.includes(c)) }, "user-class");
  };
  return (
    <fieldset>
      <legend>{t.whatRuns}</legend>
      {plan.classes.length > 1 && (
        <div class="checks" role="group" aria-label={t.userClasses}>
          {plan.classes.map((c) => (
            <label key={c.name}>
              <input type="checkbox" checked={form.classes.length === 0 || form.classes.includes(c.name)} onChange={() => turn(c.name)} />
              {c.name} <small>{t.weight(c.weight)}</small>
            </label>
          ))}
        </div>
      )}
      {tasks.length > 1 && (
        <div class="field">
          <label for="task">{t.tasks}</label>
          <select id="task" value={form.task} onChange={(e) => edit({ task: e.currentTarget.value }, "task")}>
            <option value="">{t.allTasks}</option>
            {tasks.map((task) => <option key={task} value={task}>{task}</option>)}
          </select>
        </div>
      )}
    </fieldset>
  );
}

/** Faults by field: asks the server about the options a moment after the last key. */
function useChecks(form: Form | null): [Record<string, string>, (field: string) => void, (faults: Record<string, string>) => void] {
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [touched, setTouched] = useState<string | null>(null);
  const round = useRef(0);
  useEffect(() => {
    if (!form || touched === null) return undefined;
    const mine = ++round.current;
    const timer = setTimeout(() => {
      // one field at a time is told about: the first that is wrong
      api.check(form.plan, optionsOf(form)).then(
        (answer) => mine === round.current && setFaults(answer.ok ? {} : { [answer.field ?? "form"]: answer.error }),
        (error) => mine === round.current && setFaults({ form: messageOf(error) }),
      );
    }, checkAfterMs);
    return () => clearTimeout(timer);
  }, [form, touched]);
  return [faults, setTouched, setFaults];
}

export function StartView() {
  useCell(lang);
  const t = texts();
  const state = useCell(server);
  const [plans, setPlans] = useState<Plan[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [busy, setBusy] = useState(false);
  const [faults, touch, setFaults] = useChecks(form);
  const load = () => {
    setFailed(null);
    api.plans().then((found) => {
      setPlans(found);
      if (found.length > 0) setForm((kept) => kept ?? formOf(found[0]));
    }, (error) => setFailed(messageOf(error)));
  };
  useEffect(load, []);
  if (failed) return <p class="empty tall bad">{failed} <button type="button" onClick={load}>{t.again}</button></p>;
  if (!plans || !form) return <p class="empty tall" role="status">{t.loading}</p>;
  const plan = plans.find((p) => p.name === form.plan) ?? plans[0];
  const edit = (change: Partial<Form>, field: string) => {
    setForm({ ...form, ...change });
    touch(`${field} ${Date.now()}`);
  };
  const refuse = (found: Record<string, string>) => {
    setFaults(found);
    setTimeout(() => document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), 0);
  };
  const start = async (event: Event) => {
    event.preventDefault();
    const missing = lacking(plan, form);
    if (missing.length > 0) return refuse(Object.fromEntries(missing.map((name) => [`set-${name}`, t.isNeeded])));
    setBusy(true);
    try {
      await api.run({ plan: plan.name, host: form.host.trim(), settings: settingsOf(form), options: optionsOf(form) });
      location.hash = "#/run";
    } catch (error) {
      refuse({ [(error instanceof ApiError && error.field) || "form"]: messageOf(error) });
    }
    setBusy(false);
    return undefined;
  };
  const running = state !== null && ["spawning", "steady", "ending"].includes(state.phase);
  const shown = new Set(["host", ...kindFields[form.kind], ...moreFields, ...plan.params.flatMap((p) => [p.name, `set-${p.name}`]), "slo", "tag"]);
  const elsewhere = Object.entries(faults).filter(([field]) => !shown.has(field));
  const part = { form, faults, edit };
  return (
    <form class="start" onSubmit={start} noValidate>
      <h1>{t.startTitle}</h1>
      {running && <p class="banner"><a href="#/run">{t.runUnderWay}</a></p>}
      <PlanPicker plans={plans} chosen={plan.name} onChoose={(next) => { setForm(formOf(next, form)); setFaults({}); }} />
      <fieldset>
        <legend>{t.targetTitle}</legend>
        <Field id="host" label={t.host} hint={t.hostHint} value={form.host} mode="url" wide placeholder="http://127.0.0.1:5001"
          fault={faults.host} onInput={(host) => edit({ host }, "host")} />
      </fieldset>
      <Params plan={plan} {...part} />
      <LoadFields {...part} />
      <fieldset>
        <legend>{t.slos}</legend>
        <Several id="slo" label={t.option.slo} hint={t.optionHint.slo} values={form.slos} faults={faults} onChange={(slos) => edit({ slos }, "slo")} />
      </fieldset>
      <ClassPicks plan={plan} {...part} />
      {elsewhere.map(([field, text]) => <p key={field} class="fault" role="alert" data-testid="form-fault">{text}</p>)}
      <div class="submit">
        <button type="submit" class="main" disabled={busy || running || !state?.can.start || plan.error !== null} data-testid="start">
          {busy ? t.starting : t.start}
        </button>
        <p class="hint">{t.loadOnlyYours}</p>
      </div>
    </form>
  );
}
