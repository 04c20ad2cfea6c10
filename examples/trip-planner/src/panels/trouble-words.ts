import { plural } from './words.ts';

/** What went wrong, as the client tells it. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** The same in words for whoever sits before the page. */
export interface TroubleWords {
  readonly title: string;
  readonly says: string;
  /** What may help: to load the page again, or to try once more. */
  readonly way: 'load' | 'try';
}

const OLDER_PAGE: TroubleWords = {
  title: 'This page is out of date',
  says: 'The server runs a newer version of the trip planner. Load the page again to get it.',
  way: 'load',
};
const DAMAGED: TroubleWords = {
  title: 'The server cannot open this trip',
  says: 'Something is wrong with the file it is kept in. Whoever runs the server finds the reason in its log.',
  way: 'try',
};

/** Why a tab that gave up cannot reach its trip. */
const STOPPED: Readonly<Record<string, TroubleWords>> = {
  update_needed: OLDER_PAGE,
  protocol_unsupported: OLDER_PAGE,
  unauthenticated: {
    title: 'The server does not know you',
    says: 'It did not accept who this browser says you are. Loading the page again may help.',
    way: 'load',
  },
  forbidden: {
    title: 'This trip is closed to you',
    says: 'The server does not take the key of your link any more: what you see is as it was here last. Ask whoever sent it for a new one.',
    way: 'try',
  },
  origin_refused: { title: 'This page may not connect', says: 'The server does not accept pages from this address.', way: 'try' },
  room_unknown: {
    title: 'The trip is not there',
    says: 'The server does not have it: nobody has begun it yet, or it was deleted.',
    way: 'try',
  },
  room_id_invalid: { title: 'This is no trip’s address', says: 'Perhaps a part of the link was lost on the way here.', way: 'try' },
  schema_mismatch: { ...DAMAGED, says: 'Its file does not fit the server’s version. Whoever runs the server finds the reason in its log.' },
  migration_failed: DAMAGED,
  file_damaged: DAMAGED,
  file_foreign: DAMAGED,
  history_lost: {
    ...DAMAGED,
    says: 'A part of its history is missing on the server’s disk. Whoever runs the server has to decide how to go on.',
  },
};

/** For a tab that does not try any more. */
export function wordsForStop({ code }: Fault): TroubleWords {
  return (
    STOPPED[code] ?? {
      title: 'This trip cannot be reached',
      says: 'The server and this page do not understand each other. Loading the page again may help.',
      way: 'load',
    }
  );
}

const SERVER_GONE = 'The server may be stopped, or the network is down. If you run it yourself: “npm start” starts it again.';

const WAITING: Readonly<Record<string, string>> = {
  room_outdated: 'The server runs an older version than this page. It goes on by itself once the server was updated.',
  draining: 'The server is being stopped or started anew.',
  overloaded: 'The server has more to do than it can: it lets people in again as soon as there is room.',
  rate_limited: 'The server asked for a pause.',
  room_full: 'The server’s disk is full.',
  room_failed: 'The server had trouble with its disk and opens the trip again.',
  heartbeat_missed: 'The server does not answer: it may be busy, or the network is down.',
};

/** What may be the matter while a tab tries again and again. */
export function wordsForAbsence(fault: Fault | null, online: boolean): string {
  if (!online) return 'This device has no network.';
  return (fault === null ? undefined : WAITING[fault.code]) ?? SERVER_GONE;
}

/**
 * What becomes of changes while a tab is away.
 * @param waiting own changes that the room has not decided
 */
export function wordsForMeanwhile(waiting: number, mayEdit: boolean): string {
  if (waiting > 0)
    return `${plural(waiting, 'change')} ${waiting === 1 ? 'waits' : 'wait'} on this device and ${waiting === 1 ? 'is' : 'are'} sent when the server is back.`;
  return mayEdit
    ? 'What you change is kept on this device and sent when the server is back; the budget as long as this page is open.'
    : 'What others change is shown when the server is back.';
}

/** Why a write waits: the server did not take it for now, or this tab does not show it. */
export function wordsForWait({ code }: Fault): string {
  if (code === 'mutator_timeout') return 'It took too long here: what it does is seen once the server has done it.';
  return WAITING[code] ?? 'The server did not take it for now. It is sent again by itself.';
}

/** A write that came to nothing. */
export interface FailedWrite extends Fault {
  /** `failed` before it was sent, `rejected` by the room, `unknown`: nobody can tell, `lost`: the room had it, and has it no more. */
  readonly status: string;
}

const REFUSALS: Readonly<Record<string, string>> = {
  arguments_invalid: 'There was something in it that does not fit: too long, perhaps, or out of range.',
  mutator_failed: 'The server could not do it.',
  mutator_unknown: 'The server does not know how to do that: it may run another version.',
  mutator_limit: 'It would have changed too much at once.',
  mutator_timeout: 'It took too long and was taken back.',
  sql_refused: 'The server could not do it.',
  sql_failed: 'The server could not do it.',
  constraint_failed: 'It does not fit what the others have changed meanwhile.',
  client_unknown:
    'The server has forgotten this page, as it does with those it has long not heard of. Look whether it is there, and do it again if not.',
  unknown_outcome:
    'What the server knows of this page does not fit what this page knows, as after one of the two was put back to an earlier state. Look whether it is there, and do it again if not.',
  forgotten:
    'Another tab removed this trip from this device before the server had answered. Open the trip again, look whether it is there, and do it again if not.',
  history_lost: 'The server was put back to an earlier state, and this change, which it had, is gone with it.',
  outbox_full: 'Too many changes wait already. Try again when some of them have gone through.',
  room_full: 'The trip, or the server’s disk, is full.',
  closed: 'The trip was closed on this page.',
  worker_failed: 'This page had to begin anew just then.',
  query_timeout: 'It took too long and was ended.',
};

/** How a room says that somebody lacks the right, before any of the trip's own rules was asked. */
const NOT_ALLOWED = /^this user may not /;

const wordsForNotAllowed = (message: string): string =>
  message.includes(' row of table notes')
    ? 'That note belongs to somebody else: only who wrote it may do that.'
    : 'You may view this trip, not change it: that takes an edit link.';

/** Why a write came to nothing. A refusal by the trip's own rules is in people's words already. `mayBeRetried`: “Try again” is offered beside it. */
export function wordsForWrite({ code, message }: Fault, mayBeRetried = false): string {
  if (code === 'forbidden' && message !== '') return NOT_ALLOWED.test(message) ? wordsForNotAllowed(message) : message;
  const words = REFUSALS[code] ?? 'Something went wrong on the way.';
  return code === 'history_lost' && mayBeRetried ? `${words} “Try again” does it once more.` : words;
}

/** What became of it, after what it was: “Add Osaka: not accepted”. */
export function endOfWrite({ status }: Pick<FailedWrite, 'status'>): string {
  if (status === 'failed') return 'not done';
  if (status === 'lost') return 'gone again';
  return status === 'unknown' ? 'perhaps not done' : 'not accepted';
}
