// Leave to ask one upstream for one turn: what the attempt comes to is noted of the upstream, of the proxy before it and of the
// session, once.
import { type Upstream, modelAt } from "../base/upstream.ts";
import type { Affinity } from "./affinity.ts";
import { afterBegun, afterFailure, afterSuccess, type At, exponentialBackoff } from "./health.ts";
import type { Line, Records, UpstreamRecord } from "./records.ts";
import type { Announcer } from "./router-events.ts";
import type { Assessment, Permit, PlanRequest, RoutingSettings, Verdict } from "./types.ts";

/** What all permits note their ends in. */
export interface PermitBooks {
  readonly records: Records;
  readonly affinity: Affinity;
  readonly announcer: Announcer;
  /** How an upstream is, for any request. */
  readonly look: (upstream: Upstream) => Assessment;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly settings: () => RoutingSettings;
  /** Hears of each permit that was settled, by the upstream's key. `isLeft`: nobody waited for the end of the answer. */
  onSettled: ((key: string, isLeft: boolean) => void) | undefined;
  /** Hears of each upstream that began to answer, or of which something else may have been learned. */
  onLearned: ((key: string, isAnswered: boolean) => void) | undefined;
}

/** Must be settled, whatever happens. A class, because each attempt has one: as many closures would cost more. */
export class TurnPermit implements Permit {
  private readonly record: UpstreamRecord;
  private readonly line: Line | undefined;
  private hasBegun = false;
  private isSettled = false;

  constructor(
    private readonly books: PermitBooks,
    readonly upstream: Upstream,
    private readonly request: PlanRequest,
    readonly isProbe: boolean,
  ) {
    this.record = books.records.of(upstream.key);
    this.line = books.records.lineOf(upstream.service, request.line);
    this.record.open += 1;
  }

  begun(): void {
    if (!this.isSettled) this.begin();
  }

  succeed(): void {
    if (!this.settle()) return;
    this.begin();
    const { affinity, now } = this.books;
    const { sessionId } = this.request;
    this.record.health = afterSuccess(this.record.health, this.at());
    if (sessionId !== null) affinity.touch(sessionId, now());
  }

  fail(verdict: Verdict): void {
    if (!this.settle()) return;
    const { announcer, look, records } = this.books;
    if (verdict.isOfAddress) records.noteAddressFailed(this.upstream, verdict.reason, this.pauseMs);
    else if (verdict.reason.status !== undefined) records.noteAddressAnswered(this.upstream);
    if (verdict.reason.status !== undefined) this.noteReached();
    const blamed = this.blamedBy(verdict);
    if (verdict.blame !== "none") blamed.failures += 1;
    else this.record.refusal = { at: this.books.now(), reason: verdict.reason };
    const seen = look(this.upstream);
    const isProbe = this.isProbe && !this.hasBegun;
    blamed.health = afterFailure(blamed.health, verdict, { ...this.at(), isProbe });
    // Another model is asked for next.
    const { place = "last" } = this.request;
    announcer.failed(this.upstream, seen, place === "last" ? this.line : undefined);
    this.books.onLearned?.(this.upstream.key, false);
  }

  release(): void {
    this.settle(true);
  }

  /** False where it is settled already. */
  private settle(isLeft = false): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.record.open -= 1;
    this.freeProbe();
    this.books.onSettled?.(this.upstream.key, isLeft);
    return true;
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.freeProbe();
    const { announcer, look, records } = this.books;
    const seen = look(this.upstream);
    this.record.health = afterBegun(this.record.health, this.at());
    this.noteReached();
    records.noteAddressAnswered(this.upstream);
    announcer.answered(this.upstream, seen);
    this.noteServed();
    this.books.onLearned?.(this.upstream.key, true);
  }

  /** The first sign of an answer: the session, or the flow of new ones, is with this upstream now. */
  private noteServed(): void {
    const { affinity, announcer, now, records } = this.books;
    const { line, request, upstream } = this;
    // A request from before the user's last edit must not bring a session back to where it was.
    if (line === undefined || records.lineOf(this.upstream.service, this.request.line) !== line) return;
    const { sessionId } = request;
    const before =
      sessionId === null ? undefined : affinity.bindingOf(sessionId, { now: now(), idleMs: Infinity });
    announcer.served(upstream, request, { line, before: before?.key });
    if (sessionId !== null)
      affinity.bind({ sessionId, key: upstream.key, service: upstream.service, lastAt: now() });
  }

  /** Whatever the upstream said, the proxy before it let it through. */
  private noteReached(): void {
    const { records } = this.books;
    const proxy = records.proxyOf(this.upstream);
    if (proxy === null) return;
    records.noteReached(proxy, this.upstream);
    proxy.record.health = afterSuccess(afterBegun(proxy.record.health, this.at()), this.at());
  }

  /** The record to hold the failure against: the upstream's own, or that of the proxy before it. */
  private blamedBy({ blame }: Verdict): UpstreamRecord {
    const { records } = this.books;
    const proxy = blame === "proxy" || blame === "way" ? records.proxyOf(this.upstream) : null;
    if (proxy === null) return this.record;
    const isHosts = records.noteMissed(proxy, this.upstream) && blame === "way";
    return isHosts ? this.record : proxy.record;
  }

  private freeProbe(): void {
    if (this.record.probe === this) this.record.probe = null;
  }

  private readonly pauseMs = (pauses: number): number => {
    const { openMaxMs, openMs } = this.books.settings();
    return exponentialBackoff(openMs, openMaxMs, pauses);
  };

  private at(): At {
    const { now, random, settings } = this.books;
    const { model, place } = this.request;
    return {
      now: now(),
      settings: settings(),
      random,
      isProbe: this.isProbe,
      model: model === null ? null : modelAt(this.upstream, model),
      isChained: place !== undefined,
    };
  }
}
