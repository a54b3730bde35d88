/** Where rtc-node looks for a client before it makes its own, so that its classes work beside an engine. */
export const RTC_NODE_CLIENT_GLOBAL = "_ffiClientInstance";
