/** What the floor of cold-open asks its worker for. */
export interface ImageRequest {
  readonly url: string;
  readonly ticket: string;
  readonly sql: string;
  readonly params: readonly string[];
}
