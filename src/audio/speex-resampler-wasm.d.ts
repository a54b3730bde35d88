// The part of the package's exports that is used here; it ships no types of its own.
declare module "@echogarden/speex-resampler-wasm" {
  export interface SpeexModule {
    // Views move when the WASM memory grows, so they are read anew on every use.
    readonly HEAP16: Int16Array;
    readonly HEAPU32: Uint32Array;
    readonly HEAP32: Int32Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _speex_resampler_init(channels: number, inRate: number, outRate: number, quality: number, error: number): number;
    _speex_resampler_destroy(state: number): void;
    _speex_resampler_skip_zeros(state: number): number;
    _speex_resampler_reset_mem(state: number): number;
    _speex_resampler_get_input_latency(state: number): number;
    _speex_resampler_process_interleaved_int(
      state: number,
      input: number,
      inputFrames: number,
      output: number,
      outputFrames: number,
    ): number;
  }
  const load: () => Promise<SpeexModule>;
  export default load;
}
