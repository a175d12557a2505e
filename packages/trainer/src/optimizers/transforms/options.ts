/** Options of links, some of which may be scheduled. */
import { type OptionKinds, checkOptions, kindsOf } from "@ermine/core/define";

/**
 * The options with their defaults.
 *
 * @param rates the names of those that are numbers or schedules
 * @throws ErmineError ERMINE_OPTION for an option that does not exist or is of another kind
 */
export function linkOptions<O extends object>(
  name: string,
  options: Partial<O>,
  defaults: O,
  rates: readonly (keyof O & string)[] = [],
): O {
  const kinds = { ...kindsOf(defaults), ...Object.fromEntries(rates.map((rate) => [rate, ["number", "object"]])) };
  checkOptions<object>(name, options, kinds as OptionKinds<O>);
  return { ...defaults, ...options };
}

/** @internal May float32 divide by the value, and by what is larger? An `eps` that is 0 there gives 0 / 0 where a gradient is 0. */
export const isPositiveInFloat32 = (value: number): boolean => Math.fround(value) > 0;
