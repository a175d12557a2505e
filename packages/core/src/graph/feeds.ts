/** Checks of the tensors that are fed to an entry. */
import type { Feed, Feeds, FeedSource } from "../ir/contract.js";
import { ErmineError } from "../types/errors.js";
import { Dim, formatShape, type Bindings } from "../types/dim.js";
import { checkCall } from "../ir/arguments.js";
import type { Graph } from "../ir/graph.js";
import { checkMapped, misplacedArgument } from "../types/arguments.js";

/**
 * Symbols of an entry's feeds, bound by the shapes that were fed.
 *
 * @throws ErmineError ERMINE_SHAPE where a feed is missing or its shape does not fit, ERMINE_USAGE for what is no feed
 */
export function bindFeeds(entry: string, graph: Graph, feeds: Feeds): Bindings {
  checkCall("bindFeeds(entry, graph, feeds)", arguments);
  const bindings: Record<string, number> = {};
  for (const node of graph.feeds) {
    const expected = node.outputs[0]!.type.shape;
    const feed = feeds[node.name];
    if (feed === undefined) throw new ErmineError("ERMINE_SHAPE", `${entry}: "${node.name}" is not fed.`);
    if (!isFeed(feed)) throw misplacedArgument(entry, node.name, feed, "a feed, { shape: [2], value }");
    const fits =
      feed.shape.length === expected.length &&
      expected.every((size, axis) => {
        const fed = feed.shape[axis]!;
        if (!(size instanceof Dim)) return size === fed;
        const symbol = [...size.terms.keys()].join();
        if (size.terms.size > 1 || symbol.includes("*") || size.terms.get(symbol) !== 1) return true;
        bindings[symbol] ??= fed;
        return bindings[symbol] === fed;
      });
    if (!fits) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${entry}: "${node.name}" has the shape ${formatShape(expected)}, fed was ${formatShape(feed.shape)}.`,
      );
    }
  }
  return bindings;
}

const isFeed = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Array.isArray((value as Partial<Feed>).shape) && "value" in value;

/** Is a feed's value pulled by the backend (`FeedSource.copyInto`)? false for whatever else there is. */
export function isFeedSource(value: Feed["value"]): value is FeedSource {
  if (arguments.length > 1) checkMapped("isFeedSource", arguments, 1);
  return typeof (value as Partial<FeedSource> | null | undefined)?.copyInto === "function";
}
