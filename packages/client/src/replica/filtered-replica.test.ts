import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { defineRoom } from '@alcove/core/schema/define-room';
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { mint, openReplica } from '../../../../test/fake/replica-tab.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';

describe('a replica that holds a part of the rows', () => {
  it('[AC-26] takes a row whose parent it may not see, and says so of a room without rules', () => {
    const { schema } = tasksRoom;
    const filtered = defineRoom({
      ...tasksRoom,
      rules: { lists: { visibleTo: (row, claims) => eq(row.id, String(claims.sub)) } },
    });
    const task = mint('me', 1, 'addTask', { id: 't1', listId: 'hidden', title: 'a', rank: 0 });
    expect(Object.keys(schema)).toContain('lists');
    expect(() => openReplica().mutate(task)).toThrow(expect.objectContaining({ code: 'constraint_failed' }) as Error);
    const replica = openReplica(filtered as unknown as typeof tasksRoom); // the same room with a rule more
    expect(replica.mutate(task).tables).toMatchObject([{ table: 'tasks' }]);
    const commit: CommitMessage = { type: 'commit', from: 0, to: 1, schema: filtered.model.schemaId, changes: [], hash: 'x', atMs: 0 };
    replica.rebase([commit], () => false);
    expect(replica.mutate(mint('me', 2, 'addTask', { id: 't2', listId: 'hidden', title: 'b', rank: 1 })).tables).toHaveLength(1);
  });
});
