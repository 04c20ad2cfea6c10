import { exhaustive } from '@alcove/core/error';
import type { Outbox } from '../outbox/outbox.ts';
import type { Persistence } from '../storage/persistence.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { TabMessage } from '../tabs/tab-channel.ts';
import type { ClientGroups } from './client-group.ts';
import type { DiskLook } from './disk-look.ts';
import type { KeptRejections } from './kept-rejections.ts';
import type { NoticeBatch } from './notice-batch.ts';
import type { OtherTabs } from './other-tabs.ts';

export interface TabMessageTakers {
  readonly outbox: Pick<Outbox, 'has' | 'hasSession'>;
  readonly siblings: Pick<SiblingMutations, 'welcomed' | 'confirmed'>;
  readonly tabs: Pick<OtherTabs, 'said'>;
  readonly groups: Pick<ClientGroups, 'learn'>;
  readonly look: Pick<DiskLook, 'heard'>;
  readonly disk: Pick<Persistence, 'hurry' | 'close' | 'forget'>;
  readonly rejections: Pick<KeptRejections, 'look' | 'dismissedElsewhere'>;
  readonly notices: Pick<NoticeBatch, 'add'>;
  /** Tells the other tabs of everything that is pending here. */
  sayAll(): void;
  /** Nothing is kept any more. `isGone`: nor is what was pending. */
  forgotten(isGone: boolean): void;
  /** There is something for the next turn. */
  wake(): void;
}

/** Hands a message of another tab to what it concerns. */
export function takeTabMessage(message: TabMessage, to: TabMessageTakers): void {
  switch (message.type) {
    case 'here':
      return; // the channel's own business
    case 'who':
      return to.sayAll();
    case 'pending':
      to.look.heard(message.clientId);
      to.groups.learn(message.clientId, message.groupId);
      to.siblings.welcomed(message.clientId, message.welcomed ?? null);
      if (!to.outbox.has(message.clientId)) to.tabs.said(message.clientId, message.confirmed, message.mutations);
      return;
    case 'confirmed':
      to.siblings.confirmed(message.clientId, message.confirmed, message.at);
      return to.wake();
    case 'rejections':
      return void to.rejections.look();
    case 'dismissed':
      return to.rejections.dismissedElsewhere(message.keys);
    case 'wanted':
      if (!to.outbox.hasSession) to.notices.add({ type: 'wanted', clientIds: message.clientIds });
      return to.wake();
    case 'hurry':
      return to.disk.hurry();
    case 'forget':
      if (message.keeps === true) to.disk.close();
      else to.disk.forget();
      return to.forgotten(message.keeps !== true);
    default:
      return exhaustive(message);
  }
}
