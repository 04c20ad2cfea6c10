import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { EphemeralNotice, StateRefusedNotice, StatesNotice, ValueNotice } from '../sync/engine-interface.ts';
import type { EngineOrder } from '../worker/engine-port.ts';
import { idOf, PageEphemerals, PageStates } from './page-states.ts';
import { PageValue } from './page-value.ts';

/** What a room's page shows and sets beside rows: presence, cursors, ephemeral keys, debounced values. Outlives a worker: `attach` tells the next one. */
export class RoomStates {
  readonly presence: PageStates<unknown>;
  readonly cursors: PageStates<unknown>;
  readonly #definition: AnyRoom;
  readonly #runtime: Runtime;
  /** Returns whether there is an engine to tell. */
  readonly #tell: (order: EngineOrder) => boolean;
  readonly #ephemerals: PageEphemerals;
  readonly #values = new Map<string, PageValue>();

  constructor(definition: AnyRoom, runtime: Runtime, tell: (order: EngineOrder) => boolean) {
    this.#definition = definition;
    this.#runtime = runtime;
    this.#tell = tell;
    this.presence = new PageStates((state, change) => tell({ type: 'presence', state, change }));
    this.cursors = new PageStates((state, change) => tell({ type: 'cursor', state, change }));
    this.#ephemerals = new PageEphemerals((name, key, state, change) => tell({ type: 'ephemeral', name, key, state, change }));
  }

  /** @throws AlcoveError `value_unknown` */
  value(name: string, key: string): PageValue {
    const id = idOf(name, key);
    const known = this.#values.get(id);
    if (known !== undefined) return known;
    if (!Object.hasOwn(this.#definition.values, name))
      throw new AlcoveError('value_unknown', `the room “${this.#definition.name}” declares no value “${name}”`);
    const value = new PageValue(name, key, this.#tell);
    this.#values.set(id, value);
    return value;
  }

  /** @throws AlcoveError `value_unknown` */
  ephemeral(name: string, key: string): PageStates<unknown> {
    if (!Object.hasOwn(this.#definition.ephemeral, name))
      throw new AlcoveError('value_unknown', `the room “${this.#definition.name}” declares no ephemeral “${name}”`);
    return this.#ephemerals.of(name, key);
  }

  /** A new engine knows nothing of what was set. */
  attach(): void {
    this.presence.attach();
    this.cursors.attach();
    this.#ephemerals.attach();
    for (const value of this.#values.values()) value.attach();
  }

  /** Whether a value that was set here is not known to be written. */
  get hasUnwritten(): boolean {
    return [...this.#values.values()].some((value) => value.isUnwritten);
  }

  /** @param sessionClientId The client whose session it is now. */
  hear(notice: StatesNotice | EphemeralNotice | ValueNotice | StateRefusedNotice, sessionClientId: string): void {
    switch (notice.type) {
      case 'presence':
        return this.presence.hear(notice);
      case 'cursors':
        return this.cursors.hear(notice);
      case 'ephemeral':
        return this.#ephemerals.hear(notice);
      case 'value':
        return this.#values.get(idOf(notice.name, notice.key))?.hear(notice, sessionClientId);
      case 'stateRefused':
        return this.#refused(notice);
      default:
        return exhaustive(notice);
    }
  }

  #refused({ what, name, key, change, error }: StateRefusedNotice): void {
    this.#runtime.log.error('a state was refused', { what, name, key, code: error.code, message: error.message });
    if (what === 'presence') this.presence.refused(change);
    else if (what === 'cursor') this.cursors.refused(change);
    else if (what === 'ephemeral') this.#ephemerals.refused(name ?? '', key, change);
    else
      for (const value of this.#values.values())
        if (value.name === name && (key === null || value.key === key)) value.refused(AlcoveError.fromBody(error), change);
  }

  /** Sessions are another client's from now on, of which the room has counted nothing. */
  startOver(): void {
    for (const value of this.#values.values()) value.startOver();
  }
}
