// Reading numbers and words out of bytes. Beyond the end there are zeros.

export const u16 = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
export const u32 = (bytes: Uint8Array, at: number) => u16(bytes, at) + u16(bytes, at + 2) * 65_536;
/** As a double: exact up to 2^53, which no file reaches. */
export const u64 = (bytes: Uint8Array, at: number) => u32(bytes, at) + u32(bytes, at + 4) * 4_294_967_296;
export const i64 = (bytes: Uint8Array, at: number) => u32(bytes, at) + (u32(bytes, at + 4) | 0) * 4_294_967_296;
export const i16 = (bytes: Uint8Array, at: number) => (u16(bytes, at) << 16) >> 16;

/** Big-endian, for the formats that write so. */
export const u32be = (bytes: Uint8Array, at: number) =>
  (bytes[at] ?? 0) * 16_777_216 + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));

/** Whether the Latin letters of `text` stand at `at`. */
export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

export const textAt = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, at + length));
