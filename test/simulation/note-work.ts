import type { MutationHandle } from '../../packages/client/src/page/mutation-handle.ts';
import type { Prng } from '../fake/prng.ts';
import { canary } from './room/notes.ts';
import type { Tab } from './tab/tab.ts';

const SLOTS = ['s1', 's2', 's3', 's4', 's5'] as const;
const TEAMS = ['red', 'blue', 'all'] as const;
/** Of all that apps do. */
const SHARE = 0.3;

/** What apps do with notes, which not everybody sees: few slots, so that one stands in the way of others who cannot see it. */
export class NoteWork {
  readonly #random: Prng;
  #count = 0;

  constructor(random: Prng) {
    this.#random = random;
  }

  /** Null: something else is done. */
  act(tab: Tab): MutationHandle | null {
    const random = this.#random;
    if (!random.chance(SHARE)) return null;
    this.#count += 1;
    const { mutate } = tab.room;
    const slot = random.pick(SLOTS);
    const place = { slot, team: random.pick(TEAMS), level: random.int(0, 2) };
    const [id, body] = [canary(this.#count, 'key'), canary(this.#count, 'body')];
    const secret = random.chance(0.7) ? canary(this.#count, 'secret') : null;
    const what = random.pick(['write', 'write', 'take', 'take', 'move', 'move', 'edit', 'hand', 'rename', 'give', 'drop'] as const);
    switch (what) {
      case 'write':
        return mutate.writeNote({ id, ...place, body, secret });
      case 'take':
        return mutate.takeSlot({ id, ...place, body, secret });
      case 'move':
        return mutate.moveNote(place);
      case 'edit':
        return mutate.editNote({ slot, body, secret });
      case 'hand':
        return mutate.handNote({ ...place, body });
      case 'rename':
        return mutate.renameNote({ slot, id });
      case 'give':
        return mutate.giveNotes({ from: random.pick(TEAMS), to: random.pick(TEAMS) });
      case 'drop':
        return mutate.dropNote({ slot });
    }
  }
}
