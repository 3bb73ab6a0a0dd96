// Placeholder.
// Pure.
export function makeFinalAnswer(_input: unknown): { kind: "local"; status: number; message: string; retryAfterSecs?: number } | { kind: "last-answer"; status: number; message: string } {
  return { kind: "local", status: 503, message: "no upstream answered", retryAfterSecs: 2 };
}
