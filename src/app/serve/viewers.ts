// Who watches this process while it serves, and what they are told. Without a viewer a call is all that anything costs: what a
// viewer needs is loaded and made with the first one, and gone with the last.
import type { Service } from "../../base/service.ts";
import type { Feed } from "./feed.ts";

export type Viewers = ReturnType<typeof createViewers>;

export function createViewers() {
  const feeds = new Map<Service, Feed>();
  let isClosed = false;
  return {
    /** Something happened. Of the whole process (null) the first service's viewers are told. Cheap, and never throws. */
    tell(service: Service | null, name: string, item: object): void {
      if (feeds.size === 0) return;
      const feed = service === null ? [...feeds.values()][0] : feeds.get(service);
      feed?.tell(name, item);
    },
    /** Events for one more viewer of a service; `look` is called for what it shows, and only while somebody waits for it. */
    async open(service: Service, look: () => Readonly<Record<string, object>>): Promise<ReadableStream> {
      const { createFeed } = await import("./feed.ts");
      const feed = feeds.getOrInsertComputed(service, () =>
        createFeed({ look, onLeft: () => feeds.delete(service) }),
      );
      if (isClosed) feed.close();
      return feed.open();
    },
    /** Ends all of them: nothing is served any more. */
    close(): void {
      isClosed = true;
      for (const feed of feeds.values()) feed.close();
    },
  };
}
