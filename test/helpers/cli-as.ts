// The program as another user. CLI_AS is "UID:GID:GROUP,GROUP"; without it, as whoever starts this.
const [uid, gid, groups] = process.env["CLI_AS"]?.split(":") ?? [];
if (uid !== undefined && gid !== undefined && groups !== undefined) {
  process.setgroups?.(groups.split(",").map(Number));
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
}
await import("../../src/main.ts");
