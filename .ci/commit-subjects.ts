// Checks commit subjects: `type(scope): effect`, at most 65 characters. With a range ("main..HEAD") its commits are checked;
// without one, or where the clone does not reach back that far, those since the last tag or since this file last changed:
// older ones followed another rule.
const MAX_LENGTH = 65;
const TYPES = ["feat", "fix", "perf", "refactor", "docs", "test", "build", "ci", "chore", "style", "revert"];
const FORM = new RegExp(`^(?:${TYPES.join("|")})\\([a-z0-9][a-z0-9.,/-]*\\)!?: \\S`);

/** What is wrong with a subject, or null. Pure. */
export function findFault(subject: string): string | null {
  const length = Array.from(subject).length;
  if (!FORM.test(subject)) return `is not "type(scope): effect", type one of ${TYPES.join(", ")}`;
  if (length > MAX_LENGTH) return `has ${length} characters, at most ${MAX_LENGTH} fit`;
  if (subject.endsWith(".")) return "ends with a full stop";
  return null;
}

/** The subjects of a range in a repository, newest first, without merges; null where the clone does not hold the range. */
export function listSubjects(repository: string, range: string): string[] | null {
  const log = git(repository, "log", "--no-merges", "--format=%s", range, "--");
  return log === null ? null : log.split("\n").filter((line) => line !== "");
}

/** The range to check where none is given. A shallow clone may hold no more than its last commit: then it is that one. */
export function findRange(repository: string): string {
  const tag = git(repository, "describe", "--tags", "--abbrev=0", "HEAD~1");
  const start = tag ?? git(repository, "log", "--format=%H", "-1", "--", ".ci/commit-subjects.ts");
  const isEmpty =
    start === null || start === "" || git(repository, "rev-list", "-1", `${start}..HEAD`) === "";
  return isEmpty ? "HEAD^!" : `${start}..HEAD`;
}

function git(repository: string, ...args: readonly string[]): string | null {
  const { exitCode, stdout } = Bun.spawnSync(["git", "-C", repository, ...args], { stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : null;
}

if (import.meta.main) {
  const repository = `${import.meta.dir}/..`;
  const [asked = ""] = process.argv.slice(2);
  const range = asked !== "" && listSubjects(repository, asked) !== null ? asked : findRange(repository);
  // A source archive has no history, and nothing to check.
  const subjects = listSubjects(repository, range) ?? [];
  const faults = subjects.flatMap((subject) => {
    const fault = findFault(subject);
    return fault === null ? [] : [`"${subject}" ${fault}`];
  });
  for (const line of faults) console.error(line);
  console.log(`${subjects.length} commit subjects of ${range} checked, ${faults.length} wrong`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
