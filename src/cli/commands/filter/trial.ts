// What the rules would change in a text, and the screen of it.
import type { Service } from "../../../base/service.ts";
import { UserError } from "../../../base/errors.ts";
import { maskSecret, signText } from "../../../base/secrets.ts";
import { printable } from "../../../base/terminal-text.ts";
import { type Change, diffTexts, focus, maskDifference } from "../../../filter/diff.ts";
import { type Rule, replaceRanges } from "../../../filter/matcher.ts";
import type { Redactor } from "../../../filter/redactor.ts";
import { Book } from "../../../filter/placeholders.ts";
import { newAllowance } from "../../../filter/prefilter.ts";
import { makeRequestFilter } from "../../../filter/request-filter.ts";
import { type RuleSet, nameOf } from "../../../filter/rules.ts";
import { makePlaceholderKey, readPlaceholderKey } from "../../../state/placeholder-key.ts";
import type { Cli } from "../../cli.ts";
import { t } from "../../language.ts";
import { cutColumns } from "../../layout.ts";

const MAX_CHANGES_SHOWN = 40;

/** A text that the rules are tried on. */
export interface Input {
  readonly name: string;
  readonly service: Service;
  readonly body: Uint8Array;
}

export interface Trial {
  readonly input: Pick<Input, "name" | "service">;
  readonly rules: RuleSet;
  /** Of each rule, by its place. */
  readonly hits: readonly number[];
  readonly exemptHits: readonly number[];
  readonly changes: readonly ShownChange[];
}

export interface ShownChange extends Pick<Change, "before" | "after"> {
  /** The line, or who said it. */
  readonly where: string;
}

/** Tries rules on one text after the other. What the packs would take is shown masked, or everything: a screen is seen by others, too. */
export function makeTester(
  { paths }: Pick<Cli, "paths">,
  rules: RuleSet,
  service: Service,
  isAllMasked = false,
) {
  // The placeholders that a request would have, where one has been sent; else some of their form.
  const key = readPlaceholderKey(paths) ?? makePlaceholderKey();
  const filter = makeRequestFilter({
    rules,
    service,
    now: () => performance.now(),
    book: () => new Book((text) => signText(key, text)),
  });
  const isMasked = ({ pack }: Rule): boolean => isAllMasked || pack !== undefined;
  /** Throws UserError, with the text's name, for what would be refused. */
  return (name: string, body: Uint8Array) => {
    const result = filter.filterBody(body, null);
    if (result.kind === "refused") throw new UserError(t`${name}: ${result.message}`);
    const { exemptHits, hits, value } = result;
    const changes =
      value === body ? [] : diffTexts(Buffer.from(body).toString(), Buffer.from(value).toString());
    const isMaskedAt = (index: number): boolean => isAllMasked || rules.rules[index]?.pack !== undefined;
    if (!hits.some((count, index) => count > 0 && isMaskedAt(index))) return { hits, exemptHits, changes };
    /** Behind escapes, or on the next line: then a line shows nothing of what changes. */
    const isLeft = (line: string): boolean => {
      const left = filter.filterBody(Buffer.from(line), "text/plain");
      return left.kind === "refused" || left.hits.some((count, index) => count > 0 && isMaskedAt(index));
    };
    const mask = ({ after, before }: Change): string | null => {
      if (before === null) return null;
      const masked = maskHits(before, rules.redactors[service], isMasked);
      return masked === before || isLeft(masked) ? maskDifference(before, after, maskSecret) : masked;
    };
    return { hits, exemptHits, changes: changes.map((change) => ({ ...change, before: mask(change) })) };
  };
}

/** Throws UserError for what would be refused. */
export function tryRules(cli: Cli, rules: RuleSet, input: Input): Trial {
  const tried = makeTester(cli, rules, input.service)(input.name, input.body);
  const changes = tried.changes.map((change) => ({ ...change, where: t`line ${change.line}` }));
  return { input, rules, ...tried, changes };
}

/** The line with what these rules find in it masked. */
function maskHits(line: string, redactor: Redactor, isMasked: (rule: Rule) => boolean): string {
  let masked = line;
  for (const { find, rule } of redactor.among(line, newAllowance())) {
    if (!isMasked(rule)) continue;
    masked = replaceRanges(
      masked,
      find(masked, () => {}),
      (text, start, end) => maskSecret(text.slice(start, end)),
    );
  }
  return masked;
}

/** All rules but the patterns of packs that found nothing. */
function listShown({ exemptHits, hits, rules }: Pick<Trial, "exemptHits" | "hits" | "rules">) {
  return rules.rules
    .map(({ name, op, pack, restore }, index) => ({ index, name, op, pack, restore }))
    .filter(({ index, pack }) => pack === undefined || (hits[index] ?? 0) + (exemptHits[index] ?? 0) > 0);
}

export function toJson({ input, rules, hits, exemptHits, changes }: Trial): unknown {
  return {
    input: input.name,
    service: input.service,
    changed: changes.length > 0,
    rules: listShown({ rules, hits, exemptHits }).map(({ index, op, pack, restore }) => ({
      rule: rules.numbers[index],
      ...(pack === undefined ? {} : { name: nameOf(rules, index) }),
      op,
      ...(restore ? { restore } : {}),
      hits: hits[index] ?? 0,
      exempt_hits: exemptHits[index] ?? 0,
    })),
  };
}

export function printTrial({ out }: Cli, { input, rules, hits, exemptHits, changes }: Trial): void {
  out.line(out.paint("bold", input.name));
  for (const change of changes.slice(0, MAX_CHANGES_SHOWN)) {
    const { before, after } = shorten(change, out.width - "  - ".length);
    out.line(out.paint("dim", `  ${change.where}`));
    if (before !== null) out.line(`  ${out.paint("red", `- ${printable(before)}`)}`);
    if (after !== null) out.line(`  ${out.paint("green", `+ ${printable(after)}`)}`);
  }
  if (changes.length === 0) out.line(t`  nothing would change`);
  const more = changes.length - MAX_CHANGES_SHOWN;
  if (more > 0) out.line(t`  … and ${more} more lines`);
  const shown = listShown({ rules, hits, exemptHits });
  if (shown.length > 0) {
    out.table(
      [t`  RULE`, t`OP`, t`CHANGES`, t`UNCHANGED`],
      shown.map(({ index, name, op }) => [
        `  ${name ?? rules.numbers[index] ?? ""}`,
        op,
        String(hits[index] ?? 0),
        String(exemptHits[index] ?? 0),
      ]),
    );
  }
  if (exemptHits.some((count) => count > 0)) {
    out.note(t`unchanged: keys, encrypted content, signatures, tools (docs/privacy.md)`);
  }
}

/** The part around the difference, at most so many columns. Chinese takes two for a character. */
function shorten(
  { before, after }: Pick<Change, "before" | "after">,
  columns: number,
): Pick<Change, "before" | "after"> {
  const cut = (line: string): string => cutColumns(line, columns);
  if (before === null || after === null) {
    return { before: before === null ? null : cut(before), after: after === null ? null : cut(after) };
  }
  const perCharacter = Bun.stringWidth(before) / before.length;
  const context = Math.floor(columns / 3 / Math.max(1, perCharacter));
  const focused = focus(before.trimStart(), after.trimStart(), context);
  return { before: cut(focused.before), after: cut(focused.after) };
}
