// Keeps the page itself, so that it opens without a network; what is in a trip is kept by Alcove. The build puts `FILES` and `BUILD` before this text.
/* global FILES, BUILD */
const PREFIX = 'trip-planner page ';
const NAME = PREFIX + BUILD;
const kept = new Set(FILES);

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)));
});

// Only now nobody uses the build before any more.
self.addEventListener('activate', (event) => {
  const others = caches.keys().then((names) => names.filter((name) => name.startsWith(PREFIX) && name !== NAME));
  event.waitUntil(others.then((names) => Promise.all(names.map((name) => caches.delete(name)))));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (isTheServers(url.pathname)) return;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => keptAs('/')));
  else if (kept.has(url.pathname)) event.respondWith(keptAs(url.pathname).then((found) => found ?? fetch(request)));
});

/** The rooms and their images: never answered from here. */
function isTheServers(path) {
  return path === '/sync' || path.startsWith('/sync/');
}

async function keptAs(path) {
  return (await caches.open(NAME)).match(path);
}
