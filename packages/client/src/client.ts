import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnyRoom, isRoom } from '@alcove/core/schema/define-room';
import { kindOf, type KeysOf } from '@alcove/core/unknown-keys';
import { ClientRoom } from './page/client-room.ts';
import { assertNonePending, type DeviceKeeping, type ForgetOptions, forgetPlaces, keptPlaces } from './page/forget-places.ts';
import type { RoomKeeping } from './page/kept-room-place.ts';
import { Observable, type Readable } from './page/observable.ts';
import { PausableLocks } from './page/pausable-locks.ts';
import type { PageLocks } from './page/room-locks.ts';
import { tokenOf } from './page/token-of.ts';
import { WeakValues } from './page/weak-values.ts';
import type { EngineHint } from './sync/engine-interface.ts';
import { resolveEngineLimits } from './sync/engine-limits.ts';
import type { EngineLimits } from './sync/engine-limits.ts';
import type { EngineHost } from './worker/engine-port.ts';

/** What every client takes. */
export interface ClientOptions {
  /** Address of the server with its path, ws: or wss:, e.g. `wss://example.org/sync`. A page may leave out the origin: `/sync`. */
  readonly url: string;
  /** Names who uses this browser: it will keep two users' storage apart. Without effect until there is browser storage, and never a proof of anything. */
  readonly user?: string;
  /** The token for the server's `authenticate`; asked for before every connection. What is neither text nor null is `option_invalid`, and the connection `failed`. */
  readonly auth?: () => string | null | Promise<string | null>;
  /** Bounds other than the defaults. @throws AlcoveError `option_invalid` for one that is no whole number of at least 1 */
  readonly limits?: Partial<EngineLimits>;
}

/** Every option that both platforms take. */
export const CLIENT_OPTIONS: KeysOf<ClientOptions> = { url: true, user: true, auth: true, limits: true };

/** What a client is made of, by platform. */
export interface ClientParts {
  readonly runtime: Runtime;
  readonly host: EngineHost;
  readonly locks?: PageLocks | null;
  readonly device?: DeviceKeeping;
  /** Why there are no locks although rooms were to be kept. */
  readonly notKept?: AlcoveError | null;
  readonly onClose?: () => void;
  /** Page and worker are of different builds of the app; with the page's schema. */
  readonly onBuildsDiffer?: (schemaId: string) => void;
}

/** Rooms of one server, in one engine host: one worker, one wasm heap. */
export class Client {
  readonly #options: ClientOptions;
  readonly #runtime: Runtime;
  readonly #host: EngineHost;
  readonly #limits: EngineLimits;
  /** Those that were started; they stay until they are closed. */
  readonly #rooms = new Map<string, ClientRoom>();
  /** Those that somebody holds, started or not: one that was prepared and never started is gone with whoever prepared it. */
  readonly #known = new WeakValues<ClientRoom>();
  /** Client group of this page's rooms where nothing is kept; a room that is kept has its own. */
  readonly #groupId: string;
  /** Where there are some, rooms are kept between loads of the page. */
  readonly #locks: PausableLocks | null;
  readonly #hidden = new Observable(false);
  readonly #onBuildsDiffer: (schemaId: string) => void;
  #isSuspended = false;
  /** Whether nobody looks at this page (hidden, frozen): for a presence that says so. */
  readonly hidden: Readable<boolean> = this.#hidden;
  readonly #device: DeviceKeeping | undefined;
  readonly #notKept: AlcoveError | null;
  readonly #onClose: () => void;
  #closed = false;

