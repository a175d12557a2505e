/** The controls of settings: each a label and its control. */
import { useId } from "preact/hooks";

export function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (T | { readonly value: T; readonly title: string })[];
  onChange(value: T): void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label class="label" for={id}>
        {props.label}
      </label>
      <select id={id} value={props.value} onChange={({ currentTarget }) => props.onChange(currentTarget.value as T)}>
        {props.options.map((option) => {
          const { value, title } = typeof option === "string" ? { value: option, title: option } : option;
          return (
            <option key={value} value={value}>
              {title}
            </option>
          );
        })}
      </select>
    </div>
  );
}

/** A slider over given values; one that a link brought along is among them. */
export function Steps(props: {
  readonly label: string;
  readonly value: number;
  readonly steps: readonly number[];
  onChange(value: number): void;
}) {
  const id = useId();
  const steps = props.steps.includes(props.value) ? props.steps : [...props.steps, props.value].sort((a, b) => a - b);
  return (
    <div class="field">
      <label class="label" for={id}>
        {props.label}
        <output>{props.value}</output>
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={steps.length - 1}
        step={1}
        value={steps.indexOf(props.value)}
        aria-valuetext={String(props.value)}
        onChange={({ currentTarget }) => props.onChange(steps[Number(currentTarget.value)]!)}
      />
    </div>
  );
}
