declare global {
  interface Performance {
    /** Chromium's, in isolated pages; not in the compiler's library. */
    measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
  }
}

export const memoryBytes = async (): Promise<number> => (await performance.measureUserAgentSpecificMemory()).bytes;
