import type { RoomListOptions } from '../../room/room-directory.ts';

/** Asked about so many rooms at once: who looks rights up somewhere has a pool of connections to it. */
const ASKED_AT_ONCE = 32;
/** Each page reads the whole directory: as few as may be. */
const PAGE_MAX = 10_000;
const LISTED_BY_DEFAULT = 100;

/** Ids that a user may see, as many as `limit`, out of the pages of all there are. */
export async function visibleRooms(
  page: (options: RoomListOptions) => Promise<readonly string[]>,
  { limit = LISTED_BY_DEFAULT, ...options }: RoomListOptions,
  isVisible: (id: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const visible: string[] = [];
  await page({ ...options, limit }); // says what is wrong with the options
  let { after } = options;
  for (let isLast = false; !isLast && visible.length < limit; ) {
    const ids = await page({ ...options, limit: PAGE_MAX, ...(after === undefined ? {} : { after }) });
    for (let at = 0; at < ids.length && visible.length < limit; at += ASKED_AT_ONCE) {
      const asked = ids.slice(at, at + ASKED_AT_ONCE);
      const answers = await Promise.all(asked.map(isVisible));
      visible.push(...asked.filter((_, index) => answers[index] === true));
    }
    isLast = ids.length < PAGE_MAX;
    after = ids.at(-1);
  }
  return visible.slice(0, limit);
}