  constructor(options: ClientOptions, parts: ClientParts) {
    if (!/^wss?:\/\//.test(options.url))
      throw new AlcoveError('option_invalid', `url is ${JSON.stringify(options.url)}; it must begin with ws:// or wss://`);
    if (options.auth !== undefined && typeof options.auth !== 'function')
      throw new AlcoveError('option_invalid', `auth must be a function that gives the token, and is ${kindOf(options.auth)}`);
    this.#options = options;
    this.#limits = resolveEngineLimits(options.limits);
    this.#runtime = parts.runtime;
    this.#host = parts.host;
    this.#locks = parts.locks === undefined || parts.locks === null ? null : new PausableLocks(parts.locks);
    this.#onBuildsDiffer = parts.onBuildsDiffer ?? (() => undefined);
    this.#groupId = parts.runtime.newId();
    this.#device = parts.device;
    this.#notKept = parts.notKept ?? null;
    this.#onClose = parts.onClose ?? (() => undefined);
  }

  /**
   * The room of that id, started; the same object while it is open. Open until `room.close()`.
   * @throws AlcoveError `room_id_invalid`, `closed`, `option_invalid` for what is no definition.
   */
  room<Room extends AnyRoom>(definition: Room, id: string): ClientRoom<Room> {
    const room = this.prepare(definition, id);
    room.retain();
    return room;
  }

  /** As `room`, but nothing is opened before `room.start()` or `room.retain()`: free of effects, for rendering. Whoever prepares it while another holds it gets the same. */
  prepare<Room extends AnyRoom>(definition: Room, id: string): ClientRoom<Room> {
    if (this.#closed) throw new AlcoveError('closed', 'the client was closed');
    if (!isRoom(definition))
      throw new AlcoveError(
        'option_invalid',
        `room takes a definition made by defineRoom first, then an id, and got ${kindOf(definition)} first`,
      );
    if (typeof id !== 'string' || !/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$/.test(id))
      throw new AlcoveError('room_id_invalid', `${typeof id === 'string' ? JSON.stringify(id.slice(0, 200)) : kindOf(id)} is no room id`);
    const key = `${definition.name}/${id}`;
    const open = this.#known.get(key);
    // Rooms are kept under their definition's name; another definition of the same name is a mistake worth telling.
    if (open !== undefined && (open.definition as AnyRoom) !== definition) {
      throw new AlcoveError('option_invalid', `the room “${id}” is open with another definition named “${definition.name}”`);
    }
    // It is this very definition's, as checked above.
    return (open as ClientRoom<Room> | undefined) ?? this.#prepared(definition, id, key);
  }

  /** Closes every room and ends the worker. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const room of [...this.#rooms.values()]) room.close();
    this.#onClose();
    this.#host.close();
  }

  /**
   * `room.forget` for every room of this client's user that is kept on this device, open or not: what a sign-out calls. All of them are forgotten, or none.
   *
   * @throws AlcoveError `pending_writes`, see `room.forget`
   */
  async forget(options: ForgetOptions = {}): Promise<void> {
    const open = [...this.#rooms.values()];
    if (this.#locks === null || this.#device === undefined) {
      if (options.discardPending !== true) for (const room of open) assertNonePending(room.id, room.unsaved);
      for (const room of open) room.close();
      return;
    }
    const places = await keptPlaces(this.#device, this.#options.url, this.#options.user ?? null);
    const rooms = places.map((place) => {
      const room = (): ClientRoom | undefined => this.#rooms.get(`${place.roomName}/${place.roomId}`);
      return { place, unsaved: () => room()?.unsaved ?? 0, close: () => room()?.close() };
    });
    return forgetPlaces(this.#device, rooms, options);
  }

  /**
   * The page is put aside and may be shown again (bfcache). Where all that was called is decided, its rooms let go of worker, sockets and locks, which would keep it from that. Else they stay
   * as they are: the browser throws the page away, at once or when another tab asks for the locks of its clients, which then pushes what is pending; or the page does when it is back.
   */
  suspend(): void {
    this.hint('hidden');
    if (this.#isSuspended || [...this.#rooms.values()].some((room) => !room.isIdle)) return;
    this.#isSuspended = true;
    for (const room of this.#rooms.values()) room.suspend();
    this.#locks?.suspend();
    // A worker that is stopped in the middle of leaving holds transactions of the disk that other tabs wait for: the browser would throw the page away.
    this.#host.close();
  }

  /** It is shown again: every room connects anew and fetches what it missed. */
  resume(): void {
    if (this.#isSuspended) {
      this.#isSuspended = false;
      this.#locks?.resume();
      for (const room of this.#rooms.values()) room.resume();
    }
    this.hint('visible');
  }

  /** Tells every room's engine what the platform hints at. */
  hint(hint: EngineHint): void {
    if (hint === 'hidden' || hint === 'visible') this.#hidden.set(hint === 'hidden');
    for (const room of this.#rooms.values()) room.hint(hint);
  }

  /** Mutations of all rooms that exist only in this page's memory: what closing the page now would lose. */
  get unsaved(): number {
    return [...this.#rooms.values()].reduce((sum, room) => sum + room.unsaved, 0);
  }

  #keepingOf({ name: roomName }: AnyRoom, roomId: string): RoomKeeping | null {
    const { url: server, user = null } = this.#options;
    return this.#locks === null ? null : { place: { server, user, roomName, roomId }, locks: this.#locks, device: this.#device };
  }

  #prepared<Room extends AnyRoom>(definition: Room, id: string, key: string): ClientRoom<Room> {
    const room: ClientRoom<Room> = new ClientRoom(definition, id, {
      runtime: this.#runtime,
      url: this.#options.url,
      groupId: this.#groupId,
      limits: this.#limits,
      keeping: this.#keepingOf(definition, id),
      notKept: this.#notKept,
      hidden: this.#hidden,
      token: () => tokenOf(this.#options.auth?.()),
      openEngine: (request, handlers) => {
        const onLost: typeof handlers.onLost = (loss) => {
          handlers.onLost(loss);
          if (loss.error.code === 'update_needed') this.#onBuildsDiffer(definition.model.schemaId);
        };
        return this.#host.open(request, { ...handlers, onLost });
      },
      onStarted: () => {
        if (this.#closed) throw new AlcoveError('closed', 'the client was closed');
        this.#rooms.set(key, any);
      },
      onClosed: () => {
        if (this.#rooms.get(key) === any) this.#rooms.delete(key);
        if (this.#known.get(key) === any) this.#known.delete(key);
      },
    });
    const any = room as unknown as ClientRoom; // looked up by its definition again, see above
    this.#known.set(key, any);
    return room;
  }
}
