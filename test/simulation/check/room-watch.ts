import { difference, dump } from '../oracle/dump.ts';
import { lookAtDisks } from './kept-rows.ts';
import { Shadow } from '../oracle/shadow.ts';
import type { World } from '../world/world.ts';

const EVERY_MS = 700;
/** Rows that the tables of what is remembered may have above their bound until the next housekeeping. */
const SLACK = 40;

/** Looks at the room itself now and then: its tables are what the oracle makes of its history, and nothing grows past its bound. */
export class RoomWatch {
  readonly #world: World;
  #shadow: Shadow;
  #line = 0;

  constructor(world: World) {
    this.#world = world;
    this.#shadow = new Shadow(world.shadowSources());
  }

  start(): void {
    this.#world.time.setTimer(EVERY_MS, () => {
      if (!this.#world.findings.any) this.look();
      this.start();
    });
  }

  look(): void {
    lookAtDisks(this.#world);
    const { host, history, findings } = this.#world;
    const { database, room } = host;
    // A version that is not durable may be taken back, and a shadow cannot.
    if (database === null || room === null || history.head > history.durable) return;
    if (history.line !== this.#line) this.#startOver();
    this.#shadow.goTo(history.head);
    const differs = difference(
      dump(database, host.build.room.model),
      this.#shadow.dump(host.build.room.model),
      'in the room',
      'in the oracle',
    );
    findings.check(differs === null, 'I4', () => `the room at version ${history.head}: ${differs ?? ''}`);
    this.#bounds();
  }

  /** Another history, or another line of one: what was replayed of the one before says nothing. */
  #startOver(): void {
    this.#line = this.#world.history.line;
    this.#shadow.close();
    this.#shadow = new Shadow(this.#world.shadowSources());
  }

  close(): void {
    this.#shadow.close();
  }

  #bounds(): void {
    const { host, findings, plan } = this.#world;
    const { database, room } = host;
    if (database === null || room === null) return;
    const { subscriberBacklogBytesHard, queuedMutationsMax } = plan.roomLimits;
    const { queuedMutations } = room.stats;
    if (queuedMutationsMax !== undefined)
      findings.check(queuedMutations <= queuedMutationsMax, 'I17', () => `${queuedMutations} mutations wait, ${queuedMutationsMax} may`);
    // One frame may go over: what is sent is checked before it is added, and a welcome or results are never held back.
    const most = Math.max(...this.#world.network.openLinks().map((link) => link.serverBufferedBytes), 0);
    if (subscriberBacklogBytesHard !== undefined)
      findings.check(most <= subscriberBacklogBytesHard + 400_000, 'I17', () => `${most} bytes wait on one socket`);
    const rejections = Number(database.prepare('SELECT count(*) FROM alcove_rejections').get()?.[0]);
    findings.check(
      rejections <= (plan.roomLimits.clientRejectionsMax ?? 1_000) * 60 + SLACK,
      'I17',
      () => `${rejections} rejections are stored`,
    );
  }
}
