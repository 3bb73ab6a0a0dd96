// Maps that keep so many of the newest entries.
// Pure.

/** Sets an entry as the newest, and drops the oldest one beyond `most`. */
export function setNewest<K, T>(map: Map<K, T>, key: K, value: T, most: number): T {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
  return value;
}
