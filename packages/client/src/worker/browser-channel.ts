import type { OpenTabChannel } from '../tabs/tab-channel.ts';

/** By the browser's BroadcastChannel. */
export const openBrowserChannel: OpenTabChannel = (name, onMessage) => {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data: message }) => onMessage(message);
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
};
