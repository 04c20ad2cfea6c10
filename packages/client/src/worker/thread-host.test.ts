import { AlcoveError } from '@alcove/core/error';
import { expect, it } from 'vitest';
import type { EngineNotice, SyncEngine } from '../sync/engine-interface.ts';
import type { EngineLoss, OpenRequest } from './engine-port.ts';
import { ThreadHost } from './thread-host.ts';
import { eventually } from '../../../../test/fake/eventually.ts';

const request: OpenRequest = {
  roomName: 'trip',
  roomId: 'japan',
  schemaId: 's',
  url: 'ws://localhost:1',
  clientId: 'c',
  groupId: 'g',
  life: 1,
  shown: null,
  limits: {},
  isGroupBound: false,
  place: null,
  clients: [],
  mutations: [],
  condemned: [],
};

/** An engine that takes no order. */
class Refusing {
  closed = false;
  adopt(): void {
    throw new AlcoveError('outbox_full', 'too many clients');
  }
  setPresence(): void {
    throw new AlcoveError('state_invalid', 'no');
  }
  close(): void {
    this.closed = true;
  }
}

it('[WK-20] an engine that breaks is gone when its page hears of it; one that refuses a state goes on', async () => {
  const engine = new Refusing();
  const losses: EngineLoss[] = [];
  const notices: EngineNotice[] = [];
  // Nothing else of an engine is asked for here.
  const host = new ThreadHost(() => Promise.resolve(engine as unknown as SyncEngine));
  const port = host.open(request, {
    token: () => null,
    onNotices: (told) => void notices.push(...told),
    condemn: () => false,
    onLost: (loss) => void losses.push({ ...loss, error: { ...loss.error, message: `closed: ${engine.closed}` } }),
  });
  port.tell({ type: 'presence', state: 1, change: 1 });
  await eventually(() => expect(notices).toMatchObject([{ type: 'stateRefused', what: 'presence', error: { code: 'state_invalid' } }]));
  expect(losses).toEqual([]);
  port.tell({ type: 'adopt', clients: [], mutations: [] });
  await eventually(() => expect(losses).toEqual([{ error: { code: 'outbox_full', message: 'closed: true' }, final: true }]));
});
