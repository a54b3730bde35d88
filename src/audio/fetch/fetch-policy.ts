// Which hosts may be asked. Public addresses always, others only where the operator has named them.

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { type Address, type Network, classify, isWithin, parseAddress } from "./address-class.js";

export interface FetchPolicy {
  /**
   * Hosts ("name", "name:port", "*.suffix"), addresses or networks ("127.0.0.0/8", "::1", "10.1.0.0/16") that are
   * allowed although they are private. Empty: public addresses only.
   */
  readonly allowed: readonly string[];
}

export interface HostAndPort {
  /** As `URL.hostname` gives it, without the brackets of IPv6. */
  readonly hostname: string;
  readonly port: number;
}

export interface AddressGuard {
  /** Whether a host may be asked that has just these addresses. Every one of them has to be fit to be connected to. */
  admits(host: HostAndPort, addresses: readonly string[]): boolean;
}

interface NetworkRule {
  readonly network: Network;
  readonly port: number | undefined;
}

interface NameRule {
  readonly name: string;
  readonly isSuffix: boolean;
  readonly port: number | undefined;
}

/** Throws a TypeError that names the entry which is none. */
export function createAddressGuard(policy: FetchPolicy): AddressGuard {
  const rules = policy.allowed.map((entry) => parseRule(entry));
  const networks = rules.filter((rule) => "network" in rule);
  const names = rules.filter((rule) => "name" in rule);

  const isListed = (address: Address, port: number) =>
    networks.some((rule) => isForPort(rule, port) && isWithin(address, rule.network));

  /** A network that carries IPv4 (NAT64) may be allowed as such; what it carries the packets to is still judged. */
  const isAllowed = (address: Address, port: number) =>
    isListed(address, port) &&
    classify(address).embedded.every((inner) => classify(inner).isPublic || isListed(inner, port));

  return {
    admits({ hostname, port }, texts) {
      const addresses = texts.map((text) => parseAddress(text));
      if (addresses.length === 0) return false;
      const isFit = addresses.every(
        (address) => address !== undefined && (classify(address).isPublic || isAllowed(address, port)),
      );
      if (isFit) return true;
      // A name that is allowed stands for a machine of the operator's. One that answers with public addresses as well,
      // or with one that no such machine has, is somebody else's doing.
      return (
        isIP(hostname) === 0 &&
        names.some((rule) => isForPort(rule, port) && isNamed(hostname, rule)) &&
        addresses.every((address) => address !== undefined && (classify(address).isPrivate || isAllowed(address, port)))
      );
    },
  };
}

const isForPort = (rule: { readonly port: number | undefined }, port: number) =>
  rule.port === undefined || rule.port === port;

function isNamed(hostname: string, { name, isSuffix }: NameRule): boolean {
  const bare = withoutDot(hostname);
  return isSuffix ? bare.endsWith(`.${name}`) : bare === name;
}

function parseRule(entry: string): NetworkRule | NameRule {
  const text = entry.trim();
  const isNetwork = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text);
  if (isNetwork) return { network: ipaddr.parseCIDR(text), port: undefined };
  if (isIP(text) !== 0) return single(text, undefined);
  // `URL` drops a port that is its scheme's own, so the port is taken off before.
  const [, host = "", portText] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  const isSuffix = host.startsWith("*.");
  const hostname = canonicalHost(isSuffix ? host.slice(2) : host);
  if (hostname === undefined || (port ?? 0) > 65_535) throw refusal(entry);
  if (isIP(hostname) === 0) return { name: withoutDot(hostname), isSuffix, port };
  if (isSuffix) throw refusal(entry);
  return single(hostname, port);
}

function single(address: string, port: number | undefined): NetworkRule {
  return { network: [ipaddr.parse(address), isIP(address) === 4 ? 32 : 128], port };
}

function canonicalHost(host: string): string | undefined {
  const isPlain = host !== "" && !/[/@?#\\*\s]/.test(host);
  if (!isPlain || !URL.canParse(`http://${host}/`)) return undefined;
  return withoutBrackets(new URL(`http://${host}/`).hostname);
}

export const withoutBrackets = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");
const withoutDot = (hostname: string) => hostname.replace(/\.$/, "");

const refusal = (entry: string) =>
  new TypeError(`"${entry}" is no host, no host with a port, no *.suffix, no address and no network`);
