import type { MutationLine } from '@alcove/client';
import type { LoadProgress } from './loading.tsx';
import type { CityRow } from './map/city-index.ts';
import type { RejectedWrite } from './panels/rejected-list.tsx';
import type { StatusLineProps } from './panels/status-line.tsx';
import { tripHooks } from './trip-client.ts';

const { useSyncStatus } = tripHooks;

type Status = ReturnType<typeof useSyncStatus>;

/** How this tab stands towards the room, in the words of the page. */
export function useTripStatus(ready: boolean, cities: readonly CityRow[] | null, stops: readonly { id: string; name: string }[]) {
  const status = useSyncStatus();
  const line: StatusLineProps = {
    version: status.version,
    pending: status.pendingCount,
    connection: status.connection,
    lastSyncMs: status.lastHeardAtMs,
  };
  return {
    line,
    load: ready && cities !== null ? null : progressOf(status),
    pendingStopIds: new Set(status.pending.flatMap(({ args }) => textOf(args, 'id'))),
    rejected: {
      writes: status.rejected.map(
        (write): RejectedWrite => ({
          key: String(write.key),
          what: describe(write, cities, stops),
          reason: write.error?.message ?? 'The room gave no reason.',
        }),
      ),
      onDismiss: (key: string) => status.dismiss(Number(key)),
    },
  };
}

function progressOf({ replica, snapshotProgress }: Status): LoadProgress {
  if (snapshotProgress !== null) return snapshotProgress;
  return { phase: replica === 'pending' ? 'waiting' : 'reading', bytes: 0, bytesTotal: null, rows: 0, rowsTotal: null };
}

/** A member of a mutation's arguments. */
function memberOf(args: MutationLine['args'], name: string): unknown {
  return typeof args === 'object' && args !== null ? Object.entries(args).find(([key]) => key === name)?.[1] : undefined;
}

/** The same where it is text, else nothing. */
function textOf(args: MutationLine['args'], name: string): string[] {
  const value = memberOf(args, name);
  return typeof value === 'string' ? [value] : [];
}

/** What was tried, in the words of whoever tried it. */
function describe({ name, args }: MutationLine, cities: readonly CityRow[] | null, stops: readonly { id: string; name: string }[]): string {
  const city = cities?.find((one) => one.id === memberOf(args, 'cityId'))?.name ?? 'a stop';
  const [stopId] = [...textOf(args, 'id'), ...textOf(args, 'stopId')];
  const stop = stops.find((one) => one.id === stopId)?.name ?? 'a stop';
  const [written = 'a thing'] = textOf(args, 'label');
  const words: Readonly<Record<string, string>> = {
    addStop: `Add ${city}`,
    moveStop: `Move ${stop}`,
    setNights: `Nights in ${stop}`,
    removeStop: `Remove ${stop}`,
    addNote: `Note on ${stop}`,
    editNote: 'Change of a note',
    removeNote: 'Removal of a note',
    addItem: `Pack ${written}`,
    toggleItem: 'Tick on the packing list',
    removeItem: 'Removal from the packing list',
  };
  return words[name] ?? name;
}
