import { type ReactElement, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { offer } from './bench-page.ts';
import { BoardPlayer } from './board-player.ts';
import { ListView } from './list-view.tsx';
import type { RawRename, RawRows, RawStart } from './raw-board.ts';

const start = JSON.parse(decodeURIComponent(location.hash.slice(1))) as RawStart; // the bench wrote it
const worker = new Worker(new URL('./raw-board.worker.ts', import.meta.url), { type: 'module' });
worker.postMessage(start);

let rows: RawRows = [];
const subscribe = (listener: () => void): (() => void) => {
  const take = ({ data: next }: MessageEvent<RawRows>): void => {
    rows = next;
    listener();
  };
  worker.addEventListener('message', take);
  return () => worker.removeEventListener('message', take);
};
const player = new BoardPlayer((id, title) => {
  worker.postMessage({ id, title } satisfies RawRename);
  return Promise.resolve();
});

function List(): ReactElement {
  return <ListView rows={useSyncExternalStore(subscribe, () => rows)} onShown={player.shown} />;
}

const root = document.querySelector('#root');
if (root === null) throw new TypeError('the page has no root');
createRoot(root).render(<List />);
offer(player);
