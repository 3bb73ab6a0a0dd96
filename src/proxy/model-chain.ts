// The models that one request is asked for, where the config names several: the next one is for when the one before has met
// nothing but limits, which the loop looks at.
import type { PlaceInChain, PlanRequest } from "../routing/types.ts";
import type { Router } from "../routing/router.ts";
import type { Pass } from "./attempt-loop.ts";

/** The plan for each of them. */
export function plansOf(chain: readonly string[], plan: PlanRequest): readonly PlanRequest[] {
  const placeOf = (index: number): PlaceInChain | undefined => {
    if (chain.length === 1) return undefined;
    return index === 0 ? "first" : index === chain.length - 1 ? "last" : "middle";
  };
  return chain.map((model, index) => ({ ...plan, model, place: placeOf(index) }));
}

/** The passes for each of them: a session's summary is made as its turns are. */
export function* makeChainPasses(
  plans: readonly PlanRequest[],
  makePasses: (plan: PlanRequest) => Iterable<Pass>,
): Generator<Pass> {
  for (const plan of plans)
    for (const pass of makePasses(plan)) yield { ...pass, model: plan.model ?? undefined };
}

/** The one that a turn would be asked for now: for what is about turns, and is none. */
export function modelInUse(
  plans: readonly PlanRequest[],
  { outlook }: Pick<Router, "outlook">,
): string | undefined {
  const open = plans.find((one) => outlook(one).kind === "open");
  return (open ?? plans[0])?.model ?? undefined;
}
