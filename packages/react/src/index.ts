/** The public surface of Alcove for React. */
export { createRoomHooks } from './create-room-hooks.ts';
export type { RoomHooks } from './create-room-hooks.ts';
export type { RoomProviderProps } from './room-provider.tsx';
export type { Cursors } from './use-cursors.ts';
export type { DebouncedValueControls } from './use-debounced-value.ts';
export type { ServerQueryHookOptions } from './use-server-query.ts';
export type { ConnectionStatus, RoomSyncStatus } from './use-status.ts';
