import { AlcoveError, type ClientRoom } from '@alcove/client';
import type { trip } from '../room.ts';
import { formatNumber } from './panels/words.ts';
import { forgetNames } from './seen-names.ts';
import { forgetKey } from './start/known-keys.ts';
import { takeOffList } from './start/known-trips.ts';
import { wasRemovedHere } from './start/parting-word.ts';

/** Takes the trip off this device and leaves its page; resolves with why not, in words for whoever asked. */
export async function forgetTrip(room: ClientRoom<typeof trip>, discardPending: boolean): Promise<string | null> {
  const status = room.status.getSnapshot();
  const pendingCount = status.pendingCount + status.pendingElsewhereCount;
  try {
    await room.forget({ discardPending });
  } catch (cause) {
    const { code, message } = AlcoveError.from(cause);
    if (code !== 'pending_writes') return `It could not be forgotten: ${message}.`;
    if (pendingCount === 1) return '1 of your changes has not been sent. It would be lost.';
    return `${pendingCount > 0 ? formatNumber(pendingCount) : 'Some'} of your changes have not been sent. They would be lost.`;
  }
  wasRemovedHere(room.id);
  forgetKey(room.id);
  takeOffList(room.id);
  forgetNames(room.id);
  location.assign('/');
  return null;
}
