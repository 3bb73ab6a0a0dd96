// Finds English sentences in a screen that should be Chinese.

/** Three English words in a row: shorter runs are names ("Claude Code") or codes. */
const SENTENCE = /(?:\b[A-Za-z][a-z']*\b ){2,}\b[a-z']+\b/g;
/** Commands to type, and the placeholders in them, up to where Chinese goes on. */
const COMMAND = /(?:\bch|npm|export|codex|claude|sh|\$)(?: [\w./:#=<>|[\]"'…*,()$-]+)+/g;
/** Addresses, paths, JSON and keys of files. */
const CODE = /\b\w+:\/\/\S+|[~/][\w./-]+|"[^"\n]*"|`[^`\n]*`|[\w-]*[_./-][\w./-]*/g;

export function listEnglish(screen: string): string[] {
  const words = screen.replace(COMMAND, " · ").replace(CODE, " · ");
  return [...words.matchAll(SENTENCE)].map(([sentence]) => sentence);
}

export function hasChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}
