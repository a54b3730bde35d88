import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify, isSameAddress, parseAddress } from "../../../src/audio/fetch/address-class.js";
import { createAddressGuard } from "../../../src/audio/fetch/fetch-policy.js";

function admits(allowed: readonly string[], hostname: string, addresses: readonly string[], port = 80): boolean {
  return createAddressGuard({ allowed }).admits({ hostname, port }, addresses);
}
const isPublic = (address: string) => admits([], address, [address]);

describe("a public address", () => {
  it.each(["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"])(
    "is one outside of every special network: %s",
    (address) => expect(isPublic(address)).toBe(true),
  );

  it.each(["100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"])(
    "is one at the edge of a special network: %s",
    (address) => expect(isPublic(address)).toBe(true),
  );

  it.each(["198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17", "2600::1", "2a00::1"])(
    "is one beside a forbidden one: %s",
    (address) => expect(isPublic(address)).toBe(true),
  );

  it.each([
    "",
    "1.1.1",
    "1.1.1.1.",
    "0x1.1.1.1",
    "01.1.1.1",
    "example.com",
    "1.1.1.1/32",
    " 1.1.1.1",
    "2600::1/64",
    "[2600::1]",
  ])("is written in full and in nothing else: %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(admits(["0.0.0.0/0", "::/0"], "a.example", [text])).toBe(false);
  });

  it("is never one that carries IPv4, whatever that is", () => {
    const byte = fc.nat(255);
    const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
    fc.assert(
      fc.property(byte, byte, byte, byte, fc.nat(0xffff), (a, b, c, d, other) => {
        const [first, second] = [hex(a, b), hex(c, d)];
        const rest = other.toString(16);
        for (const address of [
          `::${first}:${second}`,
          `::ffff:${first}:${second}`,
          `::ffff:0:${first}:${second}`,
          `64:ff9b::${first}:${second}`,
          `64:ff9b:1:${rest}::${first}:${second}`,
          `2002:${first}:${second}:${rest}::1`,
          `2001:0:${first}:${second}:${rest}::1`,
        ]) {
          expect(isPublic(address), address).toBe(false);
        }
      }),
    );
  });

  it("is the same however it is written", () => {
    expect(isSameAddress("2600:0:0::1", "2600::1")).toBe(true);
    expect(isSameAddress("2600::1", "2600::2")).toBe(false);
    expect(isSameAddress("fe80::1%eth0", "fe80::1")).toBe(true);
    expect(isSameAddress("1.1.1.1", "::ffff:1.1.1.1")).toBe(false);
    expect(isSameAddress("1.1.1.1", "")).toBe(false);
  });
});

describe("the IPv4 addresses inside an IPv6 address", () => {
  it.each([
    ["::ffff:10.0.0.1", ["10.0.0.1"]],
    ["::10.0.0.1", ["10.0.0.1"]],
    ["64:ff9b::10.0.0.1", ["10.0.0.1"]],
    ["2002:a00:1::1", ["10.0.0.1"]],
    ["2001:0:0a00:0001:0:0:f5ff:fffe", ["10.0.0.1", "10.0.0.1"]],
    ["::1", []],
    ["::", []],
    ["2600::1", []],
  ])("are found: %s", (text, embedded) => {
    const address = parseAddress(text);
    expect(address && classify(address).embedded.map(String)).toEqual(embedded);
  });
});

describe("an operator", () => {
  it.each([
    [["127.0.0.0/8"], "127.5.5.5", ["127.5.5.5"]],
    [["127.0.0.1"], "127.0.0.1", ["127.0.0.1"]],
    [["2130706433"], "127.0.0.1", ["127.0.0.1"]],
    [["::1"], "::1", ["::1"]],
    [["[::1]"], "::1", ["::1"]],
    [["10.1.0.0/16", "fd00::/8"], "files.corp", ["10.1.2.3", "fd00::3"]],
    [["files.corp"], "files.corp", ["10.1.2.3", "192.168.0.1", "fd00::3"]],
    [["Files.Corp."], "files.corp", ["10.1.2.3"]],
    [["files.corp"], "files.corp.", ["10.1.2.3"]],
    [["*.corp"], "a.b.corp", ["10.1.2.3"]],
    [["bücher.example"], "xn--bcher-kva.example", ["10.1.2.3"]],
    [["localhost"], "localhost", ["127.0.0.1", "::1"]],
    [["10.1.0.0/16"], "half.example", ["10.1.2.3", "1.1.1.1"]],
    [["169.254.0.0/16"], "169.254.169.254", ["169.254.169.254"]],
    [["64:ff9b::/96"], "v4only.example", ["64:ff9b::101:101"]],
  ])("allows by %j that %s is asked at %j", (allowed, hostname, addresses) => {
    expect(admits([], hostname, addresses)).toBe(false);
    expect(admits(allowed, hostname, addresses)).toBe(true);
  });

  it.each([
    ["a neighbour of a network", ["10.1.0.0/16"], "a.example", ["10.2.0.1"]],
    ["one address out of a network", ["10.1.0.0/16"], "a.example", ["10.1.0.1", "10.2.0.1"]],
    ["another name", ["files.corp"], "other.corp", ["10.1.2.3"]],
    ["a name that only ends alike", ["files.corp"], "evilfiles.corp", ["10.1.2.3"]],
    ["a name that only ends like a suffix", ["*.corp"], "evilcorp", ["10.1.2.3"]],
    ["the suffix itself", ["*.corp"], "corp", ["10.1.2.3"]],
    ["an allowed name with a public address besides", ["files.corp"], "files.corp", ["10.1.2.3", "1.1.1.1"]],
    ["an allowed name at the metadata service", ["files.corp"], "files.corp", ["169.254.169.254"]],
    ["an allowed name at that of Alibaba", ["files.corp"], "files.corp", ["100.100.100.200"]],
    ["an allowed name at that of AWS", ["files.corp"], "files.corp", ["fd00:ec2::254"]],
    ["an allowed name at a mapped address", ["files.corp"], "files.corp", ["::ffff:10.0.0.1"]],
    ["an allowed name at no address", ["files.corp"], "files.corp", []],
    ["a private address behind an allowed translator", ["64:ff9b::/96"], "a.example", ["64:ff9b::a00:1"]],
    ["a mapped address of an allowed network", ["127.0.0.0/8"], "::ffff:7f00:1", ["::ffff:7f00:1"]],
  ])("does not allow %s along with it", (_, allowed, hostname, addresses) => {
    expect(admits(allowed, hostname, addresses)).toBe(false);
  });

  it.each(["files.corp", "127.0.0.1", "[::1]"])("may allow a single port: %s", (host) => {
    const address = host === "[::1]" ? "::1" : "127.0.0.1";
    const hostname = host === "files.corp" ? host : address;
    expect(admits([`${host}:80`], hostname, [address], 80)).toBe(true);
    expect(admits([`${host}:80`], hostname, [address], 8080)).toBe(false);
    expect(admits([`${host}:8080`], hostname, [address], 8080)).toBe(true);
  });

  it.each([
    "",
    "*",
    "*.",
    "10.0.0.0/33",
    "10/8",
    "http://files.corp",
    "user@files.corp",
    "files.corp:99999",
    "a b",
    "*.*.corp",
    "files.corp/8",
    "*.127.0.0.1",
    "*.1",
  ])("is told of an entry that is none: %j", (entry) => {
    expect(() => createAddressGuard({ allowed: ["127.0.0.1", entry] })).toThrow(`"${entry}" is no host`);
  });
});
