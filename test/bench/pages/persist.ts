import { offer } from './bench-page.ts';
import type { PersistRequest, PersistTimes } from './persist-request.ts';

const worker = new Worker(new URL('./persist.worker.ts', import.meta.url), { type: 'module' });
offer({
  persist: (request: PersistRequest) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data: times }: MessageEvent<PersistTimes>) => resolve(times);
      worker.onerror = ({ message }) => reject(new TypeError(message));
      worker.postMessage(request);
    }),
});
