// A labelled input with its description and its fault, tied together for screen readers.
import type { ComponentChildren } from "preact";

export interface FieldProps {
  id: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  fault?: string | null;
  secret?: boolean;
  required?: boolean;
  placeholder?: string;
  mode?: "numeric" | "decimal" | "url";
  wide?: boolean;
  onRemove?: () => void;
  removeLabel?: string;
}

export function Field(p: FieldProps) {
  const about = [p.hint && `${p.id}-hint`, p.fault && `${p.id}-fault`].filter(Boolean).join(" ");
  return (
    <div class={`field ${p.wide ? "wide" : ""}`}>
      <label for={p.id}>
        {p.label}
        {p.required && <span class="needed" aria-hidden="true"> *</span>}
      </label>
      <div class="inputrow">
        <input
          id={p.id}
          name={p.id}
          type={p.secret ? "password" : "text"}
          autocomplete={p.secret ? "new-password" : "off"}
          spellcheck={false}
          inputMode={p.mode}
          value={p.value}
          placeholder={p.placeholder}
          aria-required={p.required}
          aria-invalid={p.fault ? true : undefined}
          aria-describedby={about || undefined}
          onInput={(event) => p.onInput(event.currentTarget.value)}
        />
        {p.onRemove && (
          <button type="button" class="quiet" onClick={p.onRemove} aria-label={p.removeLabel}>×</button>
        )}
      </div>
      {p.fault && <p class="fault" id={`${p.id}-fault`} role="alert">{p.fault}</p>}
      {p.hint && <p class="hint" id={`${p.id}-hint`}>{p.hint}</p>}
    </div>
  );
}
