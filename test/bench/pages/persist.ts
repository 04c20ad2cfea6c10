import { offer } from './bench-page.ts';

/** Databases of so many megabytes each take `count` small commits, and so does the floor, in turn. */
export interface PersistRequest {
  readonly megabytes: readonly number[];
  readonly count: number;
}

/** What each commit took, in ms. */
export interface PersistTimes {
  readonly rooms: readonly (readonly number[])[];
  readonly floor: readonly number[];
}

const worker = new Worker(new URL('./persist.worker.ts', import.meta.url), { type: 'module' });
offer({
  persist: (request: PersistRequest) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data: times }: MessageEvent<PersistTimes>) => resolve(times);
      worker.onerror = ({ message }) => reject(new TypeError(message));
      worker.postMessage(request);
    }),
});
