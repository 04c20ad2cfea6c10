import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { readCities } from '../src/server/cities.ts';

/** Hands the page the same cities a room is seeded with, column by column. */
function cities(): Plugin {
  return {
    name: 'cities',
    configureServer(server) {
      server.middlewares.use('/cities.json', (_request, response) => {
        const rows = readCities();
        const columns = {
          name: rows.map((c) => c.name),
          folded: rows.map((c) => c.folded),
          country: rows.map((c) => c.country),
          population: rows.map((c) => c.population),
          lat: rows.map((c) => c.lat),
          lon: rows.map((c) => c.lon),
        };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(columns));
      });
    },
  };
}

export default defineConfig({ plugins: [react(), cities()] });
