import { AlcoveError, type ClientRoom } from '@alcove/client';
import type { trip } from '../room.ts';

/** Takes the trip off this device and leaves its page; resolves with why not, in words for whoever asked. */
export async function forgetTrip(room: ClientRoom<typeof trip>, discardPending: boolean): Promise<string | null> {
  const { pendingCount } = room.status.getSnapshot();
  try {
    await room.forget({ discardPending });
  } catch (cause) {
    const { code, message } = AlcoveError.from(cause);
    if (code !== 'pending_writes') return `It could not be forgotten: ${message}.`;
    return `${pendingCount > 0 ? pendingCount : 'Some'} of your changes have not been sent. They would be lost.`;
  }
  location.assign('/');
  return null;
}
