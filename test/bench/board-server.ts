// A real server with the bench's room, in a process of its own. Arguments: dataDir, and how many items a new room holds.
import { createServer } from '@alcove/server/node';
import type { MutatorTx } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { board, itemAt, items } from './bench-room.ts';
import { answerParent } from './child.ts';

/** SQLite takes 100 parameters everywhere; an item has five columns, one with a default. */
const ITEMS_PER_INSERT = 20;

const [dataDir = '', count = '0'] = process.argv.slice(2);
const itemCount = Number(count);

function seed(tx: MutatorTx): void {
  for (let from = 0; from < itemCount; from += ITEMS_PER_INSERT) {
    const size = Math.min(ITEMS_PER_INSERT, itemCount - from);
    tx.insert(items)
      .values(Array.from({ length: size }, (_, index) => itemAt(from + index)))
      .run();
  }
}

const server = await createServer({ rooms: [board], dataDir, port: 0, log: silentLogger, seed });
answerParent(server.url, () => server.close());
