import type { IncomingMessage, ServerResponse } from 'node:http';

/** What answers some of the paths below a server's own. */
export interface Endpoint {
  owns(path: string): boolean;
  handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Several as one: the first that owns a path answers it. Null stands for one that is not there. */
export function endpointsOf(given: readonly (Endpoint | null)[]): Endpoint {
  const endpoints = given.filter((endpoint) => endpoint !== null);
  const owner = (path: string): Endpoint | undefined => endpoints.find((endpoint) => endpoint.owns(path));
  return {
    owns: (path) => owner(path) !== undefined,
    handle: async (path, request, response) => owner(path)?.handle(path, request, response),
  };
}
