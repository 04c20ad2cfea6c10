/** Bounds of the wire that are no option of anybody; those that are (messageBytesMax and others) are told to clients in welcome.limits. */

/** JSON bytes of the first message, read before anybody is authenticated: 256 clients and a long token fit. */
export const HELLO_BYTES_MAX = 131_072;
/** Levels of arrays and objects in a message; one without any inner array or object has 1. */
export const MESSAGE_DEPTH_MAX = 32;
/** Messages below this many bytes of JSON are not worth deflating. */
export const DEFLATE_BYTES_MIN = 1_024;
/** Frames of a room from this many bytes on are announced by `coming`: nothing is heard of a frame before its last byte, and one of 32 KiB takes as long as a probe at 6 KiB/s. */
export const ANNOUNCED_FRAME_BYTES = 32_768;
/** What a link must carry of an announced frame to be waited for. Below it a session counts as dead sooner than the frame is there. */
export const ANNOUNCED_BYTES_PER_SECOND_MIN = 16_384;
/** Characters of a read's SQL, and parameters of it. */
export const READ_SQL_CHARACTERS_MAX = 10_000;
export const READ_PARAMS_MAX = 100;
/** Longest that somebody may ask to be waited for, in ms. */
export const WAIT_MS_MAX = 60_000;
