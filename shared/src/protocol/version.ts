/** Raised when the wire changes so that an older page cannot follow. Both ends refuse each other politely when it differs. */
export const PROTOCOL_NUMBER = 3;
