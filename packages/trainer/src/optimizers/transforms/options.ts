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
  given: Partial<O>,
  defaults: O,
  rates: readonly (keyof O & string)[] = [],
): O {
  const kinds = { ...kindsOf(defaults), ...Object.fromEntries(rates.map((rate) => [rate, ["number", "object"]])) };
  checkOptions<object>(name, given, kinds as OptionKinds<O>);
  return { ...defaults, ...given };
}
