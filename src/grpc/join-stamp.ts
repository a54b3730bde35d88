// The stamp of a client's join, in the metadata of its calls: `bridge-join: <client>.<number>`.

import type { Metadata } from "@grpc/grpc-js";
import type { JoinStamp } from "../machines/ports.js";

const KEY = "bridge-join";
const FORM = /^([\w-]{1,64})\.(\d{1,15})$/;

/** What has not this form is no stamp: the call is taken for one of a client that sends none. */
export function joinStampOf(metadata: Metadata): JoinStamp | undefined {
  const [client, number] = FORM.exec(String(metadata.get(KEY)[0] ?? ""))?.slice(1) ?? [];
  return client === undefined || number === undefined ? undefined : { client, number: Number(number) };
}
