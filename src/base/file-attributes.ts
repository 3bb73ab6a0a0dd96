// What a file has beside its bytes, owner and mode: extended attributes, and the access lists that are kept with them. Bun has
// no call for them, so the C library is asked. Where it cannot be (Windows, an unknown libc), nothing is copied.
import { openLibc } from "./libc.ts";

/** Both files are open. False where the copy lacks something that mattered: what a person or a program has set. */
export type CopyAttributes = (from: number, to: number, options: { readonly keepsGroup: boolean }) => boolean;

const MAX_BYTES = 65_536;
const ACCESS_LIST = "system.posix_acl_access";
/** acl(5) as the kernel stores it: a version, then entries of tag, permissions and id. */
const ACL_HEADER_BYTES = 4;
const ACL_ENTRY_BYTES = 8;
const ACL_OWNING_GROUP = 4;
/** copyfile(3): COPYFILE_ACL | COPYFILE_XATTR. */
const MAC_ACL_AND_XATTR = 5;

/** Nothing is loaded before this is called. */
export function makeCopyAttributes(): CopyAttributes {
  if (process.platform === "darwin") return copyOnMac();
  return process.platform === "linux" ? copyOnLinux() : () => true;
}

function copyOnMac(): CopyAttributes {
  const libc = openLibc({ fcopyfile: { args: ["int", "int", "ptr", "u32"], returns: "int" } });
  return (from, to) => libc === null || libc.fcopyfile(from, to, null, MAC_ACL_AND_XATTR) === 0;
}

function copyOnLinux(): CopyAttributes {
  const libc = openLibc({
    flistxattr: { args: ["int", "ptr", "u64"], returns: "i64" },
    fgetxattr: { args: ["int", "ptr", "ptr", "u64"], returns: "i64" },
    fsetxattr: { args: ["int", "ptr", "ptr", "u64", "int"], returns: "int" },
    fremovexattr: { args: ["int", "ptr"], returns: "int" },
  });
  if (libc === null) return () => true;
  const buffer = new Uint8Array(MAX_BYTES);
  /** Null where there is none, or it is not ours to read. */
  const read = (fd: number, name: Uint8Array): Buffer | null => {
    const length = Number(libc.fgetxattr(fd, name, buffer, BigInt(MAX_BYTES)));
    return length < 0 ? null : Buffer.from(buffer.subarray(0, length));
  };
  const list = (fd: number): string[] => {
    const length = Number(libc.flistxattr(fd, buffer, BigInt(MAX_BYTES)));
    const text = Buffer.from(buffer.subarray(0, Math.max(0, length))).toString("latin1");
    return text.split("\0").filter((name) => name !== "");
  };
  const copy = (from: number, to: number, name: string, keepsGroup: boolean): boolean => {
    const key = makeKey(name);
    const value = read(from, key);
    if (value === null) return false;
    if (name === ACCESS_LIST && !keepsGroup) denyOwningGroup(value);
    if (read(to, key)?.equals(value) === true) return true;
    // An empty value still needs an address.
    const bytes = value.length === 0 ? new Uint8Array(1) : value;
    return libc.fsetxattr(to, key, bytes, BigInt(value.length), 0) === 0;
  };
  return (from, to, { keepsGroup }) => {
    const names = list(from);
    // What the directory gives to each new file, the old one may not have.
    const isInherited = !names.includes(ACCESS_LIST) && list(to).includes(ACCESS_LIST);
    if (isInherited && libc.fremovexattr(to, makeKey(ACCESS_LIST)) !== 0) return false;
    const lost = names.filter((name) => !copy(from, to, name, keepsGroup));
    return !lost.some((name) => name.startsWith("user.") || name.startsWith("system."));
  };
}

function makeKey(name: string): Uint8Array {
  return Buffer.from(`${name}\0`, "latin1");
}

function denyOwningGroup(list: Buffer): void {
  for (let at = ACL_HEADER_BYTES; at + ACL_ENTRY_BYTES <= list.length; at += ACL_ENTRY_BYTES)
    if (list.readUInt16LE(at) === ACL_OWNING_GROUP) list.writeUInt16LE(0, at + 2);
}
