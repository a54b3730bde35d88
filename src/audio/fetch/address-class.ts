// Which addresses are public. Everything is refused that is not plainly a public unicast address; an IPv6 address that
// carries an IPv4 one (mapped, translated, tunnelled) is a second name for that one and never counts as public.

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

export interface AddressClass {
  /** Anybody may be sent there. */
  readonly isPublic: boolean;
  /** Of the kind that people give their own machines, so that allowing a machine by its name can mean it. */
  readonly isPrivate: boolean;
  /** IPv4 addresses inside it, to which a translator or tunnel would carry the packets on. */
  readonly embedded: readonly ipaddr.IPv4[];
}

const GLOBAL_UNICAST: Network = ipaddr.parseCIDR("2000::/3");
const PRIVATE_RANGES: ReadonlySet<string> = new Set(["private", "loopback", "uniqueLocal", "carrierGradeNat"]);

/** Metadata services of clouds. Some sit in public or private ranges, where no range gives them away. */
const METADATA = ["168.63.129.16/32", "100.100.100.200/32", "169.254.0.0/16", "fd00:ec2::/32", "fd20:ce::254/128"].map(
  (network): Network => ipaddr.parseCIDR(network),
);

/** Where the IPv4 address stands in an IPv6 address of the network, in bytes; `isInverted`: with every bit flipped. */
const EMBEDDINGS: readonly { network: Network; at: readonly number[]; isInverted?: boolean }[] = [
  { network: ipaddr.parseCIDR("::/96"), at: [12] },
  { network: ipaddr.parseCIDR("::ffff:0:0/96"), at: [12] },
  { network: ipaddr.parseCIDR("::ffff:0:0:0/96"), at: [12] },
  { network: ipaddr.parseCIDR("64:ff9b::/96"), at: [12] },
  { network: ipaddr.parseCIDR("64:ff9b:1::/48"), at: [12] },
  { network: ipaddr.parseCIDR("2002::/16"), at: [2] },
  // Teredo carries its server in the clear and its client inverted.
  { network: ipaddr.parseCIDR("2001::/32"), at: [4] },
  { network: ipaddr.parseCIDR("2001::/32"), at: [12], isInverted: true },
];

/** Undefined for what is not an address. Short and octal forms are none: `new URL()` has made them canonical long ago. */
export function parseAddress(text: string): Address | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.parse(text);
}

export function classify(address: Address): AddressClass {
  const range: string = address.range();
  const isMetadata = METADATA.some((network) => isWithin(address, network));
  // `::` and `::1` lie among the addresses that carry IPv4 and carry none.
  const isPlain = address.kind() === "ipv4" || range === "unspecified" || range === "loopback";
  const embedded = isPlain ? [] : embeddedIn(address);
  const isGlobal = address.kind() === "ipv4" || isWithin(address, GLOBAL_UNICAST);
  return {
    isPublic: range === "unicast" && isGlobal && !isMetadata && embedded.length === 0,
    isPrivate: PRIVATE_RANGES.has(range) && !isMetadata,
    embedded,
  };
}

export function isWithin(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

/** Whether both are the same address, however they are written. A zone (`%eth0`) does not count. */
export function isSameAddress(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)];
  if (a === undefined || b === undefined) return false;
  return isWithin(a, [b, b.kind() === "ipv4" ? 32 : 128]);
}

function embeddedIn(address: Address): ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  return EMBEDDINGS.filter(({ network }) => isWithin(address, network)).flatMap(({ at, isInverted = false }) =>
    at.map((start) => {
      const octets = bytes.slice(start, start + 4);
      return new ipaddr.IPv4(isInverted ? octets.map((octet) => octet ^ 0xff) : octets);
    }),
  );
}
