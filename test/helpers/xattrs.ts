// Extended attributes and access lists for tests, by the C library itself. Windows has none: there nothing is set and nothing found.
import { openLibc } from "../../src/base/libc.ts";

const VALUE = ["ptr", "ptr", "ptr", "u64"] as const;
const linux = process.platform === "linux";
const onLinux = linux
  ? openLibc({
      getxattr: { args: VALUE, returns: "i64" },
      setxattr: { args: [...VALUE, "int"], returns: "int" },
    })
  : null;
/** With a position and options. */
const onMac = linux
  ? null
  : openLibc({
      getxattr: { args: [...VALUE, "u32", "int"], returns: "i64" },
      setxattr: { args: [...VALUE, "u32", "int"], returns: "int" },
    });

const text = (words: string): Uint8Array => new TextEncoder().encode(`${words}\0`);

export function setXattr(path: string, name: string, value: Uint8Array): void {
  // An empty value still needs an address.
  const bytes = value.length === 0 ? new Uint8Array(1) : value;
  const where = [text(path), text(name), bytes, BigInt(value.length)] as const;
  const result = onLinux?.setxattr(...where, 0) ?? onMac?.setxattr(...where, 0, 0) ?? 0;
  if (result !== 0) throw new Error(`${path}: the file system takes no ${name}`);
}

/** In hex; null where the file has none of that name. */
export function getXattr(path: string, name: string): string | null {
  const buffer = new Uint8Array(4096);
  const where = [text(path), text(name), buffer, BigInt(buffer.length)] as const;
  const length = Number(onLinux?.getxattr(...where) ?? onMac?.getxattr(...where, 0, 0) ?? -1);
  return length < 0 ? null : Buffer.from(buffer.subarray(0, length)).toString("hex");
}

export const ACCESS_LIST = "system.posix_acl_access";
export const DEFAULT_LIST = "system.posix_acl_default";

/** An access list of Linux as it is stored: owner rw, that user `rights`, owning group r, mask `rights`, others nothing. */
export function makeAccessList(user: number, rights: number, owningGroup = 4): Uint8Array {
  const entries = [
    [1, 6, 0xff_ff_ff_ff],
    [2, rights, user],
    [4, owningGroup, 0xff_ff_ff_ff],
    [0x10, rights, 0xff_ff_ff_ff],
    [0x20, 0, 0xff_ff_ff_ff],
  ] as const;
  const list = Buffer.alloc(4 + 8 * entries.length);
  list.writeUInt32LE(2, 0);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    list.writeUInt16LE(tag, 4 + 8 * index);
    list.writeUInt16LE(permissions, 6 + 8 * index);
    list.writeUInt32LE(id, 8 + 8 * index);
  }
  return list;
}
