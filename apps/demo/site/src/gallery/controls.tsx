/** Parts that every kind of entry has: the options' controls, code, and facts. */
import { useId, useState } from "preact/hooks";
import type { Code } from "./code.js";
import type { Parameter, Values } from "./parameters.js";

export function Controls(props: {
  readonly parameters: readonly Parameter[];
  readonly values: Values;
  onChange(values: Values): void;
}) {
  const { parameters, values } = props;
  const id = useId();
  if (parameters.length === 0) return null;
  return (
    <div class="options" role="group" aria-label="Options">
      {parameters.map((parameter) => {
        const { name, initial } = parameter;
        const value = values[name] ?? initial;
        const set = (next: number | string | boolean): void => props.onChange({ ...values, [name]: next });
        return (
          <div key={name} class="field">
            <label class="label" for={`${id}${name}`}>
              {name}
              {parameter.kind === "number" && <output>{String(value)}</output>}
            </label>
            {parameter.kind === "number" ? (
              <input
                id={`${id}${name}`}
                type="range"
                min={Math.min(parameter.low, Number(value))}
                max={Math.max(parameter.high, Number(value))}
                step={parameter.step}
                value={Number(value)}
                onInput={({ currentTarget }) => set(Number(currentTarget.value))}
              />
            ) : (
              <select
                id={`${id}${name}`}
                value={String(value)}
                onChange={({ currentTarget }) => set(parameter.choices.find((choice) => String(choice) === currentTarget.value)!)}
              >
                {parameter.choices.map((choice) => (
                  <option key={String(choice)} value={String(choice)}>
                    {String(choice)}
                  </option>
                ))}
              </select>
            )}
          </div>
        );
      })}
    </div>
  );
}

function Program({ title, text }: { title: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <section class="program" aria-label={title}>
      <div class="panel-head">
        <h3>{title}</h3>
        <button class="button" data-kind="small" onClick={() => void copy().catch(() => setCopied(false))}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </section>
  );
}

export const Programs = ({ code: { ermine, torch } }: { code: Code }) => (
  <div class="programs">
    <Program title="ermine" text={ermine} />
    {torch === undefined ? <p class="quiet">PyTorch has none.</p> : <Program title="PyTorch" text={torch} />}
  </div>
);

/** What a definition's docstring says. */
export const Facts = ({ facts }: { facts: readonly (readonly [name: string, text: string | undefined])[] }) => (
  <dl class="facts">
    {facts.map(([name, text]) =>
      text === undefined || text === "" ? null : (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ),
    )}
  </dl>
);

/** Other entries in the same chart. */
export function Others(props: {
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  onChange(chosen: readonly string[]): void;
}) {
  const id = useId();
  const { names, chosen } = props;
  return (
    <div class="others">
      <label class="hidden" for={id}>
        Compare with
      </label>
      <select
        id={id}
        value=""
        onChange={({ currentTarget }) => {
          if (currentTarget.value !== "") props.onChange([...chosen, currentTarget.value]);
          currentTarget.value = "";
        }}
      >
        <option value="">Compare with …</option>
        {names
          .filter((name) => !chosen.includes(name))
          .map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
      </select>
      {chosen.map((name) => (
        <button
          key={name}
          class="button"
          data-kind="small"
          onClick={() => props.onChange(chosen.filter((each) => each !== name))}
        >
          {name} <span aria-hidden="true">×</span>
          <span class="hidden">: remove</span>
        </button>
      ))}
    </div>
  );
}

/** A computation that the definition may refuse, and then why. */
export function attempt<T>(
  compute: () => T,
): { readonly result: T; readonly problem: undefined } | { readonly result: undefined; readonly problem: string } {
  try {
    return { result: compute(), problem: undefined };
  } catch (error) {
    return { result: undefined, problem: (error as Error).message };
  }
}
