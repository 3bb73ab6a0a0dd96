// What an upstream calls a model.
// Pure.
import type { Upstream } from "../base/upstream.ts";

/** The model to ask this upstream for: its `models` entry of that name, else that of "*", else the same name. */
export function modelAt(upstream: Upstream, requested: string): string {
  const { models } = upstream;
  return (Object.hasOwn(models, requested) ? models[requested] : models["*"]) ?? requested;
}
