import type { MutationLine } from '@alcove/client';
import { forgetTrip } from './forget-trip.ts';
import { useOfflineSwitch } from './offline-switch.ts';
import type { LoadProgress } from './loading.tsx';
import type { CityRow } from './map/city-index.ts';
import type { RejectedListProps, RejectedWrite } from './panels/rejected-list.tsx';
import type { StatusLineProps } from './panels/status-line.tsx';
import { endOfWrite, wordsForWait, wordsForWrite } from './panels/trouble-words.ts';
import type { TroubleSlipProps } from './panels/trouble-slip.tsx';
import { type Kind, marksOf } from './panels/write-marks.ts';
import type { DoneWrite, WaitingWrite } from './panels/writes-list.tsx';
import { useMayEdit } from './panels/may-edit.ts';
import { saveList } from './save-list.ts';
import { useSeenNames } from './seen-names.ts';
import { knownTrips } from './start/known-trips.ts';
import { useMemo, useRef, useState } from 'react';
import { type useAway, useLastWords } from './connected-away.ts';
import type { useTripRows } from './connected-rows.ts';
import { tripHooks } from './trip-client.ts';
import { mayBeRetried, textOfCall, wordsForCall } from './write-words.ts';

const { useRoom, useSyncStatus } = tripHooks;

type Status = ReturnType<typeof useSyncStatus>;
type TripRows = ReturnType<typeof useTripRows>;

/** Lines of the list of what waits; of the rest only the number is said. */
const NAMED_MAX = 12;
/** And of those that went through: the last ones. */
const DONE_MAX = 5;

/** How this tab stands towards the room, in the words of the page. */
export function useTripStatus(ready: boolean, cities: readonly CityRow[] | null, rows: TripRows, away: ReturnType<typeof useAway>) {
  const status = useSyncStatus();
  const room = useRoom();
  const { isOffline, toggle } = useOfflineSwitch();
  const { pending, pendingElsewhere, applied, rejected } = status;
  const fetched = useRef(false);
  fetched.current ||= status.snapshotProgress !== null;
  const [known] = useState(() => knownTrips().some((trip) => trip.id === room.id));
  const nameOf = useSeenNames(room.id, rows);
  const cityName = (id: unknown) => cities?.find((city) => city.id === id)?.name ?? null;
  const wordsFor = (write: MutationLine) => wordsForCall(write, { nameOf, cityName });
  const mayEdit = useMayEdit();
  const isThere = (kind: Kind, id: string) => mayEdit && rows[kind].some((row) => row.id === id);
  const rejectedList: RejectedListProps = {
    writes: rejected.map((write) => rejectedWrite(write, wordsFor(write), isThere)),
    onDismiss: (key: string) => status.dismiss(Number(key)),
    onRetry: (key: string) => void status.retry(Number(key)),
  };
  const stopped = away.state === 'failed' || away.state === 'needs_auth';
  const firstOf = (writes: readonly MutationLine[]) => writes.slice(0, NAMED_MAX).map((write) => waitingWrite(write, wordsFor(write)));
  const line: StatusLineProps = {
    version: status.version,
    writes: {
      pending: status.pendingCount,
      waiting: firstOf(pending),
      elsewhere: { pending: status.pendingElsewhereCount, waiting: firstOf(pendingElsewhere) },
      rejected: rejectedList,
      done: lastDone(applied).map((write) => doneWrite(write, wordsFor(write))),
      onSave: () => saveList(`changes-${room.id}.json`, { pending, pendingElsewhere, rejected }),
    },
    connection: away.state === 'connecting' && away.met ? 'reconnecting' : away.state,
    lastSyncMs: status.lastHeardAtMs,
    retryAtMs: away.retryAtMs,
    onTry: away.reconnect,
    isOffline,
    onSwitch: toggle,
    saved: savedState(status, room),
  };
  const trouble: TroubleSlipProps = {
    // Whoever went offline by hand knows.
    sinceMs: away.state === 'disconnected' ? null : away.sinceMs,
    met: away.met,
    kept: status.replica !== 'pending',
    stopped,
    fault: away.error,
    retryAtMs: away.retryAtMs,
    waiting: status.pendingCount,
    lastWords: useLastWords(away.sinceMs !== null && !stopped),
    onTry: away.reconnect,
  };
  return {
    line,
    trouble,
    load: ready && cities !== null ? null : progressOf(status, fetched.current, known),
    marks: useMarks(status),
    rejected: rejectedList,
    notices: { lostTail: status.lostTail, waitsForUpdate: status.waitsForUpdateCount },
  };
}

function useMarks({ pending, pendingElsewhere, rejected }: Status) {
  return useMemo(() => marksOf([...pending, ...pendingElsewhere], rejected.filter(isRefused)), [pending, pendingElsewhere, rejected]);
}

/** Of the rest the mark on a row would say too much: it was accepted once, or nobody knows. */
const isRefused = ({ status }: MutationLine): boolean => status === 'rejected' || status === 'failed';

function savedState(status: Status, room: ReturnType<typeof useRoom>): StatusLineProps['saved'] {
  return {
    storage: status.storage,
    why: status.storageError?.message ?? '',
    unsaved: status.unsavedCount,
    lost: status.lostOutbox !== null,
    onLostRead: status.dismissLostOutbox,
    onForget: (discardPending) => forgetTrip(room, discardPending),
  };
}

function waitingWrite({ key, calledAtMs: sinceMs, attempts, error }: MutationLine, what: string): WaitingWrite {
  return { key: String(key), what, sinceMs, attempts, reason: error === null ? '' : wordsForWait(error) };
}

const lastDone = (applied: readonly MutationLine[]): readonly MutationLine[] => applied.slice(-DONE_MAX).reverse();

function doneWrite({ key, calledAtMs, decidedAtMs }: MutationLine, what: string): DoneWrite {
  return { key: String(key), what, atMs: decidedAtMs ?? calledAtMs };
}

function rejectedWrite(write: MutationLine, what: string, isThere: (kind: Kind, id: string) => boolean): RejectedWrite {
  const fault = write.error ?? { code: '', message: '' };
  const again = mayBeRetried(write, fault.code, isThere);
  return {
    key: String(write.key),
    what,
    text: textOfCall(write),
    mayBeRetried: again,
    end: endOfWrite(write),
    reason: wordsForWrite(fault, again),
    code: fault.code,
    detail: fault.message,
  };
}

const NOT_YET = { phase: 'waiting', bytes: 0, bytesTotal: null, rows: 0, rowsTotal: null } as const;

/** `fetched`: a snapshot came to this page, so that it is not the device's that is read. `known`: this browser had the trip open before. */
function progressOf({ replica, snapshotProgress, storage, connection }: Status, fetched: boolean, known: boolean): LoadProgress {
  if (snapshotProgress !== null) return { from: 'room', ...snapshotProgress };
  if (replica !== 'pending') return { ...NOT_YET, from: fetched ? 'room' : 'device', phase: 'reading' };
  if (storage === 'opening' && known) return { ...NOT_YET, from: 'device' };
  return { ...NOT_YET, from: connection === 'disconnected' && storage !== 'opening' ? 'nowhere' : 'room' };
}
