// The form of a run: what it holds, what of it goes to the server. Pure.
import type { Options, Plan } from "../types";

export type Kind = "users" | "stages" | "rate" | "in-flight";
export const kinds: Kind[] = ["users", "stages", "rate", "in-flight"];

export interface Form {
  plan: string;
  host: string;
  settings: Record<string, string>;
  kind: Kind;
  fields: Record<string, string>; // options with one value, by their long name
  slos: string[];
  tags: string[];
  classes: string[]; // the ones to run; none: all
  task: string;
}

const kindOf = (plan: Plan): Kind =>
  plan.load.stages ? "stages" : plan.load.rate ? "rate" : plan.load["in-flight"] ? "in-flight" : "users";

export function formOf(plan: Plan, kept?: Form): Form {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(plan.load)) if (value) fields[name] = value;
  return {
    plan: plan.name,
    host: plan.host || kept?.host || "",
    settings: {},
    kind: kindOf(plan),
    fields,
    slos: plan.slos.length > 0 ? [...plan.slos] : [""],
    tags: [""],
    classes: [],
    task: "",
  };
}

/** The fields that each kind of load has, in the form's order. */
export const kindFields: Record<Kind, string[]> = {
  users: ["users", "spawn-rate", "run-time"],
  stages: ["stages"],
  rate: ["rate", "max-in-flight", "run-time"],
  "in-flight": ["in-flight", "run-time"],
};
export const moreFields = ["warm-up", "stop-timeout", "timeout", "name"];

const given = (texts: string[]): string[] => texts.map((text) => text.trim()).filter((text) => text !== "");

/** What differs from the plan's own load is given; a load of another kind replaces it. */
export function optionsOf(form: Form): Options {
  const options: Options = {};
  for (const name of [...kindFields[form.kind], ...moreFields]) {
    const text = (form.fields[name] ?? "").trim();
    if (text !== "") options[name] = text;
  }
  if (given(form.slos).length > 0) options.slo = given(form.slos);
  if (given(form.tags).length > 0) options.tag = given(form.tags);
  if (form.classes.length > 0) options["user-class"] = form.classes;
  if (form.task.trim() !== "") options.task = form.task.trim();
  return options;
}

/** Settings that were typed; what was left empty stays with the plan, the command line or the environment. */
export const settingsOf = (form: Form): Record<string, string> =>
  Object.fromEntries(Object.entries(form.settings).filter(([, value]) => value !== ""));

/** Parameters that have to be given and are not. */
export const lacking = (plan: Plan, form: Form): string[] =>
  plan.params.filter((p) => p.required && !p.set && !form.settings[p.name]).map((p) => p.name);
